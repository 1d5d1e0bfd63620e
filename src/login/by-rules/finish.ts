import { GateError, toGateError } from '../../kernel/errors.ts'
import type { Reply } from '../../kernel/reply.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { RequestView } from '../../kernel/request.ts'
import { finishAttempt } from '../attempt.ts'
import type { Identity } from '../authenticate.ts'
import type { LoginContext } from '../context.ts'
import { enter } from '../enter.ts'
import { publish } from '../events.ts'
import { failureGoal, failureReason, LoginFailure } from '../failure.ts'
import { failurePage } from '../failure-page.ts'
import type { Header } from '../page.ts'
import { cookieHeader } from '../request.ts'
import { stageOf } from '../stage.ts'

/** Somebody who came back from the provider and has no session yet. */
export interface ArrivedByRule {
  readonly subject: string
  /** For the authorizer of the rule. */
  readonly extra: Readonly<Record<string, unknown>>
  /** Begins the session and leads back to the page that was asked for. Rejects as `finishByRule` does. */
  enter(): Promise<Reply>
}

/** Lifetime of a session whose provider says nothing about that of its tokens. */
const DEFAULT_LIFETIME_MS = 3_600_000
/** Shorter ones would be over before the browser is back. */
const MIN_LIFETIME_MS = 60_000

/**
 * Finishes the login that a browser comes back with.
 * @param forget gives `Set-Cookie` values for what an earlier gateway left in the browser
 * @throws {GateError} with a page.
 */
export async function finishByRule(
  context: LoginContext,
  request: RequestView,
  forget: (cookieHeader: string) => readonly string[],
): Promise<ArrivedByRule> {
  const attempt = await withPage(context, request, () => {
    if (request.method === 'GET') return finishAttempt(context, request)
    throw new LoginFailure('request_malformed', { detail: 'the method is not GET' })
  })
  const identity = { ...attempt.identity, ...endOf(attempt.identity, context.clock) }
  const forgotten = forget(cookieHeader(request)).map((value): Header => ['Set-Cookie', value])
  const finished = { ...attempt, identity, spent: [...attempt.spent, ...forgotten] }
  return {
    subject: identity.subject,
    extra: { ...extraOf(identity), request_url: attempt.returnTo },
    enter: () => withPage(context, request, () => enter(context, request, finished)),
  }
}

/** Without a refresh token a session is worth nothing once its access token is over. */
function endOf({ tokens }: Identity, clock: Clock): Pick<Identity, 'expiresAt'> {
  if (tokens.refreshToken !== undefined) return {}
  const now = clock.now()
  return { expiresAt: Math.max(tokens.accessTokenExpiresAt ?? now + DEFAULT_LIFETIME_MS, now + MIN_LIFETIME_MS) }
}

function extraOf({ claims, subject, tokens }: Identity): Record<string, unknown> {
  const { username } = claims
  return {
    ...claims,
    sub: subject,
    username: typeof username === 'string' ? username : '',
    access_token: tokens.accessToken,
    ...(tokens.idToken !== '' && { id_token: tokens.idToken }),
  }
}

async function withPage<Result>(
  context: LoginContext,
  request: RequestView,
  run: () => Promise<Result>,
): Promise<Result> {
  try {
    return await run()
  } catch (cause: unknown) {
    const error = toGateError(cause)
    const stage = stageOf(error, 'callback')
    publish({ type: 'failed', provider: failureGoal(error).provider, stage, reason: failureReason(error) })
    const { code, detail, headers } = error
    const page = await failurePage(context, request, error)
    throw new GateError(code, { cause: error, headers, page, ...(detail !== undefined && { detail }) })
  }
}
