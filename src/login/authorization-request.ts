import type { Provider } from './provider.ts'
import type { ProviderMetadata } from './provider-metadata.ts'
import { strengthOf } from './step-up.ts'
import { codeChallenge, type Transaction } from './transaction.ts'

/**
 * The URL that sends a browser to the provider. All of it comes from configuration and from the transaction; of the request that
 * began the login nothing gets in, but for how strong and how recent the authentication must be.
 */
export function authorizationUrl(
  provider: Provider,
  metadata: ProviderMetadata,
  transaction: Transaction,
  state: string,
): string {
  const { clientId, authorizationParams } = provider.options
  const url = new URL(metadata.authorizationEndpoint)
  for (const [name, value] of Object.entries(authorizationParams)) url.searchParams.set(name, value)
  for (const [name, value] of stepUpParams(provider, transaction)) url.searchParams.set(name, value)
  for (const [name, value] of [
    ['response_type', 'code'],
    ['client_id', clientId],
    ['redirect_uri', transaction.redirectUri],
    ['scope', provider.scopes.join(' ')],
    ['state', state],
    ['nonce', transaction.nonce],
    ['code_challenge', codeChallenge(transaction.codeVerifier)],
    ['code_challenge_method', 'S256'],
  ] as const) {
    url.searchParams.set(name, value)
  }
  return url.href
}

function stepUpParams({ options }: Provider, { stepUp, isForced }: Transaction): (readonly [string, string])[] {
  if (stepUp === undefined) return []
  const { acrValues, maxAgeSeconds } = strengthOf(options, stepUp)
  return [
    ...(acrValues === undefined ? [] : ([['acr_values', acrValues.join(' ')]] as const)),
    ...(maxAgeSeconds === undefined ? [] : ([['max_age', String(maxAgeSeconds)]] as const)),
    ...(isForced === true ? ([['prompt', 'login']] as const) : []),
  ]
}
