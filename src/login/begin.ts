import { errorReply } from '../kernel/error-reply.ts'
import { GateError } from '../kernel/errors.ts'
import type { Reply } from '../kernel/reply.ts'
import { parseQuery } from '../lib/query.ts'
import type { RouteContext } from './context.ts'
import { LoginFailure } from './failure.ts'
import { securityHeaders } from './page.ts'
import type { Provider } from './provider.ts'
import { isNavigation, type LoginRequest } from './request.ts'
import type { ReturnTarget } from './return-target.ts'
import { sendToProvider } from './send-to-provider.ts'

/** `GET /login?return_to=…[&provider=ID]`: begins a login. */
export async function begin(context: RouteContext, request: LoginRequest): Promise<Reply> {
  const { settings } = context
  if (!isNavigation(request)) return notForScripts(request, settings.secure)
  const baseUrl = settings.baseUrls.of(request.host)
  const { provider, returnTo } = readParameters(context, request, baseUrl)
  const redirectUri = `${baseUrl}${settings.basePath}/callback`
  return sendToProvider(context, request, { provider, baseUrl, redirectUri, returnTo })
}

function readParameters(
  { settings, providers, defaultProvider }: RouteContext,
  { rawQuery }: LoginRequest,
  baseUrl: string,
): { readonly provider: Provider; readonly returnTo: ReturnTarget } {
  const query = parseQuery(rawQuery)
  const [wanted = '', ...more] = query?.get('return_to') ?? []
  const [id, ...others] = query?.get('provider') ?? []
  const provider = id === undefined ? defaultProvider : providers.get(id)
  if (query === undefined || more.length > 0 || others.length > 0) {
    throw new LoginFailure('request_malformed', { detail: 'a parameter is repeated or cannot be decoded' })
  }
  if (provider === undefined) throw new LoginFailure('request_malformed', { detail: 'there is no such provider' })
  return { provider, returnTo: settings.returnTargets.judge(wanted, baseUrl) ?? settings.afterLogin(baseUrl) }
}

function notForScripts({ requestId }: LoginRequest, secure: boolean): Reply {
  const { status, headers, body } = errorReply(new GateError('ERR_CREDENTIALS_INVALID'), { verbose: false, requestId })
  const ours = securityHeaders(secure).filter(([name]) => name !== 'Cache-Control')
  return { status, headers: [...headers, ...ours], body }
}
