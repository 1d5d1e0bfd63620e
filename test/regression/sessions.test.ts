// Sessions, from the outside: what a cookie is worth, when it stops to be worth anything, and what stealing the store gives.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Pool } from 'undici'
import { sessionEvents, type SessionEvent } from '../../src/sessions/events.ts'
import { issueTicket, parseTicket } from '../../src/sessions/ticket.ts'
import { isSameSecret } from '../../src/login/login-cookie.ts'
import { createRandomPool } from '../../src/sessions/random.ts'
import { eventually } from '../support/eventually.ts'
import { rawRequest, type RawResponse } from '../support/raw-client.ts'
import { type RawProduct, startRawProduct } from '../support/raw-product.ts'
import { startRedisServer, type RedisServer } from '../support/redis-server.ts'
import { createTestClock } from '../support/test-clock.ts'
import { Visitor } from '../support/visitor.ts'

/** A script's request, so that "no session" is 401 and not the way to the login. */
function ask(product: RawProduct, cookie: string, ...lines: string[]): Promise<RawResponse> {
  const head = [`GET /me HTTP/1.1`, `Host: ${product.host}`, 'Accept: application/json', cookie, ...lines]
  return rawRequest(product.proxyPort, `${head.filter(Boolean).join('\r\n')}\r\n\r\n`)
}

async function startRedis(t: { after(run: () => Promise<void>): void }): Promise<RedisServer> {
  const redis = await startRedisServer()
  t.after(() => redis.close())
  return redis
}

const redisConfig = (redis: RedisServer): Record<string, Record<string, unknown>> => ({
  session_store: { type: 'redis', redis: { addr: redis.addr } },
})

const random = createRandomPool()

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function liveBytes(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

test('D-12: the end of a session is ours to enforce: a cookie that is kept beyond it is worth nothing', async (t) => {
  const clock = createTestClock()
  const config = { session: { lifetime: '1h', cookie: { persistent: true } } }
  const product = await startRawProduct(t, { clock, config })
  const { cookie } = await product.signIn()
  clock.advance(3_599_000)
  assert.equal((await ask(product, cookie)).status, 200)
  const before = product.upstream.requests.length
  clock.advance(1_000)
  assert.equal((await ask(product, cookie)).status, 401)
  assert.equal(product.upstream.requests.length, before)
})

for (const enabled of [false, true]) {
  const name = enabled ? 'within a moment, with sessions kept in this process' : 'with the next request'
  test(`E-07 E-08: a session whose key is deleted in Redis is over ${name}`, async (t) => {
    const redis = await startRedis(t)
    const { session_store } = redisConfig(redis)
    const config = { session_store: { ...session_store, near_cache: { enabled } } }
    const product = await startRawProduct(t, { config })
    const { cookie, ticket } = await product.signIn()
    for (let i = 0; i < 3; i++) assert.equal((await ask(product, cookie)).status, 200)
    const key = `session:${parseTicket(ticket)?.key ?? ''}`
    assert.equal(await redis.command('DEL', key), 1)
    if (enabled)
      await eventually(
        () => ask(product, cookie),
        ({ status }) => status === 401,
        500,
      )
    const before = product.upstream.requests.length
    assert.equal((await ask(product, cookie)).status, 401)
    assert.equal(product.upstream.requests.length, before)
  })
}

for (const kind of ['memory', 'redis'] as const) {
  test(`A-02 E-15: fifty callbacks at once are one login (${kind})`, async (t) => {
    const config = kind === 'redis' ? redisConfig(await startRedis(t)) : {}
    const product = await startRawProduct(t, { config })
    const visitor = new Visitor()
    const begun = await visitor.follow(`${product.door}/.oathkeeper/login?return_to=/me`, {}).catch(() => undefined)
    assert.equal(begun?.status, 200)
    const second = new Visitor()
    const login = await second.go(`${product.door}/.oathkeeper/login?return_to=/me`)
    const authorized = await second.go(login.headers['location'] ?? '')
    const callback = authorized.headers['location'] ?? ''
    const before = product.provider.asked('/token').length
    const answers = await Promise.all(Array.from({ length: 50 }, () => second.copy().go(callback)))
    assert.equal(product.provider.asked('/token').length, before + 1)
    const tickets = answers.flatMap(({ setCookies }) => setCookies.filter((line) => /^oathkeeper=[^;]/.test(line)))
    assert.equal(tickets.length, 1)
    for (const { status } of answers) assert.ok(status === 302 || status === 400, `a callback was answered ${status}`)
  })
}

test('E-16: a login anew while requests are under way fails none of them and loses neither session nor place', async (t) => {
  const product = await startRawProduct(t)
  const { visitor, cookie } = await product.signIn()
  const login = await visitor.go(`${product.door}/.oathkeeper/login?return_to=/me`)
  const authorized = await visitor.go(login.headers['location'] ?? '')
  const callback = visitor.go(authorized.headers['location'] ?? '')
  const under = await Promise.all(Array.from({ length: 30 }, () => ask(product, cookie)))
  for (const { status } of under) assert.ok(status === 200 || status === 401, String(status))
  assert.equal((await callback).status, 302)
  assert.equal((await visitor.go(`${product.door}/me`)).status, 200)
  assert.equal((await ask(product, cookie)).status, 401, 'the session before is over')
})

test('A-32 E-16: tokens that rotate are spent once, however many requests there are, and the new ones are kept', async (t) => {
  const clock = createTestClock()
  const product = await startRawProduct(t, { clock, config: { session: { lifetime: '2h' } } })
  const { cookie } = await product.signIn()
  const refreshes = (): number =>
    product.provider.asked('/token').filter(({ form }) => form.get('grant_type') === 'refresh_token').length
  for (let round = 1; round <= 3; round++) {
    clock.advance(301_000)
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(product, cookie)))
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    assert.equal(refreshes(), round)
  }
})

test('E-18: ten thousand guesses cost the same, leave nothing behind, and are counted', async (t) => {
  const product = await startRawProduct(t, { config: { log: { level: 'error' } } })
  await product.signIn()
  const counted: Record<string, number> = {}
  const count = (event: unknown): void => {
    const { type } = event as SessionEvent
    counted[type] = (counted[type] ?? 0) + 1
  }
  sessionEvents.subscribe(count)
  t.after(() => void sessionEvents.unsubscribe(count))
  const pool = new Pool(product.door, { connections: 8, pipelining: 16 })
  t.after(() => pool.close())
  const guess = async (): Promise<number> => {
    const cookie = `oathkeeper=${issueTicket(random).text}`
    const { statusCode, body } = await pool.request({
      path: '/me',
      method: 'GET',
      headers: { cookie, accept: 'application/json' },
    })
    await body.dump()
    return statusCode
  }
  const round = async (size: number): Promise<number> => {
    const begun = performance.now()
    const statuses = await Promise.all(Array.from({ length: size }, guess))
    assert.deepEqual(new Set(statuses), new Set([401]))
    return performance.now() - begun
  }
  await round(2_000)
  const heapBefore = liveBytes()
  const first = await round(2_000)
  for (let i = 0; i < 2; i++) await round(2_000)
  const last = await round(2_000)
  const grownBy = liveBytes() - heapBefore
  assert.equal(counted['refused'], 10_000)
  assert.ok(last < first * 3, `the first 2,000 took ${first} ms, the last ${last} ms`)
  assert.ok(grownBy < 8 * 1024 * 1024, `the heap grew by ${grownBy} bytes`)
})

test('E-02 E-03 V-066 V-084 V-095: a ticket that was chosen beforehand is never the one that a login fills', async (t) => {
  const redis = await startRedis(t)
  const product = await startRawProduct(t, { config: redisConfig(redis) })
  const planted = issueTicket(random)
  const url = `${product.door}/.oathkeeper/login?return_to=/me`
  const headers = { cookie: `oathkeeper=${planted.text}` }
  const visitor = new Visitor()
  const begun = await visitor.go(url, { headers })
  const authorized = await visitor.go(begun.headers['location'] ?? '')
  const back = authorized.headers['location'] ?? ''
  const attempt = visitor.cookieHeader(new URL(back))
  const done = await visitor.go(back, { headers: { cookie: `${attempt}; oathkeeper=${planted.text}` } })
  assert.equal(done.status, 302)
  const given = visitor.cookie('127.0.0.1', 'oathkeeper')
  assert.notEqual(given, planted.text)
  assert.equal((await ask(product, `Cookie: oathkeeper=${planted.text}`)).status, 401)
  assert.equal((await ask(product, `Cookie: oathkeeper=${given ?? ''}`)).status, 200)
  assert.equal(await redis.command('EXISTS', `session:${planted.key}`), 0)
})

test('E-12 V-094: with everything that is in Redis nobody gets in', async (t) => {
  const redis = await startRedis(t)
  const product = await startRawProduct(t, { config: redisConfig(redis) })
  const { ticket } = await product.signIn()
  await new Visitor().go(`${product.door}/.oathkeeper/login?return_to=/me`)
  const keys = (await redis.command('KEYS', '*')) as string[]
  assert.ok(keys.length >= 3, String(keys))
  const candidates = new Set<string>()
  for (const key of keys) {
    const type = String(await redis.command('TYPE', key))
    const value =
      type === 'string'
        ? String(await redis.command('GET', key))
        : String(await redis.command('ZRANGE', key, '0', '-1'))
    assert.ok(!key.includes(ticket) && !value.includes(ticket))
    for (const part of [key, value, ...key.split(':'), ...value.split(/[^\w-]+/)]) {
      for (const length of [part.length, ticket.length, 43, 22]) candidates.add(part.slice(0, length))
    }
  }
  for (const candidate of candidates) {
    if (!/^[\x21-\x7e]{8,512}$/.test(candidate)) continue
    for (const value of [candidate, `v1.${candidate}`, `v1.${candidate}${candidate}`.slice(0, ticket.length)]) {
      assert.equal((await ask(product, `Cookie: oathkeeper=${value.replaceAll(';', '')}`)).status, 401)
    }
  }
})

test('V-041 V-075: a ticket that is a little otherwise opens nothing', async (t) => {
  const product = await startRawProduct(t)
  const { ticket } = await product.signIn()
  const variants = new Set<string>([
    ticket.toUpperCase(),
    ticket.toLowerCase(),
    `${ticket}=`,
    `${ticket}A`,
    ` ${ticket}.`,
    `"${ticket}"`,
    `${ticket}%00`,
    encodeURIComponent(`${ticket}\0`),
  ])
  for (let i = 0; i < ticket.length; i++) {
    variants.add(ticket.slice(0, i))
    variants.add(ticket.slice(i + 1))
    const other = ticket[i] === 'A' ? 'B' : 'A'
    variants.add(ticket.slice(0, i) + other + ticket.slice(i + 1))
    const code = ticket.charCodeAt(i)
    variants.add(ticket.slice(0, i) + String.fromCharCode(code ^ 1) + ticket.slice(i + 1))
  }
  variants.delete(ticket)
  for (const value of variants) {
    if (/[^\x21-\x7e ]/.test(value)) continue
    const { status } = await ask(product, `Cookie: oathkeeper=${value}`)
    assert.equal(status, 401, `ticket as ${JSON.stringify(value)}`)
  }
  assert.equal((await ask(product, `Cookie: oathkeeper=${ticket}`)).status, 200)
})

test('V-076: a callback without state, without its cookie, with another nonce or verifier is no login', async (t) => {
  const product = await startRawProduct(t)
  const begin = async (): Promise<{ visitor: Visitor; callback: URL }> => {
    const visitor = new Visitor()
    const begun = await visitor.go(`${product.door}/.oathkeeper/login?return_to=/me`)
    const authorized = await visitor.go(begun.headers['location'] ?? '')
    return { visitor, callback: new URL(authorized.headers['location'] ?? '') }
  }
  const attempts: Record<
    string,
    (visitor: Visitor, callback: URL) => Promise<{ status: number; setCookies: readonly string[] }>
  > = {
    'no state': (visitor, callback) => {
      callback.searchParams.delete('state')
      return visitor.go(callback.href)
    },
    'no cookie': (_, callback) => new Visitor().go(callback.href),
    'a code beyond all measure': (visitor, callback) => {
      callback.searchParams.set('code', 'a'.repeat(4_097))
      return visitor.go(callback.href)
    },
    'another nonce': (visitor, callback) => {
      product.provider.switches.claims = (claims) => ({ ...claims, nonce: 'another' })
      return visitor.go(callback.href)
    },
    'no nonce': (visitor, callback) => {
      product.provider.switches.claims = (claims) => ({ ...claims, nonce: undefined })
      return visitor.go(callback.href)
    },
    'a code of another attempt': async (visitor, callback) => {
      const other = await begin()
      callback.searchParams.set('code', other.callback.searchParams.get('code') ?? '')
      return visitor.go(callback.href)
    },
  }
  for (const [name, attempt] of Object.entries(attempts)) {
    const { visitor, callback } = await begin()
    const before = product.provider.asked('/token').length
    const { status, setCookies } = await attempt(visitor, callback)
    const spends = /nonce|another attempt/.test(name) ? 1 : 0
    assert.equal(product.provider.asked('/token').length - before, spends, name)
    delete product.provider.switches.claims
    assert.equal(status, 400, name)
    assert.ok(!setCookies.some((line) => /^oathkeeper=[^;]/.test(line)), name)
  }
})

/** The shortest of many measurements of each, taken in turns: what is left when everything else on the machine is gone. */
function shortest(runs: number, left: () => unknown, right: () => unknown): [number, number] {
  const best: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let i = 0; i < runs * 2; i++) {
    const begun = performance.now()
    if (i % 2 === 0) left()
    else right()
    const side = (i % 2) as 0 | 1
    best[side] = Math.min(best[side], performance.now() - begun)
  }
  return best
}

test('H-13 V-110: how much of a secret is right does not show in the time of its comparison', () => {
  const secret = 'a'.repeat(1 << 20)
  const early = `x${secret.slice(1)}`
  const late = `${secret.slice(0, -1)}x`
  const [first, last] = shortest(
    200,
    () => assert.equal(isSameSecret(early, secret), false),
    () => assert.equal(isSameSecret(late, secret), false),
  )
  assert.ok(Math.max(first, last) < Math.min(first, last) * 1.3, `${first} ms and ${last} ms`)
  assert.ok(isSameSecret(secret, `${secret}`) && !isSameSecret(secret, `${secret}a`) && !isSameSecret(secret, ''))
})

test('V-055: a ticket that never was takes as long as one that is over', async (t) => {
  const clock = createTestClock()
  const product = await startRawProduct(t, { clock, config: { session: { lifetime: '1h' } } })
  const { ticket } = await product.signIn()
  clock.advance(3_600_000)
  const pool = new Pool(product.door, { connections: 1 })
  t.after(() => pool.close())
  const time = async (cookie: string): Promise<number> => {
    const begun = performance.now()
    const { statusCode, body } = await pool.request({
      path: '/me',
      method: 'GET',
      headers: { cookie: `oathkeeper=${cookie}`, accept: 'application/json' },
    })
    await body.dump()
    assert.equal(statusCode, 401)
    return performance.now() - begun
  }
  const times: [unknown: number[], over: number[]] = [[], []]
  for (let i = 0; i < 1_000; i++) {
    times[0].push(await time(issueTicket(random).text))
    times[1].push(await time(ticket))
  }
  const [unknown = 0, over = 0] = times.map((list) => list.sort((a, b) => a - b)[500])
  assert.ok(Math.max(unknown, over) < Math.min(unknown, over) * 1.5 + 0.1, `${unknown} ms and ${over} ms`)
})
