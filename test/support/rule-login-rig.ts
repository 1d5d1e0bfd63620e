import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { createServices } from '../../src/app/services.ts'
import type { Decision } from '../../src/kernel/gate.ts'
import { GateError } from '../../src/kernel/errors.ts'
import type { LogFields, Logger } from '../../src/kernel/logger.ts'
import type { Matcher } from '../../src/kernel/matcher.ts'
import type { Reply } from '../../src/kernel/reply.ts'
import { createRuleLogin, type RuleLogin } from '../../src/login/by-rules/rule-login.ts'
import { createGate } from '../../src/pipeline/gate.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import type { SessionStore } from '../../src/sessions/contract.ts'
import type { TakeForkSession } from '../../src/sessions/fork-session.ts'
import { createSessionManager } from '../../src/sessions/manager.ts'
import { MemoryStore } from '../../src/sessions/memory.ts'
import { createProviderLogouts } from '../../src/sessions/provider-logouts.ts'
import { createLoginStates } from '../../src/sessions/states.ts'
import { createTestRegistry, makeRule, type TestRule } from './gate.ts'
import { viewOf } from './login-rig.ts'
import type { MockProvider } from './mock-provider.ts'
import { signJwt } from './sign-jwt.ts'
import { testOutbound } from './stub-service.ts'
import { createTestClock, type TestClock } from './test-clock.ts'
import type { Visitor } from './visitor.ts'

type Config = Readonly<Record<string, unknown>>

export interface RuleLoginRigOptions {
  /** Over the configuration of each handler. */
  readonly callback?: Config
  readonly begin?: Config | ((origin: string) => Config)
  readonly end?: Config
  readonly sessionJwt?: Config
  /** Of the rule of the callback. */
  readonly authorizer?: string
  readonly callbackErrors?: TestRule['errors']
  /** Of the protected rule, in place of `session_jwt`. */
  readonly protectedAuthorizer?: string
  readonly front?: 'proxy' | 'decision'
  readonly wrapStore?: (store: SessionStore) => SessionStore
  readonly takeForkSession?: TakeForkSession
}

/** Rules that are a login, in this process, with a provider that can be bent, behind a real listener. */
export interface RuleLoginRig {
  readonly origin: string
  readonly login: RuleLogin
  readonly clock: TestClock
  readonly store: MemoryStore
  readonly log: { readonly level: string; readonly fields: LogFields; readonly message: string }[]
  /** Every answer that left. */
  readonly replies: Reply[]
  url(path: string): string
}

/** What a page of the rig answers: what the application would be told. */
export interface Told {
  readonly subject: string
  readonly extra: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>
  /** The request's own, as they are forwarded. */
  readonly forwarded: Readonly<Record<string, string>>
}

/** Claims of the access tokens that the mock provider gives out in this rig. */
export function accessTokenClaims(mock: MockProvider): Record<string, unknown> {
  const now = Math.floor(mock.now() / 1000)
  return { iss: mock.issuer, sub: mock.sub, aud: mock.clientId, exp: now + 300, iat: now, scope: 'openid profile' }
}

/** Makes its access tokens JSON Web Tokens, as the authenticator `session_jwt` wants them. */
export function giveJwtAccessTokens(
  mock: MockProvider,
  change: (body: Record<string, unknown>) => unknown = (x) => x,
): void {
  const jwk = { ...mock.keys.privateKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256' }
  mock.switches.claims = (claims) => ({ ...claims, at_hash: undefined })
  mock.switches.token = (body) => {
    const token = signJwt(jwk, accessTokenClaims(mock))
    mock.given.push(token)
    return change({ ...body, refresh_token: undefined, access_token: token })
  }
  mock.switches.userinfo = () => ({ sub: mock.sub, username: `${mock.sub}@example.com` })
}

export async function startRuleLogin(
  t: TestContext,
  mock: MockProvider,
  options: RuleLoginRigOptions = {},
): Promise<RuleLoginRig> {
  const clock = createTestClock()
  mock.now = () => clock.now()
  const store = new MemoryStore({ maxSessions: 1000, maxStates: 1000 }, clock)
  const used = options.wrapStore?.(store) ?? store
  const log: RuleLoginRig['log'] = []
  const at = (level: string) => (fields: LogFields, message: string) => void log.push({ level, fields, message })
  const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  const sessions = createSessionManager({
    store: used,
    clock,
    logger,
    lifetimes: { lifetimeMs: 24 * 3_600_000, idleTimeoutMs: undefined },
    refresh: { refreshBeforeMs: 60_000, onRefreshFailure: 'keep' },
  })
  const server = createServer((request, response) => void serve(request, response))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const login = createRuleLogin(
    {
      cookie: { name: 'IG_SESSION_ID', domain: undefined, path: '/', sameSite: 'lax', persistent: false },
      stateTtlMs: 600_000,
      timeoutMs: 1000,
    },
    {
      sessions,
      states: createLoginStates(used, clock),
      logouts: createProviderLogouts(sessions, used, clock),
      clock,
      logger,
      takeForkSession: options.takeForkSession,
    },
  )
  sessions.onRefresh(login.refresh)
  const outbound = testOutbound(t, 1000)
  const { handlers } = createServices({ outbound, clock, logger, readsAhead: false })
  const on = { enabled: true }
  const registry = createTestRegistry(
    { ...handlers, clock, logger, ruleLogin: login, sessions: login.reader },
    { authenticators: { callback: on, session_jwt: on, unauthorized: on, logout: on, anonymous: on } },
  )
  const plans = rulesOf(origin, mock, options).map((rule) => ({
    path: new URL(rule.url ?? '').pathname,
    plan: registry.compileRule(makeRule(rule)).plan,
  }))
  const matcher: Matcher<Plan> = {
    match(_method, _scheme, _host, path) {
      const found = plans.find((one) => path === one.path || path.startsWith(`${one.path}/`))
      if (found === undefined) throw new GateError('ERR_RULE_NOT_FOUND')
      return { plan: found.plan, captureGroups: [] }
    },
  }
  const gate = createGate({ current: () => ({ matcher, fallback: registry.compileFallback().fallback }) })
  const replies: Reply[] = []
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await login.close()
    await sessions.close()
    await store.close()
  })

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const view = { ...viewOf(incoming), front: options.front ?? 'proxy' }
    const reply = replyOf(await gate.decide(view))
    replies.push(reply)
    response.writeHead(reply.status, reply.headers.flat() as string[]).end(reply.body)
  }

  return { origin, login, clock, store, log, replies, url: (path) => origin + path }
}

function replyOf(decision: Decision): Reply {
  const { exchange, reply } = decision
  const cookies = exchange.answerCookies.map((value) => ['Set-Cookie', value] as const)
  if (reply !== undefined) return { ...reply, headers: [...reply.headers, ...cookies] }
  const { subject, extra, headers, request } = exchange
  const told = {
    subject,
    extra,
    headers: Object.fromEntries([...headers].map(([name, [value]]) => [name, value])),
    forwarded: Object.fromEntries(request.headers),
  }
  return { status: 200, headers: [['Content-Type', 'application/json'], ...cookies], body: JSON.stringify(told) }
}

function rulesOf(origin: string, mock: MockProvider, options: RuleLoginRigOptions): TestRule[] {
  const { issuer, clientId, clientSecret } = mock
  const begun = typeof options.begin === 'function' ? options.begin(origin) : options.begin
  const client = { client_id: clientId, redirect_url: `${origin}/callback` }
  const callback = {
    ...client,
    client_secret: clientSecret,
    token_url: `${issuer}/token`,
    userinfo_url: `${issuer}/userinfo`,
    ...options.callback,
  }
  const begin = { ...client, oidc_authorization_url: `${issuer}/authorize`, ...begun }
  const end = {
    oidc_logout_url: `${issuer}/logout`,
    post_logout_redirect_url: `${origin}/home`,
    ...options.end,
  }
  const sessionJwt = { jwks_urls: [`${issuer}/jwks`], ...options.sessionJwt }
  return [
    {
      id: 'callback',
      url: `${origin}/callback`,
      authenticators: [{ handler: 'callback', config: callback }],
      ...(options.authorizer !== undefined && { authorizer: options.authorizer }),
      ...(options.callbackErrors !== undefined && { errors: options.callbackErrors }),
      upstream: '',
    },
    {
      id: 'protected',
      url: `${origin}/home`,
      authenticators: [{ handler: 'session_jwt', config: sessionJwt }],
      ...(options.protectedAuthorizer !== undefined && { authorizer: options.protectedAuthorizer }),
      errors: [{ handler: 'redirect', config: { type: 'auth', ...begin } }],
    },
    {
      id: 'logout',
      url: `${origin}/logout`,
      authenticators: ['logout'],
      errors: [{ handler: 'redirect', config: { type: 'logout', ...end } }],
    },
    {
      id: 'open',
      url: `${origin}/open`,
      authenticators: [{ handler: 'session_jwt', config: sessionJwt }, 'anonymous'],
    },
  ]
}

/** Begins a login as a person does, and stops before the browser comes back: gives the address that it would come to. */
export async function callbackUrl(visitor: Visitor, rig: RuleLoginRig, path = '/home?q=1'): Promise<string> {
  const begun = await visitor.go(rig.url(path))
  const authorized = await visitor.go(begun.headers['location'] ?? '')
  return authorized.headers['location'] ?? ''
}
