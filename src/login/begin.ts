import { errorReply } from '../kernel/error-reply.ts'
import { GateError } from '../kernel/errors.ts'
import type { Reply } from '../kernel/reply.ts'
import { parseQuery } from '../lib/query.ts'
import { authorizationUrl } from './authorization-request.ts'
import type { LoginContext } from './context.ts'
import { LoginFailure, orInterrupt } from './failure.ts'
import { type Header, redirect, securityHeaders } from './page.ts'
import type { Provider } from './provider.ts'
import { cookieHeader, isNavigation, type LoginRequest } from './request.ts'
import type { ReturnTarget } from './return-target.ts'
import { createTransaction } from './transaction.ts'

/**
 * `GET /login?return_to=…[&provider=ID]`: begins a login. Nothing is kept, and nobody is sent to a provider, unless the
 * provider is known to be there and the store has taken the state.
 */
export async function begin(context: LoginContext, request: LoginRequest): Promise<Reply> {
  const { settings, states, clock, loginCookies } = context
  if (!isNavigation(request)) return notForScripts(request, settings.secure)
  const baseUrl = settings.baseUrls.of(request.host)
  const { provider, returnTo } = readParameters(context, request, baseUrl)
  const cookies = cookieHeader(request)
  if (context.sessionCookie.hasSeveral(cookies)) throw cookiesRepeated(context, returnTo)

  const interrupted = { provider: provider.id, returnTo }
  const metadata = await orInterrupt(() => provider.metadata(), interrupted)
  const redirectUri = `${baseUrl}${settings.basePath}/callback`
  const transaction = createTransaction({ issuer: provider.options.issuer, baseUrl, redirectUri, returnTo })
  const { attempt, setCookie } = loginCookies.begin(provider.id)
  const expiresAt = clock.now() + settings.stateTtlMs
  await orInterrupt(
    () => states.put(attempt.state, attempt.secret, transaction, expiresAt, request.clientAddress),
    interrupted,
  )
  const headers = [setCookie, ...loginCookies.evict(cookies)].map((value): Header => ['Set-Cookie', value])
  return redirect(302, authorizationUrl(provider, metadata, transaction, attempt.state), settings.secure, headers)
}

function readParameters(
  { settings, providers, defaultProvider }: LoginContext,
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

/** Each login would be forgotten at once, and people would go round in circles. */
function cookiesRepeated({ sessionCookie }: LoginContext, returnTo: ReturnTarget): LoginFailure {
  const headers: Header[] = [
    ['Set-Cookie', sessionCookie.clear],
    ['Clear-Site-Data', '"cookies"'],
  ]
  return new LoginFailure('cookies_repeated', { returnTo, headers })
}

function notForScripts({ requestId }: LoginRequest, secure: boolean): Reply {
  const { status, headers, body } = errorReply(new GateError('ERR_CREDENTIALS_INVALID'), { verbose: false, requestId })
  const ours = securityHeaders(secure).filter(([name]) => name !== 'Cache-Control')
  return { status, headers: [...headers, ...ours], body }
}
