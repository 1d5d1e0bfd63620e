import type { ClientLogins } from '../credentials/client-logins.ts'
import type { Introspections } from '../credentials/introspections.ts'
import type { TokenIssuer } from '../credentials/token-issuer.ts'
import type { TokenVerifiers } from '../credentials/token-verifier.ts'
import type { Exchange } from '../kernel/exchange.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import type { GateError } from '../kernel/errors.ts'
import type { Reply } from '../kernel/reply.ts'
import type { RequestView } from '../kernel/request.ts'
import type { StepUp } from '../kernel/step-up.ts'
import type { Secret } from '../lib/secret.ts'
import type { Outbound } from '../lib/outbound.ts'
import type { EndReason, OutagePolicy, Session } from '../sessions/contract.ts'

/** Compiles the template language of the configuration. */
export interface TemplateCompiler {
  /**
   * @param name for messages
   * @throws {Error} that says what does not parse
   */
  compile(source: string, name?: string): Template
}

export interface Template {
  /**
   * Renders for one exchange; a byte that is not part of UTF-8 comes as the lone surrogate U+DC00 + byte.
   * @throws {Error} when the template cannot be executed
   */
  render(exchange: Exchange): string
}

/** What the authenticator `session` needs of sessions and their cookie. */
export interface SessionReader {
  /** The ticket in a `Cookie` header; nothing when there is none, when it is malformed, or when there are two (D-08). */
  readTicket(cookieHeader: string): string | undefined
  /** Rejects or throws with ERR_SESSION_STORE_UNAVAILABLE when the store cannot be asked. */
  open(ticket: string, outage?: OutagePolicy): Session | undefined | Promise<Session | undefined>
  /** Why a ticket that has just opened nothing does so, where it is known. */
  whyEnded(ticket: string): EndReason | undefined
  /** Has the idle times of sessions be exact enough for a rule that minds one of this length. */
  observeIdle(idleTimeoutMs: number): void
  /** What templates see of a session. The object is not changed by anybody. */
  toPrincipal(session: Session): Principal
  /** A `Cookie` header without our own cookies; nothing when no other cookie is left. */
  withoutOwnCookies(cookieHeader: string): string | undefined
  /** The `Set-Cookie` value that removes the session cookie. */
  readonly clearCookie: string
  /**
   * Takes over the session of the fork that the request brings, under a new ticket; `undefined` at once when it brings none.
   * Absent unless the configuration says so.
   */
  readonly migrate?: (request: RequestView) => Promise<MigratedSession | undefined> | undefined
}

export interface MigratedSession {
  readonly ticket: string
  readonly session: Session
  /** What the browser has to be told. */
  readonly setCookies: readonly string[]
}

export interface Principal {
  readonly subject: string
  readonly extra: Readonly<Record<string, unknown>>
}

/** What the error handler `login` needs of the login. */
export interface LoginEntry {
  /**
   * Absolute URL of the route that begins a login, with `stepUp` one like that, and leads back to the page that `request` asked for.
   * `sessionEnd`: why the session before is over, which the person is told first.
   */
  beginUrl(request: RequestView, provider: string | undefined, stepUp?: StepUp, sessionEnd?: string): string
  /** A page that says that the session store cannot be asked, and tries again by itself. */
  waitingPage(request: RequestView, error: GateError): Reply
  /** Ids of `login.providers`. */
  readonly providerIds: readonly string[]
  /** The only `acr` that its configuration lets a provider log people in with; `undefined`: any. */
  acrValues(provider: string): readonly string[] | undefined
}

/** What the handlers of a login need whose parts are rules: `callback`, `session_jwt`, and `redirect` with a `type`. */
export interface RuleLogin {
  /** @throws {HandlerConfigError} as all three, when nobody could log in so. */
  finisher(options: RuleClientOptions): (request: RequestView) => Promise<ArrivedByRule>
  beginner(
    options: RuleBeginOptions,
  ): (refused: {
    readonly request: RequestView
    readonly error: GateError
    readonly hasStaleTicket: boolean
  }) => Promise<Reply>
  ender(options: RuleEndOptions): (request: RequestView) => Promise<Reply>
  /** Whether a person's browser goes there. */
  isNavigation(request: RequestView): boolean
  readonly reader: SessionReader
}

/** Who came back from the provider; the session begins with `enter`. */
export interface ArrivedByRule {
  readonly subject: string
  readonly extra: Readonly<Record<string, unknown>>
  enter(): Promise<Reply>
}

export interface RuleClientOptions {
  readonly clientId: string
  readonly clientSecret: Secret | undefined
  readonly authMethod: 'client_secret_basic' | 'client_secret_post' | 'none'
  readonly tokenUrl: string
  readonly userinfoUrl: string
  readonly redirectUrl: string
  readonly issuer: string | undefined
}

export interface RuleBeginOptions {
  readonly clientId: string
  readonly redirectUrl: string
  /** Without a query. */
  readonly authorizationUrl: string
  /** Added to the authorization request; those that are the protocol's own are left out. */
  readonly authorizationParams: Readonly<Record<string, string>>
  readonly scopes: readonly string[]
}

export interface RuleEndOptions {
  readonly logoutUrl: string
  readonly postLogoutRedirectUrl: string
}

/** Everything that the built-in handlers need from outside. */
export interface PipelineDeps {
  readonly templates: TemplateCompiler
  /** Absent where nobody logs in. */
  readonly sessions: SessionReader | undefined
  /** Absent without the configuration's `login` section. */
  readonly login: LoginEntry | undefined
  /** Absent unless `callback` or `session_jwt` is enabled. */
  readonly ruleLogin: RuleLogin | undefined
  /** Calls the services that handlers ask; its deadline and size hold where a handler sets none. */
  readonly outbound: Pick<Outbound, 'call'>
  /** Signs the tokens of the mutator `id_token`. */
  readonly tokens: TokenIssuer
  /** Verify the tokens of the authenticator `jwt`. */
  readonly verifiers: TokenVerifiers
  /** Ask for the authenticator `oauth2_introspection`. */
  readonly introspections: Introspections
  /** Ask for the authenticator `oauth2_client_credentials`. */
  readonly clientLogins: ClientLogins
  readonly clock: Clock
  readonly logger: Logger
}
