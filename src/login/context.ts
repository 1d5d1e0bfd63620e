import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Reply } from '../kernel/reply.ts'
import type { LoginStates, ProviderLogouts, SessionManager } from '../sessions/contract.ts'
import type { LoginGoal } from './failure.ts'
import type { LoginCookies } from './login-cookie.ts'
import type { SubjectReader } from './principal.ts'
import type { Provider } from './provider.ts'
import type { LoginRequest } from './request.ts'
import type { SessionCookie } from './session-cookie.ts'
import type { LoginSettings } from './settings.ts'

/** What every step of a login has at hand, whichever way it was asked for. */
export interface LoginContext {
  readonly settings: LoginSettings
  readonly providers: Pick<ReadonlyMap<string, Provider>, 'get'>
  readonly sessionCookie: SessionCookie
  readonly loginCookies: LoginCookies
  readonly sessions: SessionManager
  readonly states: LoginStates
  readonly logouts: ProviderLogouts
  /** Checked at login, so that nobody gets a session that no rule can use. */
  readonly subjectOf: SubjectReader
  /** Where a failure page offers to begin anew. */
  startAgainUrl(baseUrl: string, goal: LoginGoal): string
  readonly clock: Clock
  readonly logger: Logger
}

/** What the routes of the section `login` have at hand. */
export interface RouteContext extends LoginContext {
  readonly providers: ReadonlyMap<string, Provider>
  readonly defaultProvider: Provider
}

/** One route: answers, or throws a GateError that becomes a page. */
export type RouteHandler = (context: RouteContext, request: LoginRequest) => Promise<Reply>
