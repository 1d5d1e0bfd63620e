import type { Reply } from '../kernel/reply.ts'
import { parseQuery } from '../lib/query.ts'
import type { LoginContext, RouteContext } from './context.ts'
import { afterLogoutUrl, logoutForm } from './logout.ts'
import { type Header, redirect, renderPage } from './page.ts'
import { cookieHeader, type LoginRequest } from './request.ts'

/**
 * `GET /signed-out`: where a logout ends. Only the return of a logout that this browser began leads on, and only to
 * `login.after_logout`; whoever comes here otherwise sees a page (C-02).
 */
export async function signedOut(context: RouteContext, request: LoginRequest): Promise<Reply> {
  const { settings, loginCookies } = context
  const cookies = cookieHeader(request)
  const states = parseQuery(request.rawQuery)?.get('state') ?? []
  const [state = ''] = states
  const baseUrl = settings.baseUrls.of(request.host)
  const isReturn = states.length === 1 && loginCookies.isLogout(cookies, state)
  const headers: Header[] = isReturn ? [['Set-Cookie', loginCookies.clearLogout]] : []
  if (isReturn && settings.leavesAfterLogout) {
    return redirect(302, afterLogoutUrl(context, baseUrl), settings.secure, headers)
  }
  if (await isSignedIn(context, cookies)) return stillSignedIn(context, headers)
  return renderPage(
    {
      status: 200,
      title: 'You are signed out',
      paragraphs: ['To be safe on a shared computer, close the browser.'],
      actions: [{ kind: 'link', label: 'Continue', href: settings.afterLogout(baseUrl) }],
      reason: 'logout',
      headers,
    },
    settings.secure,
  )
}

/** For pages only: a store that cannot be asked counts as no. */
export async function isSignedIn({ sessions, sessionCookie }: LoginContext, cookies: string): Promise<boolean> {
  const ticket = sessionCookie.readTicket(cookies)
  if (ticket === undefined) return false
  try {
    return (await sessions.open(ticket)) !== undefined
  } catch {
    return false
  }
}

/** Somebody may have been sent here to believe that they are signed out. */
function stillSignedIn(context: RouteContext, headers: readonly Header[]): Reply {
  return renderPage(
    {
      status: 200,
      title: 'You are still signed in',
      paragraphs: [],
      actions: [logoutForm(context)],
      headers,
    },
    context.settings.secure,
  )
}
