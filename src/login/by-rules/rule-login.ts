import type { GateError } from '../../kernel/errors.ts'
import type { Reply } from '../../kernel/reply.ts'
import type { RequestView } from '../../kernel/request.ts'
import { createOutbound } from '../../lib/outbound.ts'
import { withoutCookies } from '../../lib/without-cookies.ts'
import type { EndReason, RefreshTokens, Session, SessionManager, UserinfoSource } from '../../sessions/contract.ts'
import { RESERVED_PARAMS } from '../check-providers.ts'
import type { LoginContext } from '../context.ts'
import { createLoginCookies } from '../login-cookie.ts'
import { createMigration, forgetForkCookies, isForkCookie, type Migration } from '../migration.ts'
import { createPrincipals, createSubjectReader, type Principal } from '../principal.ts'
import type { Provider } from '../provider.ts'
import { createRefresh } from '../refresh.ts'
import { isNavigation } from '../request.ts'
import { createSessionCookie } from '../session-cookie.ts'
import { createUserinfoSource } from '../userinfo-source.ts'
import { beginByRule } from './begin.ts'
import { checkBegin, checkClient, checkEnd } from './check-addresses.ts'
import { endByRule } from './end.ts'
import { type ArrivedByRule, finishByRule } from './finish.ts'
import type { RuleBeginOptions, RuleClientOptions, RuleEndOptions, RuleLoginOptions } from './options.ts'
import { Realm } from './realm.ts'
import { createRuleContext, type RuleLoginDeps } from './rule-context.ts'

/**
 * A login whose parts are rules: one that protects a page begins it, another one is its callback, a third one ends it. Underneath
 * it is the login of the section `login`.
 */
export interface RuleLogin {
  /** For the authenticator `callback`. @throws {HandlerConfigError} */
  finisher(options: RuleClientOptions): (request: RequestView) => Promise<ArrivedByRule>
  /** For the error handler `redirect` with `type: auth`. @throws {HandlerConfigError} */
  beginner(
    options: RuleBeginOptions,
  ): (refused: {
    readonly request: RequestView
    readonly error: GateError
    readonly hasStaleTicket: boolean
  }) => Promise<Reply>
  /** For the error handler `redirect` with `type: logout`. @throws {HandlerConfigError} */
  ender(options: RuleEndOptions): (request: RequestView) => Promise<Reply>
  /** Whether a person's browser goes there: nothing else may begin a login. */
  isNavigation(request: RequestView): boolean
  /** Name of the session cookie. */
  readonly cookieName: string
  readonly reader: {
    readTicket(cookieHeader: string): string | undefined
    open(...args: Parameters<SessionManager['open']>): ReturnType<SessionManager['open']>
    whyEnded(ticket: string): EndReason | undefined
    observeIdle(idleTimeoutMs: number): void
    toPrincipal(session: Session): Principal
    withoutOwnCookies(cookieHeader: string): string | undefined
    readonly clearCookie: string
    readonly migrate?: Migration['migrate']
  }
  isOwnCookie(name: string): boolean
  /** Whether the session of this provider began here. */
  knows(providerId: string): boolean
  readonly refresh: RefreshTokens
  readonly userinfo: UserinfoSource
  close(): Promise<void>
}

const MAX_RESPONSE_BYTES = 512 * 1024

/** Creates the login. Rules add their parts to it while they are compiled; no provider is asked for anything yet. */
export function createRuleLogin(options: RuleLoginOptions, deps: RuleLoginDeps): RuleLogin {
  const { cookie, timeoutMs } = options
  const outbound = createOutbound({ timeoutMs, maxBytes: MAX_RESPONSE_BYTES })
  const realms = new Map<string, Realm>()
  const origins = new Set<string>()
  const providers: Pick<ReadonlyMap<string, Provider>, 'get'> = {
    get(id) {
      for (const { context } of realms.values()) {
        const provider = context.providers.get(id)
        if (provider !== undefined) return provider
      }
      return undefined
    },
  }

  function realmOf(clientId: string, redirectUrl: string): Realm {
    const key = JSON.stringify([clientId, redirectUrl])
    const known = realms.get(key)
    if (known !== undefined) return known
    const realm = new Realm((ofRealm) => createRuleContext(redirectUrl, 'redirect_url', options, deps, ofRealm), {
      outbound,
      clock: deps.clock,
      logger: deps.logger,
    })
    realms.set(key, realm)
    origins.add(new URL(redirectUrl).origin)
    return realm
  }

  /** That of the host, whose cookies it has written. */
  function contextAt({ host }: RequestView): LoginContext | undefined {
    const contexts = [...realms.values()].map(({ context }) => context)
    return (
      contexts.find(({ settings }) => settings.baseUrls.all.some((url) => new URL(url).host === host)) ?? contexts[0]
    )
  }

  const isSecure = () => origins.size > 0 && [...origins].every((origin) => origin.startsWith('https:'))
  // To read it; the realms write it, each as its address needs it.
  const sessionCookie = createSessionCookie({ cookieName: cookie.name, cookie, secure: false })
  const attempts = [false, true].map((secure) =>
    createLoginCookies({ cookieName: cookie.name, secure, stateTtlMs: options.stateTtlMs }, deps.clock),
  )
  const isOwnCookie = (name: string) =>
    name === cookie.name || isForkCookie(name) || attempts.some((cookies) => cookies.isOwn(name))
  const forget = (cookies: string) => forgetForkCookies(cookies, cookie.name, isSecure())
  const { takeForkSession: take, sessions, clock } = deps
  const migration =
    take &&
    createMigration({
      take,
      sessions,
      clock,
      cookieFor: (request) => contextAt(request)?.sessionCookie ?? sessionCookie,
      forget,
    })

  return {
    finisher(client) {
      checkClient(client)
      const realm = realmOf(client.clientId, client.redirectUrl)
      realm.use(client)
      return (request) => {
        realm.use(client)
        return finishByRule(realm.context, request, forget)
      }
    },
    beginner(begin) {
      checkBegin(begin)
      const { clientId, redirectUrl, authorizationParams } = begin
      const realm = realmOf(clientId, redirectUrl)
      const params = Object.entries(authorizationParams).filter(([name]) => !RESERVED_PARAMS.has(name))
      const id = realm.addBegin({ ...begin, authorizationParams: Object.fromEntries(params) })
      return (refused) => beginByRule(realm.context, { providerId: id, redirectUrl }, refused)
    },
    ender(end) {
      checkEnd(end)
      const elsewhere = createRuleContext(end.postLogoutRedirectUrl, 'post_logout_redirect_url', options, deps)
      return (request) =>
        endByRule(end, request, {
          context: contextAt(request) ?? elsewhere,
          isKnownOrigin: (origin) => origins.has(origin),
          providerOf: (id) => providers.get(id),
          forget,
          endOld: async (cookies) => migration?.end(cookies),
        })
    },
    isNavigation: (request) => request.method === 'GET' && isNavigation(request),
    cookieName: cookie.name,
    reader: {
      readTicket: (header) => sessionCookie.readTicket(header),
      open: (ticket, outage) => deps.sessions.open(ticket, outage),
      whyEnded: (ticket) => deps.sessions.whyEnded(ticket),
      observeIdle: (idleTimeoutMs) => deps.sessions.observeIdle(idleTimeoutMs),
      toPrincipal: createPrincipals(createSubjectReader('sub')),
      withoutOwnCookies: (header) => withoutCookies(header, isOwnCookie),
      clearCookie: sessionCookie.clear,
      ...(migration !== undefined && { migrate: migration.migrate }),
    },
    isOwnCookie,
    knows: (id) => providers.get(id) !== undefined,
    refresh: createRefresh(providers, deps.clock),
    userinfo: createUserinfoSource(providers),
    close: () => outbound.close(),
  }
}
