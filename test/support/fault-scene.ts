import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseTicket } from '../../src/sessions/ticket.ts'
import { makeFolder } from './config.ts'
import { eventually } from './eventually.ts'
import { assertAsBefore, assertFlat, holdings, type Holdings } from './flat-memory.ts'
import { startFaultProxy, type FaultProxy } from './fault-proxy.ts'
import { makeJwk, publicHalf } from './jwks.ts'
import { openRaw, rawRequest, type RawResponse } from './raw-client.ts'
import { rule, startRawProduct, type RawProduct } from './raw-product.ts'
import { tellRecovery } from './recovery.ts'
import { startRedisServer, type RedisServer, type RedisServerOptions } from './redis-server.ts'
import { signJwt } from './sign-jwt.ts'
import type { TestClock } from './test-clock.ts'
import { timed, until } from './until.ts'
import { Visitor, type Answer } from './visitor.ts'

/** A request that needs the store is answered within this, whatever the store does. */
export const ANSWERED_WITHIN_MS = 1000
/** Readiness follows the store within this, both ways; sessions and logins work again within it. */
export const WITHIN_MS = 2000
/** What every command of Redis may take by default. */
export const DEADLINE_MS = 250

/** The near cache is on by default; without it each request asks Redis. */
export const MODES = ['near cache', 'no near cache'] as const
export type Mode = (typeof MODES)[number]

/** For what is no matter of time: a busy machine must not make deadlines pass. */
export const PATIENT = { redisConfig: { timeout: { command: '2s' } } }

type Section = Readonly<Record<string, unknown>>

export interface FaultSceneOptions {
  readonly mode?: Mode
  readonly redis?: RedisServerOptions
  /** Added to `session_store.redis`. */
  readonly redisConfig?: Section
  /** Added to `session_store`. */
  readonly store?: Section
  /** Added to the configuration. */
  readonly config?: Readonly<Record<string, Section>>
  /** Without the proxy in front, so that a port that is closed is closed. */
  readonly direct?: boolean
  readonly clock?: TestClock
}

/** The whole product with a real Redis behind a proxy that spoils what goes through, and one person signed in. */
export interface FaultScene {
  readonly mode: Mode
  readonly product: RawProduct
  readonly redis: RedisServer
  readonly proxy: FaultProxy
  readonly ada: Visitor
  /** What the person's browser has, from the login on. */
  readonly ticket: string
  /** As a script of the page asks, with the person's cookie. */
  ask(path: string): Promise<Answer>
  /** Many at a time over a few connections to the decision API; gives how many answers of each status there were. */
  load(requests: number, path: string): Promise<Readonly<Record<number, number>>>
  /** Has the near cache forget what it knows of the session, so that the next request asks. */
  touch(): Promise<void>
  /** The key in Redis of the session that the person has now. */
  key(): string
  ready(): Promise<RawResponse>
  /** What Prometheus is told now, by name and labels, without our own prefix; 0 where it is told nothing. */
  metric(series: string): Promise<number>
  /** What this process had before anything failed. */
  readonly before: Holdings
}

export const SCRIPT = { headers: { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' } }
const CONNECTIONS = 20

/**
 * Rules: `/public` for everybody, `/token` for a JWT, `/strict` with `store_outage: deny`, the rest for who is signed in.
 */
export async function startFaultScene(t: TestContext, options: FaultSceneOptions = {}): Promise<FaultScene> {
  const { mode = 'near cache', config = {} } = options
  const redis = await startRedisServer(options.redis)
  t.after(() => redis.close())
  const proxy = await startFaultProxy(redis.port)
  t.after(() => proxy.close())
  const addr = options.direct === true ? redis.addr : `127.0.0.1:${proxy.port}`
  const nearCache = mode === 'near cache' ? {} : { near_cache: { enabled: false } }
  const key = makeJwk('k1', 'ES256')
  const jwks = makeFolder(t, { 'jwks.json': JSON.stringify({ keys: [publicHalf(key)] }) })
  const product = await startRawProduct(t, {
    config: {
      session_store: { type: 'redis', redis: { addr, ...options.redisConfig }, ...nearCache, ...options.store },
      log: { level: 'warn' },
      ...config,
      serve: { prometheus: { host: '127.0.0.1', port: 0 }, ...config['serve'] },
      authenticators: {
        anonymous: { enabled: true },
        jwt: {
          enabled: true,
          config: { jwks_urls: [`file://${join(jwks, 'jwks.json')}`], allowed_algorithms: ['ES256'] },
        },
        ...config['authenticators'],
      },
    },
    rules: ({ door, upstream }) => [
      rule('public', `${door}/public`, upstream, { authenticators: [{ handler: 'anonymous' }] }),
      rule('token', `${door}/token`, upstream, { authenticators: [{ handler: 'jwt' }] }),
      rule('strict', `${door}/strict`, upstream, {
        authenticators: [{ handler: 'session', config: { store_outage: 'deny' } }],
      }),
      rule('members', `${door}/<(?!(public|token|strict)$).*>`, upstream),
    ],
    // Thousands of requests would be most of what is in memory.
    keepLog: (lines) => lines.replaceAll(/.*msg="Access request denied".*\n/g, ''),
    ...(options.clock !== undefined && { clock: options.clock }),
  })
  bearers.set(product, signJwt(key, { sub: 'a service', exp: Math.floor(Date.now() / 1000) + 3600 }))
  const { visitor: ada, ticket, cookie } = await patiently(() => product.signIn())
  const { door, host, apiPort } = product
  const scene: Omit<FaultScene, 'before'> = {
    mode,
    product,
    redis,
    proxy,
    ada,
    ticket,
    ask: (path) => ada.go(door + path, SCRIPT),
    ready: () => rawRequest(apiPort, 'GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n'),
    async metric(series) {
      const { port = 0 } = product.app.addresses.metrics ?? {}
      const { body } = await rawRequest(port, 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n')
      const line = String(body)
        .split('\n')
        .find((text) => text.replace('ory_oathkeeper_', '').startsWith(`${series} `))
      return Number(line?.split(' ').at(-1) ?? 0)
    },
    async load(requests, path) {
      const statuses: Record<number, number> = {}
      const each = Math.ceil(requests / CONNECTIONS)
      const send = async (): Promise<void> => {
        const client = openRaw(apiPort)
        for (let i = 0; i < each; i++) {
          client.write(
            `GET /decisions${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: application/json\r\n${cookie}\r\n\r\n`,
          )
          const { status } = await client.response()
          statuses[status] = (statuses[status] ?? 0) + 1
        }
        client.destroy()
      }
      await Promise.all(Array.from({ length: CONNECTIONS }, send))
      return statuses
    },
    key: () => `session:${parseTicket(ada.cookie('127.0.0.1', 'oathkeeper') ?? '')?.key ?? ''}`,
    async touch() {
      await redis.command('SETRANGE', scene.key(), '0', '1')
      // Who gets an answer to this knows that Redis has told of the change; our own turn is to read it.
      await redis.command('PING')
      await sleep(50)
    },
  }
  // Once more over each rule, so that what they need has been read, the keys of tokens too.
  const begun = { ...scene, before: await holdings() }
  await assertWorks(begun)
  begun.before = await holdings()
  return begun
}

/** A machine that is busy makes deadlines pass, before anything was broken on purpose. */
export async function patiently<Value>(run: () => Promise<Value>): Promise<Value> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await run()
    } catch (cause) {
      if (attempt === 20) throw cause
      await sleep(100)
    }
  }
}

/** Signs in at the provider, and stops before the way back: gives the address of the callback. */
export async function toCallback({ product }: FaultScene, visitor: Visitor, returnTo: string): Promise<string> {
  return await patiently(async () => {
    const begun = await visitor.go(`${product.door}/.oathkeeper/login?return_to=${encodeURIComponent(returnTo)}`)
    const authorized = await visitor.go(begun.headers['location'] ?? '')
    return authorized.headers['location'] ?? ''
  })
}

const bearers = new WeakMap<RawProduct, string>()

/** Everything is as it was: the same cookie, both rules, and those that need no session. */
export async function assertWorks(scene: FaultScene): Promise<void> {
  // Again, because a busy machine makes deadlines pass.
  await until(WITHIN_MS, async () => {
    for (const path of ['/me', '/strict']) {
      const before = scene.product.upstream.requests.length
      const { status } = await scene.ask(path)
      assert.equal(status, 200, `${path}: ${status}`)
      assert.equal(scene.product.upstream.requests[before]?.header('x-user'), 'alice')
    }
  })
  await assertOthersUnaffected(scene)
}

/**
 * The person's session is gone: a script gets 401, a page tells why where that is known, and a login makes a new session, without
 * a click at the provider, which knows the person still.
 * @returns what the page said
 */
export async function signInAgain(scene: FaultScene): Promise<string> {
  const { product, ada } = scene
  const told = await patiently(async () => {
    const page = await ada.follow(`${product.door}/me`)
    assert.equal(page.status, 200, page.text)
    return page.text
  })
  const [, link] = /<a href="([^"]*)">Sign in again/.exec(told) ?? []
  if (link !== undefined) await ada.follow(link.replaceAll('&amp;', '&'))
  for (const path of ['/me', '/strict']) await patiently(async () => assert.equal((await scene.ask(path)).status, 200))
  return told
}

/** Rules without a session neither wait nor fail. */
export async function assertOthersUnaffected({ product }: FaultScene): Promise<void> {
  const guest = new Visitor()
  const { ms, value } = await timed(() => guest.go(`${product.door}/public`))
  assert.equal(value?.status, 200, 'a rule for everybody')
  const headers = { ...SCRIPT.headers, authorization: `Bearer ${bearers.get(product) ?? ''}` }
  const token = await timed(() => guest.go(`${product.door}/token`, { headers }))
  assert.equal(token.value?.status, 200, 'a rule with a token')
  assert.ok(Math.max(ms, token.ms) < ANSWERED_WITHIN_MS, `took ${ms} and ${token.ms} ms`)
}

/** What everyone gets who needs the store while it cannot be asked. The cookie stays, and nothing is told of the store. */
export function assertRefused(answer: Answer): void {
  assert.equal(answer.status, 503, answer.text)
  assert.equal(answer.headers['retry-after'], '1')
  assert.deepEqual(answer.setCookies, [], 'the cookie stays')
  assert.equal(answer.headers['location'], undefined)
  assert.doesNotMatch(answer.text, /redis|6379|password|MOVED/i)
}

/** A page that tries again by itself. */
export function assertWaits(answer: Answer, title: string): void {
  assertRefused(answer)
  assert.match(answer.text, new RegExp(`<h1>${title}</h1>`))
  assert.match(answer.text, /<meta http-equiv="refresh" content="\d(; url=[^"]*)?" \/>/)
}

/** Until the log has the text; the log itself is not shown, which is long. */
export async function logged({ product }: FaultScene, text: string): Promise<void> {
  await until(WITHIN_MS, () => assert.ok(product.log().includes(text), `the log does not say: ${text}`))
}

/** Until the instance knows that its store is away; how long that took. */
export async function noticed(scene: FaultScene): Promise<number> {
  return await until(WITHIN_MS, async () => assert.equal((await scene.ask('/strict')).status, 503))
}

/**
 * What people see during an outage, by a rule with `store_outage: deny`, by any other, by one without sessions, at a login.
 * @param members whether those who are signed in go on, as they do with a near cache for the grace
 * @returns milliseconds until the outage was known
 */
export async function assertOutage(scene: FaultScene, members: 'go on' | 'wait'): Promise<number> {
  const { product, ada } = scene
  const noticedMs = await noticed(scene)
  const within = async (ask: () => Promise<Answer>): Promise<Answer> => {
    const { ms, value, error } = await timed(ask)
    if (value === undefined) throw error
    assert.ok(ms < ANSWERED_WITHIN_MS, `${value.url} took ${ms} ms`)
    return value
  }
  assertRefused(await within(() => scene.ask('/strict')))
  assertWaits(await within(() => ada.go(`${product.door}/strict`)), 'This page has to wait a moment')
  const script = await within(() => scene.ask('/me'))
  const page = await within(() => ada.go(`${product.door}/me`))
  if (members === 'go on') assert.deepEqual([script.status, page.status], [200, 200])
  else {
    assertRefused(script)
    assertWaits(page, 'This page has to wait a moment')
  }
  const sent = product.provider.asked('/authorize').length
  assertWaits(
    await within(() => new Visitor().go(`${product.door}/.oathkeeper/login?return_to=/me`)),
    'Signing in has to wait a moment',
  )
  assert.equal(product.provider.asked('/authorize').length, sent, 'nobody is sent to the provider')
  await assertOthersUnaffected(scene)
  const red = await eventually(
    () => scene.ready(),
    ({ status }) => status === 503,
    WITHIN_MS,
  )
  assert.match(String(red.body), /the session store \(redis\) cannot be used/)
  assert.equal(ada.cookie('127.0.0.1', 'oathkeeper'), scene.ticket, 'nobody was logged out')
  const strict = async (requests: number): Promise<void> => {
    assert.deepEqual(await scene.load(requests, '/strict'), { 503: requests })
  }
  await assertFlat(300, strict)
  return noticedMs
}

/** The same cookie works again soon, by itself, and so do logins; tells how long it took since `since`. */
export async function assertRecovered(scene: FaultScene, row: string, since: number, note?: string): Promise<void> {
  const { product, ada } = scene
  const remaining = (): number => Math.max(500, since + WITHIN_MS - performance.now())
  await until(remaining(), async () => assert.equal((await scene.ask('/strict')).status, 200))
  await until(remaining(), async () => assert.equal((await scene.ask('/me')).status, 200))
  const ms = performance.now() - since
  await until(remaining(), async () => assert.equal((await product.logIn(new Visitor())).status, 200))
  await until(remaining(), async () => assert.equal((await scene.ready()).status, 200))
  assert.equal(ada.cookie('127.0.0.1', 'oathkeeper'), scene.ticket, 'nobody was logged out')
  await assertWorks(scene)
  await assertAsBefore(scene.before)
  tellRecovery(row, ms, `(${[scene.mode, note].filter((part) => part !== undefined).join(', ')})`)
}
