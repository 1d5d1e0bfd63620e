import type { AlgorithmName } from '../credentials/algorithms.ts'
import { TokenError, type VerifiedToken, verifyToken } from '../credentials/verify.ts'
import { type Claims, type Expectation, ID_TOKEN_CHECKS } from './id-token-checks.ts'
import type { Provider } from './provider.ts'
import { toProviderError } from './provider-error.ts'

export type IdTokenContext = Omit<Expectation, 'issuer' | 'clientId' | 'algorithm'>

/** An ID token is a plain JWT; access tokens, logout tokens and security events say so in `typ`. */
const acceptsType = (typ: string | undefined): boolean => typ === undefined || typ === 'jwt'

/**
 * Verifies an ID token: its signature, then its claims.
 * @throws {TokenError} when it is not to be believed.
 * @throws {GateError} ERR_PROVIDER_… when the provider's keys cannot be had.
 */
export async function verifyIdToken(provider: Provider, idToken: string, context: IdTokenContext): Promise<Claims> {
  const algorithms = provider.idTokenAlgorithms(await provider.metadata())
  const token = await verifyJwt(provider, idToken, algorithms)
  const { issuer, clientId } = provider.options
  const expected: Expectation = { ...context, issuer, clientId, algorithm: token.algorithm }
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
