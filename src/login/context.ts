import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Reply } from '../kernel/reply.ts'
import type { LoginStates, SessionManager } from '../sessions/contract.ts'
import type { LoginGoal } from './failure.ts'
import type { LoginCookies } from './login-cookie.ts'
import type { SubjectReader } from './principal.ts'
import type { Provider } from './provider.ts'
import type { LoginRequest } from './request.ts'
import type { SessionCookie } from './session-cookie.ts'
import type { LoginSettings } from './settings.ts'

/** What every route has at hand. */
export interface LoginContext {
  readonly settings: LoginSettings
  readonly providers: ReadonlyMap<string, Provider>
  readonly defaultProvider: Provider
  readonly sessionCookie: SessionCookie
  readonly loginCookies: LoginCookies
  readonly sessions: SessionManager
  readonly states: LoginStates
  /** Checked at login, so that nobody gets a session that no rule can use. */
  readonly subjectOf: SubjectReader
  /** Where a failure page offers to begin anew. */
  startAgainUrl(baseUrl: string, goal: LoginGoal): string
  readonly clock: Clock
  readonly logger: Logger
}

/** One route: answers, or throws a GateError that becomes a page. */
export type RouteHandler = (context: LoginContext, request: LoginRequest) => Promise<Reply>
