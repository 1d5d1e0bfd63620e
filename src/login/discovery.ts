import { type Outbound, UnexpectedStatusError } from '../lib/outbound.ts'
import { parseStrictJsonBytes } from '../lib/strict-json.ts'
import { parseMetadata, type ProviderMetadata } from './provider-metadata.ts'

/**
 * Asks a provider for its discovery document.
 * @throws {Error} when there is none, or when it is not that of this issuer.
 */
export async function fetchMetadata(issuer: string, outbound: Pick<Outbound, 'call'>): Promise<ProviderMetadata> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const { status, body } = await outbound.call(url, { method: 'GET', headers: { accept: 'application/json' } })
  if (status !== 200) throw new UnexpectedStatusError('the discovery document', status)
  return parseMetadata(parseStrictJsonBytes(body), issuer)
}
