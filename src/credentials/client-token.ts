import { decodeJsonBytes } from '../lib/decode-json.ts'
import { goMember } from '../lib/go-json.ts'
import { encodeQuery, escapeQuery, readQuery } from '../lib/go-query.ts'
import type { Outbound, OutboundResponse, OutboundTarget } from '../lib/outbound.ts'
import { callWithRetries, type RetryPolicy } from '../lib/retry.ts'
import { isJsonObject } from '../lib/strict-json.ts'

/** A grant of the type `client_credentials`. */
export interface ClientGrant {
  readonly target: OutboundTarget
  readonly clientId: string
  readonly clientSecret: string
  /** Parameters of the request beside the type, such as `scope`. */
  readonly parameters: ReadonlyMap<string, readonly string[]>
  /** Nothing: one attempt, with the deadline of the caller. */
  readonly retry: RetryPolicy | undefined
}

/** How the client proves itself: `client_secret_basic` or `client_secret_post`. */
export type ClientAuthentication = 'basic' | 'post'

export type ClientTokenAnswer =
  | { readonly kind: 'granted'; readonly accessToken: string; readonly lifetimeMs: number | undefined }
  | { readonly kind: 'refused'; readonly response: OutboundResponse }
  | { readonly kind: 'unusable'; readonly detail: string }

/**
 * Asks a token endpoint for a token of the client itself.
 * @throws {OutboundError} when there is no answer.
 * @see [RFC 6749 §4.4](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.4)
 */
export async function requestClientToken(
  outbound: Pick<Outbound, 'call'>,
  grant: ClientGrant,
  authentication: ClientAuthentication,
): Promise<ClientTokenAnswer> {
  const headers: Record<string, string> = { 'content-type': FORM }
  const form = new Map([['grant_type', ['client_credentials']], ...grant.parameters])
  if (authentication === 'basic') headers['authorization'] = basicAuthorization(grant)
  else {
    if (grant.clientId !== '') form.set('client_id', [grant.clientId])
    if (grant.clientSecret !== '') form.set('client_secret', [grant.clientSecret])
  }
  const request = { method: 'POST', headers, body: encodeQuery(form), isRepeatable: true }
  return readAnswer(await callMaybeWithRetries(outbound, grant.target, request, grant.retry))
}

/** Calls as the policy says, or once where there is none. */
export function callMaybeWithRetries(
  outbound: Pick<Outbound, 'call'>,
  target: OutboundTarget,
  request: Parameters<typeof callWithRetries>[2],
  retry: RetryPolicy | undefined,
): Promise<OutboundResponse> {
  return retry === undefined ? outbound.call(target, request) : callWithRetries(outbound, target, request, retry)
}

const FORM = 'application/x-www-form-urlencoded'

/** Both parts are form-encoded before they are joined (RFC 6749 §2.3.1). */
function basicAuthorization({ clientId, clientSecret }: ClientGrant): string {
  const [id, secret] = [clientId, clientSecret].map(escapeQuery)
  return `Basic ${Buffer.from(`${id}:${secret}`, 'latin1').toString('base64')}`
}

function readAnswer(response: OutboundResponse): ClientTokenAnswer {
  const isFailure = response.status < 200 || response.status > 299
  const document = readDocument(response)
  // Some servers answer 200 to say no.
  if (isFailure || (document !== undefined && isText(document['error']))) return { kind: 'refused', response }
  const accessToken = document?.['access_token']
  if (!isText(accessToken)) return { kind: 'unusable', detail: 'the token endpoint gave no access token' }
  return { kind: 'granted', accessToken, lifetimeMs: readLifetime(document?.['expires_in']) }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

const MEMBERS = ['access_token', 'expires_in', 'error'] as const

/** Some servers answer with a form. */
function readDocument({ mediaType, body }: OutboundResponse): Record<string, unknown> | undefined {
  if (mediaType === FORM || mediaType === 'text/plain') {
    const form = readQuery(Buffer.from(body).toString('utf8'))
    return Object.fromEntries(MEMBERS.map((name) => [name, form.get(name)?.[0]]))
  }
  try {
    const document = decodeJsonBytes(body)
    return isJsonObject(document)
      ? Object.fromEntries(MEMBERS.map((name) => [name, goMember(document, name)]))
      : undefined
  } catch {
    return undefined
  }
}

/** Some servers give a text. */
function readLifetime(expiresIn: unknown): number | undefined {
  const seconds = typeof expiresIn === 'string' ? Number(expiresIn) : expiresIn
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds !== 0 ? seconds * 1000 : undefined
}
