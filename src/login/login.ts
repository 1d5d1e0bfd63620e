import type { Clock } from '../kernel/clock.ts'
import type { GateError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Reply } from '../kernel/reply.ts'
import type { RequestView } from '../kernel/request.ts'
import type { StepUp } from '../kernel/step-up.ts'
import type {
  EndReason,
  LoginStates,
  ProviderLogouts,
  RefreshTokens,
  Session,
  SessionManager,
  UserinfoSource,
} from '../sessions/contract.ts'
import type { TakeForkSession } from '../sessions/fork-session.ts'
import { withoutCookies } from '../lib/without-cookies.ts'
import { beginUrl, beginUrlFor } from './begin-url.ts'
import type { RouteContext } from './context.ts'
import { isLoopback } from './endpoint.ts'
import { createLoginCookies } from './login-cookie.ts'
import type { LoginOptions } from './options.ts'
import { createMigration, forgetForkCookies, isForkCookie, type Migration } from './migration.ts'
import { createPrincipals, createSubjectReader, type Principal } from './principal.ts'
import { createProvider, type Provider } from './provider.ts'
import { createRefresh } from './refresh.ts'
import type { LoginRequest } from './request.ts'
import { answer } from './routes.ts'
import { createUserinfoSource } from './userinfo-source.ts'
import { createSessionCookie } from './session-cookie.ts'
import { compileSettings, type LoginSettings } from './settings.ts'
import { configuredStrength } from './step-up.ts'
import { waitingPage } from './waiting-page.ts'

export interface LoginDeps {
  readonly sessions: SessionManager
  readonly states: LoginStates
  readonly logouts: ProviderLogouts
  /** Where sessions of the fork are taken over. */
  readonly takeForkSession?: TakeForkSession | undefined
  readonly clock: Clock
  readonly logger: Logger
}

/** The OpenID Connect client: its routes, and what the rest needs to know of sessions in browsers. */
export interface Login {
  /** Whether a path (decoded and cleaned) is below `login.base_path`. */
  handles(path: string): boolean
  /** Answers such a request. Never rejects. */
  handle(request: LoginRequest): Promise<Reply>
  /** For the error handler `login`. */
  readonly entry: {
    readonly providerIds: readonly string[]
    beginUrl(request: RequestView, provider: string | undefined, stepUp?: StepUp, sessionEnd?: string): string
    acrValues(provider: string): readonly string[] | undefined
    waitingPage(request: RequestView, error: GateError): Reply
  }
  /** For the authenticator `session`. */
  readonly reader: {
    readTicket(cookieHeader: string): string | undefined
    open(...args: Parameters<SessionManager['open']>): ReturnType<SessionManager['open']>
    whyEnded(ticket: string): EndReason | undefined
    observeIdle(idleTimeoutMs: number): void
    toPrincipal(session: Session): Principal
    /** A `Cookie` header without ours, for upstreams; nothing when no other cookie is left. */
    withoutOwnCookies(cookieHeader: string): string | undefined
    /** `Set-Cookie` value. */
    readonly clearCookie: string
    readonly migrate?: Migration['migrate']
  }
  /** Whether a cookie is the session's or that of an attempt: those never reach an upstream. */
  isOwnCookie(name: string): boolean
  /** The one of `login.base_url` that a host belongs to. */
  publicOrigin(host: string): string | undefined
  /** For the session manager, which keeps one function for as long as it lives. */
  readonly refresh: RefreshTokens
  readonly userinfo: UserinfoSource
  close(): Promise<void>
}

/**
 * Creates the login. No provider is asked for anything yet.
 * @throws {ProblemsError} when the options contradict each other.
 */
export function createLogin(options: LoginOptions, deps: LoginDeps): Login {
  const settings = compileSettings(options)
  const { sessions, clock, logger } = deps
  const providers = createProviders(options, deps)
  const [defaultProvider] = providers.values()
  if (defaultProvider === undefined) throw new Error('there is no provider')
  const sessionCookie = createSessionCookie(settings)
  const loginCookies = createLoginCookies(settings, clock)
  const subjectOf = createSubjectReader(options.subjectFrom)
  const context: RouteContext = {
    ...deps,
    settings,
    providers,
    defaultProvider,
    sessionCookie,
    loginCookies,
    subjectOf,
    startAgainUrl: (baseUrl, { provider, ...goal }) =>
      // The default provider needs no name.
      beginUrl(settings, baseUrl, {
        returnTo: undefined,
        ...goal,
        provider: provider === defaultProvider.id ? undefined : provider,
      }),
  }
  warnOfPlainHttp(settings, logger)

  const { takeForkSession: take } = deps
  const migration =
    take &&
    createMigration({
      take,
      sessions,
      clock,
      cookieFor: () => sessionCookie,
      forget: (cookies) => forgetForkCookies(cookies, sessionCookie.name, settings.secure),
    })
  const { basePath } = settings
  const below = `${basePath}/`
  const isOwnCookie = (name: string) =>
    name === sessionCookie.name || loginCookies.isOwn(name) || (migration !== undefined && isForkCookie(name))
  return {
    handles: (path) => path.startsWith(basePath) && (path.length === basePath.length || path.startsWith(below)),
    handle: (request) => answer(context, request),
    entry: {
      providerIds: settings.providerIds,
      beginUrl: (request, provider, stepUp, sessionEnd) => beginUrlFor(settings, request, provider, stepUp, sessionEnd),
      acrValues: (id) => {
        const provider = providers.get(id)
        return provider && configuredStrength(provider.options).acrValues
      },
      waitingPage: ({ requestId }, error) => waitingPage(error, requestId, settings.secure),
    },
    reader: {
      readTicket: (header) => sessionCookie.readTicket(header),
      open: (ticket, outage) => sessions.open(ticket, outage),
      whyEnded: (ticket) => sessions.whyEnded(ticket),
      observeIdle: (idleTimeoutMs) => sessions.observeIdle(idleTimeoutMs),
      toPrincipal: createPrincipals(subjectOf),
      withoutOwnCookies: (header) => withoutCookies(header, isOwnCookie),
      clearCookie: sessionCookie.clear,
      ...(migration !== undefined && { migrate: migration.migrate }),
    },
    isOwnCookie,
    publicOrigin: settings.baseUrls.find,
    refresh: createRefresh(providers, clock),
    userinfo: createUserinfoSource(providers),
    async close() {
      await Promise.all([...providers.values()].map(({ outbound }) => outbound.close()))
    },
  }
}

function createProviders({ providers, timeoutMs }: LoginOptions, { clock, logger }: LoginDeps): Map<string, Provider> {
  return new Map(
    providers.map((provider, index) => [provider.id, createProvider(provider, index, { clock, logger, timeoutMs })]),
  )
}

function warnOfPlainHttp({ baseUrls, secure }: LoginSettings, logger: Logger): void {
  if (secure || baseUrls.all.every((origin) => isLoopback(new URL(origin).hostname))) return
  logger.warn({}, 'login.base_url is plain http: whoever is on the way can take over sessions')
}
