import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type RunningApp, startApp } from '../../src/app.ts'
import { startOathkeeper, type OathkeeperProcess } from './oathkeeper.ts'
import { findFreePort } from './ports.ts'
import { rule } from './raw-product.ts'
import { type RawUpstream, startRawUpstream } from './raw-upstream.ts'
import { type RealProvider, type RealProviderOptions, signInAs, startRealProvider } from './real-provider.ts'
import { type RedisServer, startRedisServer } from './redis-server.ts'
import type { ShiftedClock } from './shifted-clock.ts'
import { type Answer, Visitor } from './visitor.ts'

const INSTANCES = 3
const TABS = 20

export interface ManyTabsOptions {
  readonly nearCache: boolean
  /** Of each instance, all in this process; without it each is a process of its own. */
  readonly clock?: ShiftedClock
  readonly provider?: RealProviderOptions
  /** Default false. */
  readonly userinfo?: boolean
  /** `session`. */
  readonly session?: Readonly<Record<string, unknown>>
}

/** Three instances with one real Redis and one real provider, whose refresh tokens may be used once. */
export interface ManyTabs {
  /** What browsers see: the first instance, unless they are routed elsewhere. */
  readonly door: string
  readonly provider: RealProvider
  readonly redis: RedisServer
  readonly upstream: RawUpstream
  /** Nothing where they are in this process. */
  readonly processes: readonly OathkeeperProcess[]
  /** `host:port` of each. */
  readonly hosts: readonly string[]
  /** Stops an instance as a signal does. */
  stop(instance: number): Promise<void>
  /** What the instances wrote. */
  log(): string
  /** A browser in which somebody is signed in. */
  signIn(): Promise<Visitor>
  /** Twenty tabs of the browser, spread over instances. */
  tabs(browser: Visitor, over?: readonly number[]): Visitor[]
  /** How often the provider was asked to refresh, by the status of its answers. */
  refreshes(): number[]
}

/** A script asks: an answer that is no page of the application is no success. */
export const SCRIPT = { headers: { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' } }

/** Starts it all; everything is closed with the test. */
export async function startManyTabs(t: TestContext, options: ManyTabsOptions): Promise<ManyTabs> {
  const redis = await startRedisServer()
  t.after(() => redis.close())
  const upstream = await startRawUpstream()
  t.after(() => upstream.close())
  const ports = await Promise.all(Array.from({ length: INSTANCES }, findFreePort))
  const hosts = ports.map((port) => `127.0.0.1:${port}`)
  const door = `http://${hosts[0] ?? ''}`
  const provider = await startRealProvider(t, door, { idTokenSeconds: 3600, ...options.provider })
  const config = configOf(options, { door, provider, redis })
  const rules = [rule('members', `${door}/<.*>`, upstream)]
  const processes: OathkeeperProcess[] = []
  const apps = new Map<number, RunningApp>()
  let ownLog = ''
  const starting = ports.map(async (port) => {
    const { clock } = options
    if (clock === undefined) {
      const running = await startProcess(port, config, rules)
      t.after(() => running.stop())
      return running
    }
    const app = await startApp({
      configFiles: [writeConfig(t, { ...config, serve: serveOn(port) }, rules)],
      env: {},
      clock,
      logSink: { write: (text) => (ownLog += text), flushSync() {} },
    })
    t.after(() => app.stop())
    apps.set(port, app)
    return undefined
  })
  processes.push(...(await Promise.all(starting)).filter((one) => one !== undefined))
  return {
    door,
    provider,
    redis,
    upstream,
    processes,
    hosts,
    async stop(instance) {
      await apps.get(ports[instance] ?? 0)?.stop()
      await processes[instance]?.stop()
    },
    log: () => ownLog + processes.map((one) => one.log()).join(''),
    async signIn() {
      const browser = new Visitor()
      const arrival = await signInAs(browser, await browser.follow(`${door}/start`), 'ada')
      if (arrival.status !== 200) throw new Error(`the login ended with ${arrival.status}`)
      return browser
    },
    tabs: (browser, over = hosts.map((_, i) => i)) =>
      Array.from({ length: TABS }, (_, i) => {
        const tab = browser.copy()
        tab.route(hosts[0] ?? '', hosts[over[i % over.length] ?? 0] ?? '')
        return tab
      }),
    refreshes: () =>
      provider.tokenAnswers.filter(({ grantType }) => grantType === 'refresh_token').map(({ status }) => status),
  }
}

/** Each tab asks `each` times, all at once; gives every answer. */
export async function askAtOnce({ door }: ManyTabs, tabs: readonly Visitor[], each: number): Promise<Answer[]> {
  const asking = tabs.flatMap((tab, i) =>
    Array.from({ length: each }, (_, j) => tab.go(`${door}/tab-${i}/${j}`, SCRIPT)),
  )
  return await Promise.all(asking)
}

async function startProcess(
  port: number,
  config: Readonly<Record<string, unknown>>,
  rules: readonly Readonly<Record<string, unknown>>[],
): Promise<OathkeeperProcess> {
  const [api, metrics, grpc] = [await findFreePort(), await findFreePort(), await findFreePort()]
  return await startOathkeeper({ ports: { proxy: port, api, metrics, grpc }, config, rules })
}

function writeConfig(t: TestContext, config: object, rules: readonly object[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'oathkeeper-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'rules.json'), JSON.stringify(rules))
  const file = join(folder, 'oathkeeper.json')
  writeFileSync(file, JSON.stringify({ ...config, access_rules: { repositories: ['file://rules.json'] } }))
  return file
}

function serveOn(port: number): Record<string, unknown> {
  const anywhere = { host: '127.0.0.1', port: 0 }
  return { proxy: { host: '127.0.0.1', port }, api: anywhere, prometheus: anywhere }
}

function configOf(
  { nearCache, userinfo = false, session = {} }: ManyTabsOptions,
  { door, provider, redis }: { readonly door: string; readonly provider: RealProvider; readonly redis: RedisServer },
): Record<string, unknown> {
  const { issuer, clientId, clientSecret } = provider.options()
  return {
    session_store: {
      type: 'redis',
      // A busy machine is no outage.
      redis: { addr: redis.addr, timeout: { command: '5s' } },
      near_cache: { enabled: nearCache },
    },
    session,
    login: {
      base_url: door,
      providers: [{ id: 'real', issuer, client_id: clientId, client_secret: clientSecret?.reveal(), userinfo }],
    },
    authenticators: { noop: { enabled: true } },
    authorizers: { allow: { enabled: true } },
    mutators: { header: { enabled: true, config: { headers: { 'X-Token': '{{ print .Extra.access_token }}' } } } },
  }
}
