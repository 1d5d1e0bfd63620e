import { errorReply } from '../kernel/error-reply.ts'
import { GateError } from '../kernel/errors.ts'
import type { Reply } from '../kernel/reply.ts'
import { parseQuery } from '../lib/query.ts'
import type { RouteContext } from './context.ts'
import { LoginFailure } from './failure.ts'
import { securityHeaders } from './page.ts'
import { askToRemember, readRememberMe } from './remember-me.ts'
import { isNavigation, type LoginRequest } from './request.ts'
import { type LoginPath, sendToProvider } from './send-to-provider.ts'
import { readStepUp } from './step-up.ts'

/** `GET /login?return_to=…[&provider=ID][&acr_values=…][&max_age=…][&remember_me=…]`: begins a login. */
export async function begin(context: RouteContext, request: LoginRequest): Promise<Reply> {
  const { settings } = context
  if (!isNavigation(request)) return notForScripts(request, settings.secure)
  const baseUrl = settings.baseUrls.of(request.host)
  const redirectUri = `${baseUrl}${settings.basePath}/callback`
  const path = { ...(await readParameters(context, request, baseUrl)), baseUrl, redirectUri }
  if (path.rememberMe === undefined && settings.rememberMe?.asks === true) return askToRemember(context, path)
  return sendToProvider(context, request, path)
}

async function readParameters(
  context: RouteContext,
  request: LoginRequest,
  baseUrl: string,
): Promise<Pick<LoginPath, 'provider' | 'returnTo' | 'stepUp' | 'rememberMe'>> {
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
  return { provider, returnTo, stepUp, rememberMe: await readRememberMe(context, request, read('remember_me')) }
}

function notForScripts({ requestId }: LoginRequest, secure: boolean): Reply {
  const { status, headers, body } = errorReply(new GateError('ERR_CREDENTIALS_INVALID'), { verbose: false, requestId })
  const ours = securityHeaders(secure).filter(([name]) => name !== 'Cache-Control')
  return { status, headers: [...headers, ...ours], body }
}
