import type { AlgorithmName } from '../credentials/algorithms.ts'
import { readToken, TokenError, type VerifiedToken, verifyToken } from '../credentials/verify.ts'
import { type Claims, type Expectation, ID_TOKEN_CHECKS } from './id-token-checks.ts'
import type { Provider } from './provider.ts'
import { toProviderError } from './provider-error.ts'

export interface IdTokenContext extends Omit<Expectation, 'issuer' | 'clientId' | 'algorithm'> {
  /** Where the provider's issuer is not known: the one that something else speaks of. */
  readonly otherwiseIssuer: string | undefined
}

/** An ID token speaks of another authentication than the one that was asked for. */
export class WeakAuthenticationError extends TokenError {
  /** Of one that is too long ago; else of another kind, or of none that is known. */
  readonly isStale: boolean

  constructor(message: string, isStale: boolean) {
    super(message)
    this.isStale = isStale
  }
}

/** An ID token is a plain JWT; access tokens, logout tokens and security events say so in `typ`. */
const acceptsType = (typ: string | undefined): boolean => typ === undefined || typ === 'jwt'

/**
 * Verifies an ID token: its signature, then its claims. Where the provider's issuer, and so its keys, are not known, the token
 * is believed because it came from the token endpoint itself, over TLS (OpenID Connect Core §3.1.3.7, 6).
 * @throws {TokenError} when it is not to be believed.
 * @throws {GateError} ERR_PROVIDER_… when the provider's keys cannot be had.
 */
export async function verifyIdToken(provider: Provider, idToken: string, context: IdTokenContext): Promise<Claims> {
  const metadata = await provider.metadata()
  const token =
    metadata.issuer === undefined
      ? readToken(idToken, acceptsType)
      : await verifyJwt(provider, idToken, provider.idTokenAlgorithms(metadata))
  const issuer = metadata.issuer ?? context.otherwiseIssuer
  const expected: Expectation = { ...context, issuer, clientId: provider.options.clientId, algorithm: token.algorithm }
  for (const { claim, check } of ID_TOKEN_CHECKS) {
    const problem = check(token.claims, expected)
    if (problem === undefined) continue
    const message = `${claim} of the ID token ${problem}`
    const isStale = claim === 'auth_time' && token.claims[claim] !== undefined
    throw claim === 'auth_time' || claim === 'acr'
      ? new WeakAuthenticationError(message, isStale)
      : new TokenError(message)
  }
  return token.claims
}

async function verifyJwt(
  provider: Provider,
  token: string,
  algorithms: readonly AlgorithmName[],
): Promise<VerifiedToken> {
  try {
    return await verifyToken(token, { algorithms, keys: provider.keys, acceptsType })
  } catch (cause: unknown) {
    if (cause instanceof TokenError) throw new TokenError(`ID token: ${cause.message}`)
    throw toProviderError(cause, provider.id)
  }
}
