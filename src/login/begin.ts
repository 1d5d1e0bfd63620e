import { errorReply } from '../kernel/error-reply.ts'
import { GateError } from '../kernel/errors.ts'
import type { Reply } from '../kernel/reply.ts'
import { parseQuery } from '../lib/query.ts'
import type { EndReason } from '../sessions/contract.ts'
import type { RouteContext } from './context.ts'
import { endedPage, parseEndReason } from './ended-page.ts'
import { LoginFailure } from './failure.ts'
import { securityHeaders } from './page.ts'
import { askToRemember, readRememberMe } from './remember-me.ts'
import { cookieHeader, isNavigation, type LoginRequest } from './request.ts'
import { type LoginPath, sendToProvider } from './send-to-provider.ts'
import { isSignedIn } from './signed-out.ts'
import { readStepUp } from './step-up.ts'

/**
 * `GET /login?return_to=…[&provider=ID][&acr_values=…][&max_age=…][&remember_me=…][&reason=…]`: begins a login. With a reason it first says why the session
 * before is over, and begins when the person goes on.
 */
export async function begin(context: RouteContext, request: LoginRequest): Promise<Reply> {
  const { settings } = context
  if (!isNavigation(request)) return notForScripts(request, settings.secure)
  const baseUrl = settings.baseUrls.of(request.host)
  const redirectUri = `${baseUrl}${settings.basePath}/callback`
  const { reason, ...wanted } = await readParameters(context, request, baseUrl)
  const path = { ...wanted, baseUrl, redirectUri }
  const ended = reason !== undefined && (await canBeTold(context, request, reason)) ? reason : undefined
  if (path.rememberMe === undefined && settings.rememberMe?.asks === true) return askToRemember(context, path, ended)
  if (ended === undefined) return sendToProvider(context, request, path)
  const again = context.startAgainUrl(baseUrl, { ...wanted, provider: wanted.provider.options.id })
  return endedPage(ended, again, request.requestId, settings.secure)
}

/**
 * Whether to say first that the session before is over: to a person who sees whole pages (a frame may not show ours), and who is not
 * signed in, since anybody can send somebody here with a reason. Many tabs that log in at once end each other's sessions on the way, which
 * is nobody's business.
 */
async function canBeTold(context: RouteContext, request: LoginRequest, reason: EndReason): Promise<boolean> {
  if (reason === 'superseded' && context.loginCookies.hasAttempts(cookieHeader(request))) return false
  if (request.headers.get('sec-fetch-dest') !== 'document') return false
  return !(await isSignedIn(context, cookieHeader(request)))
}

async function readParameters(
  context: RouteContext,
  request: LoginRequest,
  baseUrl: string,
): Promise<
  Pick<LoginPath, 'provider' | 'returnTo' | 'stepUp' | 'rememberMe'> & { readonly reason: EndReason | undefined }
> {
  const { settings, providers, defaultProvider } = context
  const query = parseQuery(request.rawQuery)
  const read = (name: string): string | undefined => {
    const [value, ...more] = query?.get(name) ?? []
    if (query !== undefined && more.length === 0) return value
    throw new LoginFailure('request_malformed', { detail: 'a parameter is repeated or cannot be decoded' })
  }
  const wanted = read('return_to') ?? ''
  const id = read('provider')
  const provider = id === undefined ? defaultProvider : providers.get(id)
  if (provider === undefined) throw new LoginFailure('request_malformed', { detail: 'there is no such provider' })
  const returnTo = settings.returnTargets.judge(wanted, baseUrl) ?? settings.afterLogin(baseUrl)
  const stepUp = readStepUp(read('acr_values'), read('max_age'))
  const rememberMe = await readRememberMe(context, request, read('remember_me'))
  return { provider, returnTo, stepUp, rememberMe, reason: parseEndReason(read('reason')) }
}

function notForScripts({ requestId }: LoginRequest, secure: boolean): Reply {
  const { status, headers, body } = errorReply(new GateError('ERR_CREDENTIALS_INVALID'), { verbose: false, requestId })
  const ours = securityHeaders(secure).filter(([name]) => name !== 'Cache-Control')
  return { status, headers: [...headers, ...ours], body }
}
