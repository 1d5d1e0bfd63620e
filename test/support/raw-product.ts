import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type RunningApp, startApp } from '../../src/app.ts'
import { type MockProvider, startMockProvider } from './mock-provider.ts'
import { findFreePort } from './ports.ts'
import { type RawUpstream, startRawUpstream } from './raw-upstream.ts'
import type { TestClock } from './test-clock.ts'
import { type Arrival, Visitor } from './visitor.ts'

type Section = Readonly<Record<string, unknown>>

export interface RawProductOptions {
  /** Beside the configuration that is always there; sections are merged one level deep. */
  readonly config?: Readonly<Record<string, Section | undefined>>
  /** Instead of the rules that are always there. */
  readonly rules?: (product: { readonly door: string; readonly upstream: RawUpstream }) => readonly Section[]
  /** Added to the entry of `login.providers`. */
  readonly provider?: Section
  readonly clock?: TestClock
  readonly env?: NodeJS.ProcessEnv
  /** What of some lines of the log is kept. Default: all. */
  readonly keepLog?: (lines: string) => string
}

/** The whole product in this process, between a provider and an upstream that do what a test says, byte by byte. */
export interface RawProduct {
  /** Origin that browsers see. */
  readonly door: string
  /** `127.0.0.1:port`: the `Host` of the door. */
  readonly host: string
  readonly proxyPort: number
  readonly apiPort: number
  readonly upstream: RawUpstream
  readonly provider: MockProvider
  readonly app: RunningApp
  readonly configFile: string
  readonly rulesFile: string
  log(): string
  /** Goes to a page, through the provider and back. */
  logIn(visitor: Visitor, path?: string): Promise<Arrival>
  /** A visitor who is signed in, and the `Cookie` line that says so. */
  signIn(): Promise<{ readonly visitor: Visitor; readonly cookie: string; readonly ticket: string }>
}

const COOKIE = 'oathkeeper'

/** Starts it; everything is closed with the test. */
export async function startRawProduct(t: TestContext, options: RawProductOptions = {}): Promise<RawProduct> {
  const clock = options.clock
  const provider = await startMockProvider(t, clock === undefined ? {} : { now: () => clock.now() })
  const upstream = await startRawUpstream()
  t.after(() => upstream.close())
  const [proxyPort, apiPort] = [await findFreePort(), await findFreePort()]
  const host = `127.0.0.1:${proxyPort}`
  const door = `http://${host}`
  const folder = mkdtempSync(join(tmpdir(), 'oathkeeper-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const [configFile, rulesFile] = [join(folder, 'oathkeeper.json'), join(folder, 'rules.json')]
  const entry = providerEntry(provider, options.provider)
  const config = configFor(options.config ?? {}, { door, entry, proxyPort, apiPort })
  const rules = (options.rules ?? defaultRules)({ door, upstream })
  writeFileSync(configFile, JSON.stringify(config, null, 2))
  writeFileSync(rulesFile, JSON.stringify(rules, null, 2))
  let log = ''
  const app = await startApp({
    configFiles: [configFile],
    env: options.env ?? {},
    logSink: { write: (text) => (log += options.keepLog?.(text) ?? text), flushSync() {} },
    ...(clock !== undefined && { clock }),
  })
  t.after(() => stop(app, clock))
  const logIn: RawProduct['logIn'] = (visitor, path = '/me') => visitor.follow(door + path)
  return {
    door,
    host,
    proxyPort,
    apiPort,
    upstream,
    provider,
    app,
    configFile,
    rulesFile,
    log: () => log,
    logIn,
    async signIn() {
      const visitor = new Visitor()
      const arrival = await logIn(visitor)
      const ticket = visitor.cookie('127.0.0.1', COOKIE)
      if (arrival.status !== 200 || ticket === undefined) throw new Error(`the login ended with ${arrival.status}`)
      return { visitor, ticket, cookie: `Cookie: ${COOKIE}=${ticket}` }
    },
  }
}

/** A clock that stands still does so in a stop too, which waits for connections to end. */
async function stop(app: RunningApp, clock: TestClock | undefined): Promise<void> {
  const timer = setInterval(() => clock?.advance(1000), 5)
  await app.stop()
  clearInterval(timer)
}

/** A rule of the product: who is let in, what is set, and where to. */
export function rule(id: string, url: string, upstream: RawUpstream, changes: Section = {}): Section {
  return {
    id,
    match: { url, methods: ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'] },
    authenticators: [{ handler: 'session' }],
    authorizer: { handler: 'allow' },
    mutators: [{ handler: 'header' }],
    upstream: { url: upstream.origin },
    ...changes,
  }
}

/** `/public/…` for everybody, the rest for people with a session. */
function defaultRules({ door, upstream }: { readonly door: string; readonly upstream: RawUpstream }): Section[] {
  const open = { authenticators: [{ handler: 'anonymous' }], mutators: [{ handler: 'noop' }] }
  return [
    rule('public', `${door}/public<(/.*)?>`, upstream, open),
    rule('members', `${door}/<(?!public(/|$)).*>`, upstream),
  ]
}

function providerEntry({ issuer, clientId, clientSecret }: MockProvider, changes: Section = {}): Section {
  return { id: 'mock', issuer, client_id: clientId, client_secret: clientSecret, ...changes }
}

interface Places {
  readonly door: string
  readonly proxyPort: number
  readonly apiPort: number
  /** The one of `login.providers`. */
  readonly entry: Section
}

function configFor(
  given: NonNullable<RawProductOptions['config']>,
  { door, entry, proxyPort, apiPort }: Places,
): Record<string, Section> {
  const serve = (given['serve'] ?? {}) as Readonly<Record<string, Section | undefined>>
  const header = { headers: { 'X-User': '{{ print .Subject }}', 'X-Email': '{{ print .Extra.email }}' } }
  return {
    ...given,
    serve: {
      ...serve,
      proxy: { host: '127.0.0.1', ...serve['proxy'], port: proxyPort },
      api: { host: '127.0.0.1', ...serve['api'], port: apiPort },
    },
    log: { level: 'trace', ...given['log'] },
    login: {
      base_url: door,
      providers: [entry],
      ...given['login'],
    },
    authenticators: { anonymous: { enabled: true }, noop: { enabled: true }, ...given['authenticators'] },
    authorizers: { allow: { enabled: true }, deny: { enabled: true }, ...given['authorizers'] },
    mutators: { noop: { enabled: true }, header: { enabled: true, config: header }, ...given['mutators'] },
    access_rules: { repositories: ['file://rules.json'], ...given['access_rules'] },
  }
}
