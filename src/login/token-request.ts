import type { SessionTokens } from '../sessions/contract.ts'
import { isJsonObject, parseStrictJsonBytes } from '../lib/strict-json.ts'
import type { Provider } from './provider.ts'
import { withoutTokens } from './session-limits.ts'
import { UnexpectedStatusError } from '../lib/outbound.ts'
import { parseRetryAfter } from '../lib/retry-after.ts'
import type { Transaction } from './transaction.ts'

/** The token endpoint said no, in the words of the protocol. */
export class TokenRefusedError extends Error {
  override readonly name = 'TokenRefusedError'
  /** `error` of the answer, such as `invalid_grant`. Its description may hold anything and is not kept. */
  readonly error: string
  /** How long it wants to be left alone; nothing where it did not say. */
  readonly retryAfterMs: number | undefined

  constructor(error: string, retryAfterMs: number | undefined) {
    super(`the token endpoint refused: ${error}`)
    this.error = error
    this.retryAfterMs = retryAfterMs
  }
}

/** Nothing was sent to the token endpoint: it was not allowed any more. */
export class WithheldError extends Error {
  override readonly name = 'WithheldError'
}

export type TokenResponse = Omit<SessionTokens, 'idToken'> & {
  readonly idToken: string | undefined
  /** What else the answer says: no tokens. */
  readonly others: Readonly<Record<string, unknown>>
}

/** Spends an authorization code. It is sent once, whatever comes of it. */
export function exchangeCode(
  provider: Provider,
  code: string,
  { redirectUri, codeVerifier }: Transaction,
  now: number,
): Promise<TokenResponse> {
  const params = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: codeVerifier }
  return requestTokens(provider, params, now)
}

/**
 * Spends a refresh token.
 * @throws {WithheldError} when `maySend` says no in the moment before it leaves.
 */
export function exchangeRefreshToken(
  provider: Provider,
  refreshToken: string,
  now: number,
  maySend: () => boolean,
): Promise<TokenResponse> {
  return requestTokens(provider, { grant_type: 'refresh_token', refresh_token: refreshToken }, now, () => {
    if (!maySend()) throw new WithheldError('the refresh token was not sent')
  })
}

async function requestTokens(
  provider: Provider,
  params: Readonly<Record<string, string>>,
  now: number,
  beforeSend?: () => void,
): Promise<TokenResponse> {
  const { tokenEndpoint } = await provider.metadata()
  const { headers, fields } = authenticateClient(provider)
  const { status, body, header } = await provider.outbound.call(tokenEndpoint, {
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams({ ...params, ...fields }).toString(),
    ...(beforeSend !== undefined && { beforeSend }),
  })
  if (status === 200) return parseTokenResponse(parseStrictJsonBytes(body), now)
  const retryAfterMs = parseRetryAfter(header('retry-after'), now)
  // Who limits rates has not looked at what was sent, whatever it says.
  const error = status >= 400 && status < 500 && status !== 429 ? readError(body) : undefined
  if (error !== undefined) throw new TokenRefusedError(error, retryAfterMs)
  throw new UnexpectedStatusError('the token endpoint', status, retryAfterMs)
}

/** How the client proves itself: one method for each request, and never in the URL. */
export function authenticateClient({ authMethod, options }: Provider): {
  readonly headers: Readonly<Record<string, string>>
  readonly fields: Readonly<Record<string, string>>
} {
  const { clientId, clientSecret } = options
  const secret = clientSecret?.reveal() ?? ''
  if (authMethod === 'client_secret_post')
    return { headers: {}, fields: { client_id: clientId, client_secret: secret } }
  if (authMethod === 'none') return { headers: {}, fields: { client_id: clientId } }
  // Both parts are form-encoded before they are joined: a colon or a percent sign in a secret is not lost.
  const credentials = `${formEncode(clientId)}:${formEncode(secret)}`
  return { headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }, fields: {} }
}

/** @see [RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-2.3.1) */
export function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}

function parseTokenResponse(document: unknown, now: number): TokenResponse {
  if (!isJsonObject(document)) throw new Error('the token endpoint did not answer with an object')
  const { access_token: accessToken, token_type: type, expires_in: expiresIn } = document
  if (typeof accessToken !== 'string' || accessToken === '') throw new Error('the token endpoint gave no access token')
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') {
    throw new Error('the token endpoint gave a token that is not a bearer token')
  }
  return {
    accessToken,
    idToken: readText(document, 'id_token'),
    refreshToken: readText(document, 'refresh_token'),
    scope: readText(document, 'scope'),
    accessTokenExpiresAt: readExpiry(expiresIn, now),
    others: withoutTokens(document),
  }
}

function readText(document: Record<string, unknown>, name: string): string | undefined {
  const value = document[name]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw new Error(`the token endpoint gave a ${name} that is not a text`)
  return value
}

const MAX_LIFETIME_SECONDS = 10 * 365 * 24 * 3600

/** Some providers send the number as a text. What is no lifetime counts as not said. */
function readExpiry(expiresIn: unknown, now: number): number | undefined {
  const seconds = typeof expiresIn === 'string' && /^\d{1,9}$/.test(expiresIn) ? Number(expiresIn) : expiresIn
  if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= MAX_LIFETIME_SECONDS)) return undefined
  return now + Math.floor(seconds) * 1000
}

function readError(body: Uint8Array): string | undefined {
  try {
    const document = parseStrictJsonBytes(body)
    const error = isJsonObject(document) ? document['error'] : undefined
    return typeof error === 'string' && /^[a-z_]{1,64}$/.test(error) ? error : undefined
  } catch {
    return undefined
  }
}
