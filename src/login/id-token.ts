import type { AlgorithmName } from '../credentials/algorithms.ts'
import { readToken, TokenError, type VerifiedToken, verifyToken } from '../credentials/verify.ts'
import { type Claims, type Expectation, ID_TOKEN_CHECKS } from './id-token-checks.ts'
import type { Provider } from './provider.ts'
import { toProviderError } from './provider-error.ts'

export interface IdTokenContext extends Omit<Expectation, 'issuer' | 'clientId' | 'algorithm'> {
  /** Where the provider's issuer is not known: the one that something else speaks of. */
  readonly otherwiseIssuer: string | undefined
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
    if (problem !== undefined) throw new TokenError(`${claim} of the ID token ${problem}`)
  }
  return token.claims
}

/** What a login at this provider must come up to, because its authorization request asks for it (B-10). */
export function requestedStrength({ options }: Provider): Pick<Expectation, 'maxAgeSeconds' | 'acrValues'> {
  const { max_age: maxAge, acr_values: acrValues } = options.authorizationParams
  return {
    maxAgeSeconds: maxAge === undefined || maxAge === '' ? undefined : Number(maxAge),
    acrValues: acrValues?.split(' ').filter((value) => value !== ''),
  }
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
