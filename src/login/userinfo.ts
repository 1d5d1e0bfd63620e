import { isJsonObject, parseStrictJsonBytes } from '../lib/strict-json.ts'
import type { Claims } from './id-token-checks.ts'
import type { Provider } from './provider.ts'
import { UnexpectedStatusError } from '../lib/outbound.ts'
import { parseRetryAfter } from '../lib/retry-after.ts'

/** UserInfo speaks of somebody other than the ID token does, or of nobody. */
export class SubjectMismatchError extends Error {
  override readonly name = 'SubjectMismatchError'
}

/** UserInfo speaks of nobody: nothing that can be used, and nothing that says that it is somebody else. */
export class SubjectMissingError extends SubjectMismatchError {}

/**
 * Fetches the claims of UserInfo. They join those of the ID token, whose own stand where both have one: those are signed.
 * @throws {SubjectMismatchError} and then none of it may be used.
 * @see [OpenID Connect Core §5.3.2](https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse)
 */
export async function joinUserinfo(provider: Provider, accessToken: string, idTokenClaims: Claims): Promise<Claims> {
  const claims = await fetchUserinfo(provider, accessToken)
  if (claims['sub'] !== idTokenClaims['sub']) throw new SubjectMismatchError('UserInfo speaks of another sub')
  return { ...claims, ...idTokenClaims }
}

/**
 * Fetches the claims of UserInfo, which have a `sub`.
 * @throws {SubjectMismatchError} when they have none.
 */
export async function fetchUserinfo(provider: Provider, accessToken: string): Promise<Claims> {
  const { userinfoEndpoint } = await provider.metadata()
  if (userinfoEndpoint === undefined) throw new Error('the provider has no UserInfo endpoint; switch userinfo off')
  const { status, mediaType, body, header } = await provider.outbound.call(userinfoEndpoint, {
    method: 'GET',
    headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` },
  })
  if (status !== 200) {
    throw new UnexpectedStatusError('UserInfo', status, parseRetryAfter(header('retry-after'), Date.now()))
  }
  if (mediaType !== 'application/json') throw new Error('UserInfo did not answer with application/json')
  const claims = parseStrictJsonBytes(body)
  if (!isJsonObject(claims)) throw new Error('UserInfo did not answer with an object')
  const { sub } = claims
  if (typeof sub !== 'string' || sub === '' || sub.length > MAX_SUB_CHARS) {
    throw new SubjectMissingError('UserInfo names no sub')
  }
  return claims
}

const MAX_SUB_CHARS = 255
