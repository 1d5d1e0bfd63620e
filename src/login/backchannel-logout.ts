import { TokenError } from '../credentials/verify.ts'
import { BodyStalledError } from '../http/request-body.ts'
import type { Clock } from '../kernel/clock.ts'
import { GateError, toGateError } from '../kernel/errors.ts'
import type { Reply } from '../kernel/reply.ts'
import { parseQuery } from '../lib/query.ts'
import type { RouteContext } from './context.ts'
import { publish } from './events.ts'
import { verifyLogoutToken } from './logout-token.ts'
import { type Header, securityHeaders } from './page.ts'
import type { LoginRequest } from './request.ts'

/** More than the largest token that is looked at. */
const MAX_BODY_BYTES = 64 * 1024
/** A body so small is there at once; this is for those that trickle. */
const MAX_BODY_MS = 10_000
const FORM = /^application\/x-www-form-urlencoded\s*(?:;|$)/i

/**
 * `POST /backchannel-logout/{provider}`: a provider tells that somebody has logged out. It has no cookie and no origin of ours;
 * the token is all that speaks for it. The answer is 200 only when the sessions are over, for every instance.
 * @see [Back-Channel Logout](https://openid.net/specs/openid-connect-backchannel-1_0.html)
 */
export async function backchannelLogout(
  context: RouteContext,
  request: LoginRequest,
  providerId: string,
): Promise<Reply> {
  const { settings, providers, logouts, clock, logger } = context
  const provider = providers.get(providerId)
  const log = { provider: provider?.id, request_id: request.requestId }
  try {
    if (provider === undefined) throw new GateError('ERR_NOT_FOUND', { message: 'There is no such provider' })
    if (request.method !== 'POST') return json(405, 'The method must be POST', settings.secure, [['Allow', 'POST']])
    const logout = await verifyLogoutToken(provider, await readLogoutToken(request, clock), clock.now())
    const count = await logouts.complete(logout)
    publish({ type: 'backchannel_logout', provider: provider.id, outcome: count === 'repeated' ? count : 'completed' })
    if (count === 'repeated') logger.info(log, 'a back-channel logout was told again')
    else logger.info({ ...log, sessions: count }, 'back-channel logout completed')
    return { status: 200, headers: securityHeaders(settings.secure), body: '' }
  } catch (cause: unknown) {
    const error = toRefusal(cause)
    const { status, code, detail } = error
    if (provider !== undefined) {
      const outcome = status >= 500 ? 'failed' : 'refused'
      publish({ type: 'backchannel_logout', provider: provider.id, outcome })
      const fields = { ...log, error_code: code, detail: detail ?? error.message, ...(status === 500 && { cause }) }
      if (status >= 500) logger.error(fields, 'a back-channel logout failed')
      else logger.warn(fields, 'a back-channel logout was refused')
    }
    return json(status, error.message, settings.secure, error.headers)
  }
}

/** One field of that name: of two the provider and we could mean different ones (V-086). Fields that we do not know are ignored. */
async function readLogoutToken(request: LoginRequest, clock: Clock): Promise<string> {
  const [type, ...more] = request.headers.getAll('content-type')
  if (type === undefined || more.length > 0 || !FORM.test(type)) {
    throw malformed('the body must be application/x-www-form-urlencoded')
  }
  const body = Buffer.from(await readBody(request, clock)).toString('latin1')
  const [token, ...others] = parseQuery(body)?.get('logout_token') ?? []
  if (token === undefined || others.length > 0) throw malformed('the body must have one logout_token')
  return token
}

async function readBody(request: LoginRequest, clock: Clock): Promise<Uint8Array> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const cancel = clock.schedule(MAX_BODY_MS, () => reject(new GateError('ERR_REQUEST_TIMEOUT')))
  try {
    return await Promise.race([request.readBody(MAX_BODY_BYTES), late])
  } finally {
    cancel()
  }
}

function toRefusal(cause: unknown): GateError {
  if (cause instanceof TokenError) return malformed(cause.message)
  if (cause instanceof BodyStalledError) return new GateError('ERR_REQUEST_TIMEOUT')
  return toGateError(cause)
}

function malformed(message: string): GateError {
  return new GateError('ERR_REQUEST_MALFORMED', { message })
}

const ERRORS: Readonly<Record<number, string>> = { 404: 'not_found', 500: 'server_error' }

/** @see [Back-Channel Logout §2.8](https://openid.net/specs/openid-connect-backchannel-1_0.html#BCResponse) */
function json(status: number, description: string, secure: boolean, headers: readonly Header[]): Reply {
  const error = ERRORS[status] ?? (status > 500 ? 'temporarily_unavailable' : 'invalid_request')
  return {
    status,
    headers: [['Content-Type', 'application/json; charset=utf-8'], ...securityHeaders(secure), ...headers],
    body: `${JSON.stringify({ error, error_description: description })}\n`,
  }
}
