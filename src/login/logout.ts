import { toGateError } from '../kernel/errors.ts'
import type { Reply } from '../kernel/reply.ts'
import type { Session } from '../sessions/contract.ts'
import type { LoginContext, RouteContext } from './context.ts'
import { LoginFailure, orInterrupt } from './failure.ts'
import { isOwnLogout } from './logout-origin.ts'
import { type Header, type PageAction, redirect, renderPage, securityHeaders } from './page.ts'
import { cookieHeader, type LoginRequest } from './request.ts'
import { revokeTokens } from './revoke.ts'

// The token of the request line is the only one that ever leaves us by way of a browser; beyond this length it would
// not get through.
export const MAX_HINT_CHARS = 6000

/**
 * `POST /logout`, and `GET` where the browser vouches for it: ends the session, here before the answer leaves, then at
 * the provider. Where to in the end is configuration; nothing of the request gets into it (C-01, V-035).
 */
export async function logout(context: RouteContext, request: LoginRequest): Promise<Reply> {
  const { settings, sessionCookie, logger } = context
  if (!isOwnLogout(request, settings)) return confirm(context)
  const clear: Header = ['Set-Cookie', sessionCookie.clear]
  const ended = await endSessions(context, sessionCookie.readTickets(cookieHeader(request)), clear)
  // Pages of the session that the browser has kept are nobody's business any more (ASVS 14.3.1).
  const headers: Header[] = [clear, ['Clear-Site-Data', '"cache"']]
  if (ended !== undefined) {
    logger.info({ provider: ended.provider, session_id: ended.id, request_id: request.requestId }, 'logout completed')
  }
  const provider = ended === undefined ? undefined : context.providers.get(ended.provider)
  if (ended !== undefined && provider !== undefined) void revokeTokens(provider, ended, logger)
  if (isScript(request)) {
    const json: Header = ['Content-Type', 'application/json; charset=utf-8']
    return {
      status: 200,
      headers: [json, ...securityHeaders(settings.secure), ...headers],
      body: '{"signed_out":true}\n',
    }
  }
  const baseUrl = settings.baseUrls.of(request.host)
  const atProvider = ended === undefined ? undefined : await endSessionUrl(context, ended, baseUrl)
  if (atProvider !== undefined) headers.push(['Set-Cookie', atProvider.setCookie])
  return redirect(303, atProvider?.url ?? afterLogoutUrl(context, baseUrl), settings.secure, headers)
}

/** Where a logout ends when the provider is done with it, or has no part in it. */
export function afterLogoutUrl({ settings }: RouteContext, baseUrl: string): string {
  return settings.leavesAfterLogout ? settings.afterLogout(baseUrl) : signedOutUrl(settings.basePath, baseUrl)
}

function signedOutUrl(basePath: string, baseUrl: string): string {
  return `${baseUrl}${basePath}/signed-out`
}

/** A browser that somebody gave a second cookie to holds two tickets: both end, and are refused here also when the store fails. */
export function endSessions(
  context: LoginContext,
  tickets: readonly string[],
  clear: Header,
): Promise<Session | undefined> {
  return orIncomplete(context, clear, async () => {
    const ends = await Promise.allSettled(tickets.map((ticket) => context.sessions.end(ticket, 'logout')))
    const failed = ends.find((end) => end.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return ends.flatMap((end) => (end.status === 'fulfilled' && end.value) || []).at(-1)
  })
}

/** Runs a step of a logout. When the store cannot be told the browser forgets the session all the same. */
export async function orIncomplete<Result>(
  { logger }: LoginContext,
  clear: Header,
  run: () => Promise<Result>,
): Promise<Result> {
  try {
    return await run()
  } catch (cause: unknown) {
    const { code, detail, headers } = toGateError(cause)
    logger.warn({ error_code: code, detail }, 'a logout could not be written to the session store yet')
    throw new LoginFailure('logout_incomplete', { cause, headers: [...headers, clear], ...(detail && { detail }) })
  }
}

/** @see [RP-Initiated Logout §2](https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout) */
async function endSessionUrl(
  { settings, providers, loginCookies, logger }: RouteContext,
  session: Session,
  baseUrl: string,
): Promise<{ readonly url: string; readonly setCookie: string } | undefined> {
  const provider = providers.get(session.provider)
  if (provider === undefined) return undefined
  try {
    const { endSessionEndpoint } = await orInterrupt(() => provider.metadata(), {})
    if (endSessionEndpoint === undefined) return undefined
    const { state, setCookie } = loginCookies.beginLogout()
    const url = new URL(endSessionEndpoint)
    const { idToken } = session.tokens
    if (idToken.length <= MAX_HINT_CHARS) url.searchParams.set('id_token_hint', idToken)
    url.searchParams.set('client_id', provider.options.clientId)
    url.searchParams.set('post_logout_redirect_uri', signedOutUrl(settings.basePath, baseUrl))
    url.searchParams.set('state', state)
    return { url: url.href, setCookie }
  } catch (cause: unknown) {
    // It is over here; a provider that cannot be asked does not keep anybody signed in with us.
    const { code, detail } = toGateError(cause)
    logger.warn({ provider: provider.id, error_code: code, detail }, 'the provider was not told about a logout')
    return undefined
  }
}

/** A script cannot follow a redirect to another site; it is told that it is over, and no address with a token in it. */
export function isScript({ headers }: LoginRequest): boolean {
  const mode = headers.get('sec-fetch-mode')
  if (mode !== undefined) return mode !== 'navigate'
  const accept = headers.get('accept') ?? ''
  return accept.includes('application/json') && !accept.includes('text/html')
}

/** A button that logs out. */
export function logoutForm({ settings, providers }: RouteContext): PageAction {
  // Browsers hold every redirect after a form to the page's policy, and where a provider leads on to is its own affair.
  const issuers = [...providers.values()].map(({ options }) => new URL(options.issuer).origin)
  const targets = ['https:', ...issuers.filter((origin) => origin.startsWith('http:'))]
  return { kind: 'post', label: 'Sign out', action: `${settings.basePath}/logout`, targets }
}

function confirm(context: RouteContext): Reply {
  return renderPage(
    {
      status: 403,
      title: 'Do you want to sign out?',
      paragraphs: ['You were sent here by a link that could be from another site, so nothing has happened yet.'],
      actions: [logoutForm(context)],
    },
    context.settings.secure,
  )
}
