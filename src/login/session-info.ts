import { errorReply } from '../kernel/error-reply.ts'
import { GateError, toGateError } from '../kernel/errors.ts'
import type { Reply } from '../kernel/reply.ts'
import type { EndReason } from '../sessions/contract.ts'
import type { LoginContext } from './context.ts'
import { type Header, securityHeaders } from './page.ts'
import { timestamp } from './principal.ts'
import { cookieHeader, type LoginRequest } from './request.ts'

/** `GET /session`: for the page's own script. Says who is signed in and how long; never a token, a ticket or a claim. */
export async function sessionInfo(context: LoginContext, request: LoginRequest): Promise<Reply> {
  const { sessions, sessionCookie, settings, subjectOf } = context
  const ticket = sessionCookie.readTicket(cookieHeader(request))
  try {
    const session = ticket === undefined ? undefined : await sessions.open(ticket)
    if (session === undefined) {
      const error = new GateError('ERR_CREDENTIALS_INVALID')
      return refusal(error, request, settings.secure, ticket === undefined ? undefined : sessions.whyEnded(ticket))
    }
    const { provider, createdAt, expiresAt, authTime } = session
    const body = {
      subject: subjectOf(session.claims),
      provider,
      created_at: timestamp(createdAt),
      expires_at: timestamp(expiresAt),
      ...(authTime !== undefined && { auth_time: timestamp(authTime) }),
    }
    return json(200, `${JSON.stringify(body)}\n`, settings.secure)
  } catch (cause: unknown) {
    return refusal(toGateError(cause), request, settings.secure)
  }
}

function refusal(error: GateError, { requestId }: LoginRequest, secure: boolean, sessionEnd?: EndReason): Reply {
  const { status, body } = errorReply(error, { verbose: false, requestId, sessionEnd })
  return json(status, body, secure, error.headers)
}

function json(status: number, body: string, secure: boolean, headers: readonly Header[] = []): Reply {
  const type: Header = ['Content-Type', 'application/json; charset=utf-8']
  return { status, headers: [type, ...securityHeaders(secure), ...headers], body }
}
