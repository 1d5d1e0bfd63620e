import { toGateError } from '../../kernel/errors.ts'
import type { Reply } from '../../kernel/reply.ts'
import type { RequestView } from '../../kernel/request.ts'
import { parseQuery } from '../../lib/query.ts'
import type { LoginContext } from '../context.ts'
import { failurePage } from '../failure-page.ts'
import { endSessions, isScript, MAX_HINT_CHARS, orIncomplete } from '../logout.ts'
import { type Header, redirect, renderPage, securityHeaders } from '../page.ts'
import type { Provider } from '../provider.ts'
import { cookieHeader, isNavigation } from '../request.ts'
import { revokeTokens } from '../revoke.ts'
import type { RuleEndOptions } from './options.ts'

export interface EndDeps {
  readonly context: LoginContext
  /** Whether an origin is one that a login by rules comes back to. */
  readonly isKnownOrigin: (origin: string) => boolean
  readonly providerOf: (id: string) => Provider | undefined
  /** `Set-Cookie` values for what an earlier gateway left in the browser. */
  readonly forget: (cookieHeader: string) => readonly string[]
  /** Ends the session of an earlier gateway, where those are taken over; gives its ID token. */
  readonly endOld: (cookieHeader: string) => Promise<string | undefined>
}

/** Query parameter by which the page that asks comes back. */
const CONFIRM = 'confirm'

/**
 * Ends the session, here before the answer leaves, then at the provider. Where to in the end is configuration. Another site
 * that leads the browser here ends nothing: the person is asked first (C-04). Never throws.
 */
export async function endByRule(options: RuleEndOptions, request: RequestView, deps: EndDeps): Promise<Reply> {
  const { context } = deps
  try {
    const cookies = cookieHeader(request)
    const tickets = context.sessionCookie.readTickets(cookies)
    const forgotten = deps.forget(cookies)
    if (tickets.length + forgotten.length > 0 && !isOwn(request, deps)) return confirm(context, request)
    const clear: Header = ['Set-Cookie', context.sessionCookie.clear]
    const ended = await endSessions(context, tickets, clear)
    const oldIdToken = await orIncomplete(context, clear, () => deps.endOld(cookies))
    const headers: Header[] = [clear, ...forgotten.map((value): Header => ['Set-Cookie', value])]
    headers.push(['Set-Cookie', context.loginCookies.clearLogout], ['Clear-Site-Data', '"cache"'])
    if (ended !== undefined) {
      const told = { provider: ended.provider, session_id: ended.id, request_id: request.requestId }
      context.logger.info(told, 'logout completed')
    }
    const provider = ended === undefined ? undefined : deps.providerOf(ended.provider)
    if (ended !== undefined && provider !== undefined) void revokeTokens(provider, ended, context.logger)
    const { secure } = context.settings
    if (isScript(request)) return signedOut(secure, headers)
    const hint = ended?.tokens.idToken ?? oldIdToken
    const target = endSessionUrl(options, hint, provider?.options.clientId, context)
    return redirect(302, target, secure, headers)
  } catch (cause: unknown) {
    return failurePage(context, request, toGateError(cause))
  }
}

/** @see [RP-Initiated Logout §2](https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout) */
function endSessionUrl(
  { logoutUrl, postLogoutRedirectUrl }: RuleEndOptions,
  idToken: string | undefined,
  clientId: string | undefined,
  { loginCookies }: LoginContext,
): string {
  const url = new URL(logoutUrl)
  if (idToken !== undefined && idToken !== '' && idToken.length <= MAX_HINT_CHARS) {
    url.searchParams.set('id_token_hint', idToken)
  }
  if (clientId !== undefined) url.searchParams.set('client_id', clientId)
  url.searchParams.set('post_logout_redirect_uri', postLogoutRedirectUrl)
  // Nothing is done when it comes back, so nobody has to look at it.
  url.searchParams.set('state', loginCookies.beginLogout().state)
  return url.href
}

/**
 * Whether the person asked for it: the browser vouches for the link, or the page that asked came back. A script or a frame of
 * our own origin may do it too, an image may not: pages show images that others put into them.
 */
function isOwn(request: RequestView, { context, isKnownOrigin }: EndDeps): boolean {
  if (isConfirmed(context, request)) return true
  const { headers } = request
  const site = headers.get('sec-fetch-site')
  if (site !== undefined && site !== '') {
    const isVouched = site === 'same-origin' || site === 'none'
    return isVouched && (isNavigation(request) || headers.get('sec-fetch-dest') === 'empty')
  }
  const from = URL.parse(headers.get('origin') ?? headers.get('referer') ?? '')
  return from !== null && (from.host === request.host.toLowerCase() || isKnownOrigin(from.origin))
}

function isConfirmed({ loginCookies }: LoginContext, request: RequestView): boolean {
  const [state = '', ...more] = parseQuery(request.rawQuery)?.get(CONFIRM) ?? []
  return state !== '' && more.length === 0 && loginCookies.isLogout(cookieHeader(request), state)
}

function confirm(context: LoginContext, request: RequestView): Reply {
  const { state, setCookie } = context.loginCookies.beginLogout()
  const [path = '/'] = request.originalUri.split('?')
  // `//host` would be another host.
  const here = path.startsWith('/') && !path.startsWith('//') ? path : '/'
  return renderPage(
    {
      status: 403,
      title: 'Do you want to sign out?',
      paragraphs: ['You were sent here by a link that could be from another site, so nothing has happened yet.'],
      actions: [{ kind: 'link', label: 'Sign out', href: `${here}?${CONFIRM}=${state}` }],
      headers: [['Set-Cookie', setCookie]],
    },
    context.settings.secure,
  )
}

function signedOut(secure: boolean, headers: readonly Header[]): Reply {
  const json: Header = ['Content-Type', 'application/json; charset=utf-8']
  return { status: 200, headers: [json, ...securityHeaders(secure), ...headers], body: '{"signed_out":true}\n' }
}
