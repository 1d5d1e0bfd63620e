import { algorithm } from '../credentials/algorithms.ts'
import type { Problem } from '../kernel/problem.ts'
import { isSafeEndpoint } from './endpoint.ts'
import type { ProviderOptions } from './options.ts'

/** Parameters of the authorization request that are ours: configuration cannot set them. */
export const RESERVED_PARAMS = new Set([
  'response_type',
  'response_mode',
  'client_id',
  'client_secret',
  'redirect_uri',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'request',
  'request_uri',
  'registration',
])

const MIN_HMAC_SECRET_BYTES = { sha256: 32, sha384: 48, sha512: 64 } as const

/** Finds mistakes that only the provider's keys together show. */
export function checkProviders(providers: readonly ProviderOptions[], problems: Problem[]): void {
  if (providers.length === 0) problems.push({ path: 'login.providers', message: 'needs at least one provider' })
  const ids = new Set<string>()
  for (const [index, provider] of providers.entries()) {
    const report = (key: string, message: string) => {
      problems.push({ path: `login.providers[${index}].${key}`, message })
    }
    if (!/^[a-z0-9-]{1,64}$/.test(provider.id)) report('id', 'is not made of a-z, 0-9 and "-"')
    if (ids.has(provider.id)) report('id', `"${provider.id}" is used twice`)
    ids.add(provider.id)
    checkProvider(provider, report)
  }
}

function checkProvider(provider: ProviderOptions, report: (key: string, message: string) => void): void {
  const { issuer, clientId, clientSecret, authMethod, authorizationParams, scopes, idTokenAlgorithm } = provider
  if (!isSafeEndpoint(issuer) || issuer.includes('?')) {
    report('issuer', 'is not an https URL without query (http is allowed on loopback only)')
  }
  if (clientId === '') report('client_id', 'is empty')
  if (clientSecret?.reveal() === '') report('client_secret', 'is empty; leave it out for a public client')
  if (clientSecret === undefined && authMethod !== undefined && authMethod !== 'none') {
    report('auth_method', `${authMethod} needs a client_secret`)
  }
  if (clientSecret !== undefined && authMethod === 'none') {
    report('auth_method', 'none leaves the client_secret unused')
  }
  for (const name of Object.keys(authorizationParams)) {
    if (!RESERVED_PARAMS.has(name)) continue
    report(`authorization_params.${name}`, 'belongs to the protocol and cannot be set')
  }
  if (!/^(?:\d{1,9})?$/.test(authorizationParams['max_age'] ?? '')) {
    report('authorization_params.max_age', 'is not a number of seconds')
  }
  for (const scope of scopes) {
    if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope))
      report('scopes', 'holds a scope with a character that none can have')
  }
  if (idTokenAlgorithm === undefined || algorithm(idTokenAlgorithm).family !== 'oct') return
  const needed = MIN_HMAC_SECRET_BYTES[algorithm(idTokenAlgorithm).halfHash]
  if (Buffer.byteLength(clientSecret?.reveal() ?? '') < needed) {
    report('id_token_signed_response_alg', `${idTokenAlgorithm} needs a client_secret of at least ${needed} bytes`)
  }
}
