import { toGateError } from '../kernel/errors.ts'
import type { Reply } from '../kernel/reply.ts'
import type { FinishedAttempt } from './attempt.ts'
import type { LoginContext } from './context.ts'
import { publish } from './events.ts'
import type { Session } from '../sessions/contract.ts'
import { InterruptedLogin, LoginFailure } from './failure.ts'
import { type Header, redirect, renderPage } from './page.ts'
import { cookieHeader, type LoginRequest } from './request.ts'
import { longestRemainingMs } from './session-limits.ts'
import { inStage } from './stage.ts'

const MAX_USER_AGENT_CHARS = 256

/** A new session under a new id; the one that the browser had before ends (session fixation). */
export async function enter(context: LoginContext, request: LoginRequest, attempt: FinishedAttempt): Promise<Reply> {
  const { identity, returnTo, stepUp, spent } = attempt
  try {
    const cookie = await inStage('session', () => createSession(context, request, attempt))
    const headers: Header[] = [['Set-Cookie', cookie], ...spent]
    const { settings } = context
    if (settings.cookie.sameSite !== 'strict') return redirect(302, returnTo, settings.secure, headers)
    // A redirect that comes from the provider's site counts as cross-site to its end: the browser would not send the
    // cookie that it has just been given. A page that goes on by itself begins anew.
    return renderPage(
      {
        status: 200,
        title: 'You are signed in',
        paragraphs: [],
        actions: [{ kind: 'link', label: 'Continue', href: returnTo }],
        forwardTo: returnTo,
        headers,
      },
      settings.secure,
    )
  } catch (cause: unknown) {
    const { provider, isRemembered: rememberMe } = identity
    throw new InterruptedLogin(toGateError(cause), { provider, returnTo, stepUp, rememberMe }, spent)
  }
}

async function createSession(
  context: LoginContext,
  request: LoginRequest,
  { identity, startedAt, ticketBefore }: FinishedAttempt,
): Promise<string> {
  const { sessions, sessionCookie, clock, logger } = context
  const userAgent = (request.headers.get('user-agent') ?? '').slice(0, MAX_USER_AGENT_CHARS)
  const { ticket, session } = await sessions.create({ ...identity, address: request.clientAddress, userAgent })
  if (await isLoggedOut(context, session, startedAt)) {
    await sessions.end(ticket, 'backchannel')
    throw new LoginFailure('logged_out_meanwhile', { detail: 'the provider told of a logout while it was under way' })
  }
  await supersede(context, cookieHeader(request), ticketBefore)
  const { provider, subject, id } = session
  publish({ type: 'completed', provider })
  logger.info({ provider, subject, session_id: id, request_id: request.requestId }, 'login completed')
  return sessionCookie.write(ticket, longestRemainingMs(session, clock.now()), session.isRemembered)
}

/** A logout that the provider told of before there was a session found nothing to end. */
async function isLoggedOut({ logouts }: LoginContext, session: Session, startedAt: number): Promise<boolean> {
  const { issuer, subject, sid, claims } = session
  const { iat } = claims
  const issuedAt = typeof iat === 'number' ? iat * 1000 : undefined
  return logouts.hasOvertaken({ issuer, subject, sid, startedAt, issuedAt })
}

/** The session that the browser has now, and the one that it had when the login began: another login may have been quicker. */
async function supersede(
  { sessions, sessionCookie, logger }: LoginContext,
  cookies: string,
  ticketBefore: string | undefined,
): Promise<void> {
  for (const before of new Set([sessionCookie.readTicket(cookies), ticketBefore])) {
    if (before === undefined) continue
    try {
      await sessions.end(before, 'superseded')
    } catch (cause: unknown) {
      // Its ticket is refused here from now on; the manager ends it in the store when it can.
      const { code, detail } = toGateError(cause)
      logger.warn({ error_code: code, detail }, 'the session before this login could not be ended yet')
    }
  }
}
