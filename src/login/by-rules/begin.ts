import { GateError, toGateError } from '../../kernel/errors.ts'
import type { Reply } from '../../kernel/reply.ts'
import type { RequestView } from '../../kernel/request.ts'
import type { LoginContext } from '../context.ts'
import { publish } from '../events.ts'
import { failureReason, LoginFailure } from '../failure.ts'
import { failurePage } from '../failure-page.ts'
import type { Header } from '../page.ts'
import { cookieHeader } from '../request.ts'
import type { ReturnTarget } from '../return-target.ts'
import { stageOf } from '../stage.ts'
import { sendToProvider } from '../send-to-provider.ts'

/** A request that was refused and begins a login. */
export interface Refused {
  readonly request: RequestView
  /** Why. */
  readonly error: GateError
  /** It brought a ticket that opens no session. */
  readonly hasStaleTicket: boolean
}

export interface RuleBegin {
  readonly providerId: string
  readonly redirectUrl: string
}

/** A session that is refused this soon after its login would be refused after the next one too. */
const JUST_NOW_MS = 60_000

/** Sends the browser to the provider, or says why not. Never throws. */
export async function beginByRule(
  context: LoginContext,
  { providerId, redirectUrl }: RuleBegin,
  refused: Refused,
): Promise<Reply> {
  const { request, hasStaleTicket } = refused
  const { settings, sessionCookie } = context
  const baseUrl = settings.baseUrls.of(request.host)
  try {
    const returnTo = returnToOf(context, request, baseUrl)
    const provider = context.providers.get(providerId)
    if (provider === undefined) {
      const detail = 'no rule has the authenticator callback with this client_id and redirect_url'
      throw new GateError('ERR_HANDLER_MISCONFIGURED', { detail })
    }
    await checkCircle(context, providerId, refused)
    const reply = await sendToProvider(context, request, { provider, baseUrl, redirectUri: redirectUrl, returnTo })
    // What opens no session must not stay in the browser beside the login that begins (CVE-2026-34454).
    return hasStaleTicket ? withHeader(reply, ['Set-Cookie', sessionCookie.clear]) : reply
  } catch (cause: unknown) {
    const error = toGateError(cause)
    publish({ type: 'failed', provider: providerId, stage: stageOf(error, 'begin'), reason: failureReason(error) })
    return failurePage(context, request, error)
  }
}

function returnToOf({ settings }: LoginContext, { originalUri }: RequestView, baseUrl: string): ReturnTarget {
  // As a path alone `//host/x` would lead to another host.
  const wanted = originalUri.startsWith('//') ? baseUrl + originalUri : originalUri
  return settings.returnTargets.judge(wanted, baseUrl) ?? settings.afterLogin(baseUrl)
}

/**
 * Whoever is signed in and refused all the same, because the token of the session is not what the rule asks for, would go round
 * in circles: the provider knows the person and sends the same at once.
 */
async function checkCircle(
  { sessions, sessionCookie, clock }: LoginContext,
  providerId: string,
  { request, error }: Refused,
): Promise<void> {
  const ticket = sessionCookie.readTicket(cookieHeader(request))
  const session = ticket === undefined ? undefined : await sessions.open(ticket)
  if (session === undefined || session.provider !== providerId) return
  if (clock.now() - session.createdAt > JUST_NOW_MS) return
  const detail = `a session is refused right after its login: ${error.detail ?? error.message}`
  throw new LoginFailure('session_refused', { detail, provider: providerId })
}

function withHeader(reply: Reply, header: Header): Reply {
  return { ...reply, headers: [...reply.headers, header] }
}
