import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { GateError } from '../../src/kernel/errors.ts'
import type { Decision } from '../../src/kernel/gate.ts'
import { HeaderList } from '../../src/kernel/headers.ts'
import type { LogFields, Logger } from '../../src/kernel/logger.ts'
import type { Reply } from '../../src/kernel/reply.ts'
import type { RequestView } from '../../src/kernel/request.ts'
import { Secret } from '../../src/lib/secret.ts'
import { createLogin, type Login } from '../../src/login/login.ts'
import type { LoginOptions, ProviderOptions } from '../../src/login/options.ts'
import type { SessionStore } from '../../src/sessions/contract.ts'
import { createSessionManager } from '../../src/sessions/manager.ts'
import { MemoryStore } from '../../src/sessions/memory.ts'
import { createProviderLogouts } from '../../src/sessions/provider-logouts.ts'
import { createLoginStates } from '../../src/sessions/states.ts'
import { createGate } from '../../src/pipeline/gate.ts'
import { createTestRegistry, makeRule, type TestRule } from './gate.ts'
import { createTestClock, type TestClock } from './test-clock.ts'
import type { Visitor } from './visitor.ts'
import type { MockProvider } from './mock-provider.ts'

export interface LoginRigOptions {
  readonly login?: Partial<LoginOptions>
  readonly provider?: Partial<ProviderOptions>
  readonly lifetimeMs?: number
  readonly wrapStore?: (store: SessionStore) => SessionStore
  readonly clock?: TestClock
  /** Rules by the first segment of the path, in place of the page that takes any session. */
  readonly rules?: Readonly<Record<string, TestRule>>
  readonly front?: RequestView['front']
}

/** A login with real sessions behind a real listener, and beside its routes a site whose every page needs a session. */
export interface LoginRig {
  readonly origin: string
  readonly login: Login
  readonly clock: TestClock
  readonly store: MemoryStore
  readonly log: { readonly level: string; readonly fields: LogFields; readonly message: string }[]
  /** Every answer that left, for what must be true of all of them. */
  readonly replies: Reply[]
  url(path: string): string
}

type AnyProvider = MockProvider | ProviderOptions

/** `providers` may be mocks, whose options are made up, or complete options, once the origin is known. */
export async function startLogin(
  t: TestContext,
  providers: readonly AnyProvider[] | ((origin: string) => Promise<readonly AnyProvider[]>),
  options: LoginRigOptions = {},
): Promise<LoginRig> {
  const clock = options.clock ?? createTestClock()
  const store = new MemoryStore({ maxSessions: 1000, maxStates: 1000 }, clock)
  const used = options.wrapStore?.(store) ?? store
  const log: LoginRig['log'] = []
  const logger = createRecorder(log)
  const lifetimes = { lifetimeMs: options.lifetimeMs ?? 3_600_000, idleTimeoutMs: undefined }
  const sessions = createSessionManager({
    store: used,
    clock,
    logger,
    lifetimes,
    refresh: { refreshBeforeMs: 60_000, onRefreshFailure: 'keep' },
  })
  const logouts = createProviderLogouts(sessions, used, clock)
  const server = createServer((request, response) => {
    void write(request, response)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const login = createLogin(
    {
      ...DEFAULTS,
      baseUrls: [origin],
      providers: (typeof providers === 'function' ? await providers(origin) : providers).map((one) =>
        providerOptions(one, options.provider),
      ),
      ...options.login,
    },
    { sessions, states: createLoginStates(used, clock), logouts, clock, logger },
  )
  sessions.onRefresh(login.refresh)
  const registry = createTestRegistry(
    { sessions: login.reader, login: login.entry, clock },
    { fallback: ['login', 'json'] },
  )
  const { fallback } = registry.compileFallback()
  const plans = new Map(
    Object.entries(options.rules ?? {}).map(([segment, rule]) => {
      const { plan, problems } = registry.compileRule(makeRule({ authenticators: ['session'], ...rule }))
      if (problems[0] !== undefined) throw new Error(problems[0].message)
      const gate = createGate({
        current: () => ({ matcher: { match: () => ({ plan, captureGroups: [] }) }, fallback }),
      })
      return [segment, async (view: RequestView) => toldBy(await gate.decide(view))] as const
    }),
  )
  const replies: Reply[] = []
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await login.close()
    await sessions.close()
    await store.close()
  })

  async function write(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, headers, body } = await serve(incoming)
    response.writeHead(status, headers.flat() as string[]).end(body)
  }

  async function serve(incoming: IncomingMessage): Promise<Reply> {
    const view: RequestView = {
      ...viewOf(incoming),
      front: options.front ?? 'proxy',
      readBody: (limitBytes) => readWhole(incoming, limitBytes),
    }
    const answer = login.handles(view.path) ? login.handle : (plans.get(view.path.split('/')[1] ?? '') ?? page)
    const reply = await answer(view)
    replies.push(reply)
    return reply
  }

  async function page(view: RequestView): Promise<Reply> {
    const ticket = login.reader.readTicket(view.headers.getAll('cookie').join('; '))
    try {
      const session = ticket === undefined ? undefined : await login.reader.open(ticket)
      if (session === undefined) {
        return { status: 302, headers: [['Location', login.entry.beginUrl(view, undefined)]], body: '' }
      }
      return { status: 200, headers: [], body: JSON.stringify(login.reader.toPrincipal(session)) }
    } catch (cause) {
      return { status: (cause as GateError).status, headers: [], body: '' }
    }
  }

  return { origin, login, clock, store, log, replies, url: (path) => origin + path }
}

/** What the application was told, or what was answered in its place. */
function toldBy(decision: Decision): Reply {
  if (!decision.granted) return decision.reply
  const { subject, extra } = decision.exchange
  return { status: 200, headers: [], body: JSON.stringify({ subject, extra }) }
}

const DEFAULTS: Omit<LoginOptions, 'baseUrls' | 'providers'> = {
  basePath: '/.oathkeeper',
  stateTtlMs: 600_000,
  timeoutMs: 2000,
  allowedReturnOrigins: [],
  afterLogin: '/',
  afterLogout: '/',
  cookie: { name: undefined, domain: undefined, path: '/', sameSite: 'lax', persistent: false },
  subjectFrom: 'sub',
}

/** Options of a login that no test looks at closely. */
export function loginOptions(changes: Partial<LoginOptions> = {}): LoginOptions {
  const baseUrls = ['https://app.example']
  const provider = providerOptions({
    ...PROVIDER,
    id: 'demo',
    issuer: 'https://id.example',
    clientId: 'client',
    clientSecret: undefined,
  })
  return { ...DEFAULTS, baseUrls, providers: [provider], ...changes }
}

const PROVIDER = {
  authMethod: undefined,
  scopes: ['openid', 'profile', 'email'],
  authorizationParams: {},
  userinfo: false,
  caFile: undefined,
  idTokenAlgorithm: undefined,
} as const

export function providerOptions(
  provider: MockProvider | ProviderOptions,
  changes: Partial<ProviderOptions> = {},
): ProviderOptions {
  if (!('switches' in provider)) return { ...provider, ...changes }
  const { issuer, clientId, clientSecret } = provider
  return { ...PROVIDER, id: 'demo', issuer, clientId, clientSecret: new Secret(clientSecret), ...changes }
}

/** A request as a front gives it; only what login looks at is real. */
export function viewOf(incoming: Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>): RequestView {
  const target = incoming.url ?? '/'
  const [path = '/'] = target.split('?')
  const headers = new HeaderList([...incoming.rawHeaders])
  return {
    front: 'proxy',
    method: incoming.method ?? 'GET',
    scheme: 'http',
    host: headers.get('host') ?? '',
    receivedHost: headers.get('host') ?? '',
    path: decodeURIComponent(path).replace(/\/+/g, '/'),
    rawPath: '',
    rawQuery: target.slice(path.length + 1),
    headers,
    clientAddress: headers.get('x-test-address') ?? '127.0.0.1',
    peerAddress: '127.0.0.1',
    peerTrusted: false,
    requestId: 'request-1',
    originalUri: target,
    readBody: () => Promise.resolve(new Uint8Array()),
  }
}

async function readWhole(incoming: IncomingMessage, limitBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  if (body.length > limitBytes) throw new GateError('ERR_REQUEST_BODY_TOO_LARGE')
  return body
}

function createRecorder(log: LoginRig['log']): Logger {
  const at = (level: string) => (fields: LogFields, message: string) => void log.push({ level, fields, message })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** Begins a login as a person does, and stops before the browser comes back: gives the address that it would come to. */
export async function callbackUrl(visitor: Visitor, rig: LoginRig, path = '/wanted?q=1'): Promise<string> {
  const begun = await visitor.go(rig.url(`/.oathkeeper/login?return_to=${encodeURIComponent(path)}`))
  const authorized = await visitor.go(begun.headers['location'] ?? '')
  return authorized.headers['location'] ?? ''
}

/** The same address with some parameters otherwise; `undefined` removes one. */
export function withParams(url: string, changes: Readonly<Record<string, string | undefined>>): string {
  const changed = new URL(url)
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) changed.searchParams.delete(name)
    else changed.searchParams.set(name, value)
  }
  return changed.href
}
