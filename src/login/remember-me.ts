import type { Reply } from '../kernel/reply.ts'
import { beginUrl } from './begin-url.ts'
import type { EndReason } from '../sessions/contract.ts'
import type { RouteContext } from './context.ts'
import { END_SENTENCES } from './ended-page.ts'
import { LoginFailure } from './failure.ts'
import { renderPage } from './page.ts'
import { cookieHeader, type LoginRequest } from './request.ts'
import type { LoginPath } from './send-to-provider.ts'

/**
 * Whether the person wants to stay signed in: as the link says that they chose, else as they chose for the session that they have;
 * `undefined` where they have not chosen. A link of another site is nobody's choice.
 * @throws {LoginFailure} for another word than true and false.
 */
export async function readRememberMe(
  context: RouteContext,
  request: LoginRequest,
  said: string | undefined,
): Promise<boolean | undefined> {
  if (said !== undefined && said !== 'true' && said !== 'false') {
    throw new LoginFailure('request_malformed', { detail: 'remember_me is neither true nor false' })
  }
  if (context.settings.rememberMe === undefined) return undefined
  if (said !== undefined && request.headers.get('sec-fetch-site') !== 'cross-site') return said === 'true'
  return hasChosen(context, cookieHeader(request))
}

async function hasChosen({ sessions, sessionCookie }: RouteContext, cookies: string): Promise<boolean | undefined> {
  const ticket = sessionCookie.readTicket(cookies)
  try {
    return ticket === undefined ? undefined : (await sessions.open(ticket))?.isRemembered
  } catch {
    // The store cannot be asked; the login itself will say so.
    return undefined
  }
}

/** Asks before the login, and says why the session before is over. Two links, so that the page needs no form, and no script. */
export function askToRemember(
  { settings, defaultProvider }: RouteContext,
  { provider, baseUrl, returnTo, stepUp }: LoginPath,
  ended: EndReason | undefined,
): Reply {
  const urlOf = (rememberMe: boolean): string => {
    const id = provider === defaultProvider ? undefined : provider.id
    return beginUrl(settings, baseUrl, { returnTo, provider: id, stepUp, rememberMe })
  }
  return renderPage(
    {
      status: 200,
      title: 'Do you want to stay signed in?',
      paragraphs: [
        ...(ended === undefined ? [] : [`You are no longer signed in. ${END_SENTENCES[ended]}`]),
        'Stay signed in only on a device that nobody else uses: also when the browser is closed, it will know you.',
      ],
      actions: [
        { kind: 'link', label: 'Sign in for now', href: urlOf(false) },
        { kind: 'link', label: 'Sign in and stay signed in', href: urlOf(true) },
      ],
      ...(ended !== undefined && { reason: ended }),
    },
    settings.secure,
  )
}
