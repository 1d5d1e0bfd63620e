import { OutboundError, type Outbound } from '../../lib/outbound.ts'
import { isJsonObject, parseStrictJsonBytes } from '../../lib/strict-json.ts'
import { parseMetadata, type ProviderMetadata } from '../provider-metadata.ts'

/** What is known of a provider without a discovery document. */
export interface ProviderEndpoints {
  readonly authorizationUrl: string
  readonly tokenUrl: string
}

/** Each path above the endpoints is asked for once; no provider nests them deeper. */
const MAX_CANDIDATES = 12
const PROBE_TIMEOUT_MS = 5_000

/**
 * Finds the discovery document of the provider that these endpoints belong to, by asking for it at every path above them (and
 * below the token endpoint, where WSO2 has it). A document counts only if it names the very place where it was found as its
 * issuer and one of the endpoints as its own.
 * @returns nothing when the provider has none.
 * @throws when its token endpoint's host cannot be asked, or when the document is one that cannot be used.
 */
export async function discoverIssuer(
  endpoints: ProviderEndpoints,
  outbound: Pick<Outbound, 'call'>,
): Promise<ProviderMetadata | undefined> {
  const candidates = issuerCandidates(endpoints)
  const answers = await Promise.allSettled(candidates.map((candidate) => fetchDocument(candidate, outbound)))
  for (const [index, answer] of answers.entries()) {
    const candidate = candidates[index]
    if (answer.status !== 'fulfilled' || candidate === undefined) continue
    const issuer = issuerAt(candidate, answer.value, endpoints)
    if (issuer !== undefined) return parseMetadata(answer.value, issuer)
  }
  const { origin } = new URL(endpoints.tokenUrl)
  const own = answers.filter((_, index) => candidates[index]?.startsWith(origin) === true)
  const [failed] = own.filter((answer) => answer.status === 'rejected')
  if (failed !== undefined && own.every((answer) => answer.status === 'rejected')) throw failed.reason
  return undefined
}

/** Issuers that the endpoints may belong to, likely ones first; without a slash at the end. */
export function issuerCandidates({ authorizationUrl, tokenUrl }: ProviderEndpoints): string[] {
  const [token = '', ...aboveToken] = pathsUpwards(tokenUrl)
  const [, ...aboveAuthorization] = pathsUpwards(authorizationUrl)
  return [...new Set([token, ...aboveAuthorization, ...aboveToken])].slice(0, MAX_CANDIDATES)
}

/** The address, then every folder above it, the origin last. */
function pathsUpwards(address: string): string[] {
  const { origin, pathname } = new URL(address)
  const parts = pathname.split('/').filter((part) => part !== '')
  return Array.from({ length: parts.length + 1 }, (_, up) => [origin, ...parts.slice(0, parts.length - up)].join('/'))
}

/** `undefined` where there is an answer that is no document; rejects where there is no answer. */
async function fetchDocument(issuer: string, outbound: Pick<Outbound, 'call'>): Promise<unknown> {
  try {
    const { status, body } = await outbound.call(`${issuer}/.well-known/openid-configuration`, {
      method: 'GET',
      headers: { accept: 'application/json' },
      timeoutMs: PROBE_TIMEOUT_MS,
    })
    return status === 200 ? parseStrictJsonBytes(body) : undefined
  } catch (cause: unknown) {
    if (cause instanceof OutboundError && (cause.kind === 'unreachable' || cause.kind === 'timeout')) throw cause
    return undefined
  }
}

function issuerAt(candidate: string, document: unknown, endpoints: ProviderEndpoints): string | undefined {
  if (!isJsonObject(document)) return undefined
  const { issuer, authorization_endpoint: authorization, token_endpoint: token } = document
  if (issuer !== candidate && issuer !== `${candidate}/`) return undefined
  return authorization === endpoints.authorizationUrl || token === endpoints.tokenUrl ? issuer : undefined
}
