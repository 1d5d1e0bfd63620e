import type { AddressInfo } from 'node:net'
import { createApi } from '../admin/api.ts'
import type { HealthSources } from '../admin/health.ts'
import type { ListKeys } from '../admin/jwks.ts'
import { createAdminRoutes } from '../admin/routes.ts'
import type { Config } from '../config/config.ts'
import { createDecisions } from '../decision/decisions.ts'
import type { AnswerObserver } from '../http/answer.ts'
import type { Cors } from '../http/cors.ts'
import { compileTrust } from '../http/forwarded.ts'
import { createHeaderClassifier } from '../http/header-kinds.ts'
import { createHttpServer, type HttpServer } from '../http/server.ts'
import { StallWatch } from '../http/stall-watch.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Gate } from '../kernel/gate.ts'
import type { Logger } from '../kernel/logger.ts'
import { StartError } from '../kernel/start-error.ts'
import { tellListening } from '../observability/listener.ts'
import type { Tracing } from '../observability/tracing/tracing.ts'
import type { Plan } from '../pipeline/plan.ts'
import { createProxy } from '../proxy/proxy.ts'
import type { Proxy } from '../proxy/contract.ts'
import type { RuleRepository } from '../rules/repository.ts'
import type { SessionManager, SessionStore } from '../sessions/contract.ts'
import { tlsMaterial } from './area-options.ts'
import type { SignIn } from './sign-in.ts'

export interface ListenerDeps {
  readonly gate: Gate
  readonly sessions: Pick<SessionManager, 'watch'>
  /** Of the configuration in force. */
  readonly signIn: () => SignIn
  /** Cross-origin requests by the configuration in force. */
  readonly cors: () => Readonly<Record<'proxy' | 'api', Cors | undefined>>
  /** Told of every request when it is over, by listener. */
  readonly answered: Readonly<Record<'proxy' | 'api', AnswerObserver>>
  /** Nothing while requests are not traced. */
  readonly tracing: Tracing | undefined
  readonly rules: RuleRepository<Plan>
  readonly health: HealthSources
  /** Public keys of what signs tokens. */
  readonly keys: ListKeys
  readonly clock: Clock
  readonly logger: Logger
}

/** Bodies of requests to the API are read and thrown away; a remote authorizer may want one. */
const API_BODY_LIMIT = 10 * 1024 * 1024

/** Creates the listener of the proxy. */
export function createProxyListener({ serve, accessRules }: Config, deps: ListenerDeps): Proxy {
  const { proxy } = serve
  const { gate, sessions, signIn, cors, answered, tracing, clock, logger } = deps
  return createProxy(
    {
      host: proxy.host,
      port: proxy.port,
      tls: tlsMaterial('proxy', proxy.tls),
      timeouts: proxy.timeouts,
      maxHeaderSize: proxy.maxHeaderSize,
      maxBodySize: proxy.maxBodySize,
      trustedProxies: proxy.trustedProxies,
      strictPaths: proxy.strictPaths,
      trailingSlash: accessRules.trailingSlash,
      stripRequestHeaders: proxy.stripRequestHeaders,
      isOwnCookie: (name) => signIn().isOwnCookie(name),
      publicOrigin: (host) => signIn().login?.publicOrigin(host),
      upgradeOrigins: proxy.upgradeOrigins === undefined ? undefined : new Set(proxy.upgradeOrigins),
      upstream: proxy.upstream,
    },
    {
      gate,
      local: {
        handles: (path) => signIn().login?.handles(path) ?? false,
        handle: (request) => {
          const current = signIn().login
          if (current === undefined) throw new Error('the login was taken out of the configuration meanwhile')
          return current.handle(request)
        },
      },
      cors: () => cors().proxy,
      watchSession: (...args) => sessions.watch(...args),
      answered: answered.proxy,
      trace: tracing && ((request) => tracing.begin('proxy', request)),
      clock,
      logger,
    },
  )
}

/** Creates the listener of the API: decisions, health, rules and keys. */
export function createApiListener({ serve, accessRules }: Config, deps: ListenerDeps): HttpServer {
  const { api, proxy } = serve
  const { gate, cors, rules, health, keys, tracing, clock, logger } = deps
  const watch = new StallWatch(clock, api.timeouts.readMs)
  const trusts = compileTrust(api.trustedProxies)
  const answer = createApi({
    receive: {
      policy: { kindOf: createHeaderClassifier([]), keep: 'all' },
      trusts,
      body: { maxBytes: API_BODY_LIMIT, stallMs: api.timeouts.readMs },
    },
    watch,
    routes: createAdminRoutes({
      rules: () => rules.list(),
      health,
      keys,
    }),
    cors: () => cors().api,
    mounts: [createDecisions({ gate, watch, trailingSlash: accessRules.trailingSlash })],
    logger,
  })
  return createHttpServer(
    {
      host: api.host,
      port: api.port,
      tls: tlsMaterial('api', api.tls),
      readTimeoutMs: api.timeouts.readMs,
      writeTimeoutMs: api.timeouts.writeMs,
      idleTimeoutMs: api.timeouts.idleMs,
      maxHeaderSize: proxy.maxHeaderSize,
      trusts,
    },
    {
      request: answer,
      answered: deps.answered.api,
      trace: tracing && ((request) => tracing.begin('api', request)),
    },
    clock,
  )
}

/** What readiness depends on, whoever asks for it. */
export function healthSources(rules: RuleRepository<Plan>, store: SessionStore): HealthSources {
  return {
    countRules: () => rules.list().length,
    pendingSources: () => rules.sources().flatMap(({ name, loaded }) => (loaded ? [] : [name])),
    store,
  }
}

/**
 * Begins to listen and tells where.
 * @throws {StartError} when the port is taken or may not be used.
 */
export async function listen(
  name: 'proxy' | 'api' | 'grpc',
  listener: Pick<Proxy, 'listen'>,
  { serve }: Config,
  logger: Logger,
): Promise<AddressInfo> {
  const { host, port, tls } = serve[name]
  try {
    const address = await listener.listen()
    tellListening(logger, name, address, tls !== undefined)
    return address
  } catch (cause: unknown) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    throw new StartError(`serve.${name}: ${host === '' ? '*' : host}:${port} ${whyNot(code)}`, { cause })
  }
}

function whyNot(code: unknown): string {
  if (code === 'EADDRINUSE') return 'is in use already: is another instance running?'
  if (code === 'EACCES') return 'may not be used by this user: ports below 1024 need a privilege'
  if (code === 'EADDRNOTAVAIL') return 'is no address of this machine'
  return `cannot be listened on (${String(code)})`
}
