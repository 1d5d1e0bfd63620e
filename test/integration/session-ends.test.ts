// Every end of a session, from the outside: one word for it in the log, in the metrics and on the page that its person sees.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { CompactSign } from 'jose'
import type { EndReason } from '../../src/sessions/contract.ts'
import { issueTicket, parseTicket } from '../../src/sessions/ticket.ts'
import { createRandomPool } from '../../src/sessions/random.ts'
import { eventually } from '../support/eventually.ts'
import { findFreePort } from '../support/ports.ts'
import { type RawProduct, startRawProduct } from '../support/raw-product.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { createTestClock, type TestClock } from '../support/test-clock.ts'
import { Visitor } from '../support/visitor.ts'

const MINUTE = 60_000
const COOKIE = 'oathkeeper'
const SCRIPT = { accept: 'application/json', 'sec-fetch-mode': 'cors' }

type Config = Readonly<Record<string, Readonly<Record<string, unknown>>>>

interface Scene {
  readonly product: RawProduct
  readonly clock: TestClock
  /** Of all ends so far, by reason. */
  counted(): Promise<Record<string, number>>
}

async function setTheScene(t: TestContext, config: Config = {}): Promise<Scene> {
  const clock = createTestClock()
  const port = await findFreePort()
  const serve = { prometheus: { host: '127.0.0.1', port } }
  const product = await startRawProduct(t, { clock, config: { ...config, serve } })
  return {
    product,
    clock,
    async counted() {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      const found = text.matchAll(/sessions_ended_total\{provider="[^"]*",reason="(\w+)"\} (\d+)/g)
      return Object.fromEntries([...found].map(([, reason, count]) => [reason, Number(count)]))
    },
  }
}

/** What the person is told, with the cookie of the session that is over; and what is logged and counted. */
async function assertTold(scene: Scene, ticket: string, reason: EndReason, counts = 1): Promise<void> {
  const { product } = scene
  const cookie = `${COOKIE}=${ticket}`
  const script = await new Visitor().go(`${product.door}/me`, { headers: { ...SCRIPT, cookie } })
  assert.equal(script.status, 401)
  assert.deepEqual(JSON.parse(script.text).error.details, { session_ended: reason })
  assert.match(script.headers['www-authenticate'] ?? '', new RegExp(`error_description="${reason}"`))

  const visitor = new Visitor()
  const refused = await visitor.go(`${product.door}/me?a=1`, { headers: { cookie } })
  assert.equal(refused.status, 302)
  const page = await visitor.go(refused.headers['location'] ?? '')
  assert.equal(page.status, 200)
  assert.match(page.text, new RegExp(`<main data-reason="${reason}">`))
  const [, again = ''] = /href="([^"]+)"/.exec(page.text) ?? []
  const arrival = await visitor.follow(again.replaceAll('&amp;', '&'))
  assert.equal(arrival.url, `${product.door}/me?a=1`)

  const counted = await eventually(scene.counted, (ends) => ends[reason] !== undefined, 5_000)
  assert.equal(counted[reason], counts, JSON.stringify(counted))
  const lines = product.log().split('\n')
  assert.equal(lines.filter((line) => line.includes('session ended') && line.includes(`reason=${reason}`)).length, 1)
}

test('logout', async (t) => {
  const scene = await setTheScene(t)
  const { visitor, ticket } = await scene.product.signIn()
  const headers = { origin: scene.product.door, 'sec-fetch-site': 'same-origin' }
  const page = await visitor.follow(`${scene.product.door}/.oathkeeper/logout`, { method: 'POST', headers })
  assert.match(page.text, /<main data-reason="logout">/)
  await assertTold(scene, ticket, 'logout')
})

test('idle', async (t) => {
  const scene = await setTheScene(t, { session: { idle_timeout: '30m' } })
  const { ticket } = await scene.product.signIn()
  scene.clock.advance(30 * MINUTE)
  await assertTold(scene, ticket, 'idle')
})

test('absolute', async (t) => {
  const scene = await setTheScene(t, { session: { lifetime: '1h' } })
  const { ticket } = await scene.product.signIn()
  scene.clock.advance(60 * MINUTE)
  await assertTold(scene, ticket, 'absolute')
})

test('backchannel', async (t) => {
  const scene = await setTheScene(t)
  const { product, clock } = scene
  const { ticket } = await product.signIn()
  const now = Math.floor(clock.now() / 1000)
  const claims = {
    iss: product.provider.issuer,
    aud: product.provider.clientId,
    iat: now,
    exp: now + 120,
    jti: 'one',
    sid: 'sid-alice',
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  }
  const token = await new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'RS256', kid: 'k1', typ: 'logout+jwt' })
    .sign(product.provider.keys.privateKey)
  const answer = await new Visitor().go(`${product.door}/.oathkeeper/backchannel-logout/mock`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ logout_token: token }).toString(),
  })
  assert.equal(answer.status, 200, answer.text)
  await assertTold(scene, ticket, 'backchannel')
})

test('refresh_rejected', async (t) => {
  const scene = await setTheScene(t)
  const { product, clock } = scene
  const { ticket } = await product.signIn()
  product.provider.switches.routes = {
    '/token': (_, response) => {
      product.provider.switches.routes = {}
      response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}')
    },
  }
  clock.advance(6 * MINUTE)
  await assertTold(scene, ticket, 'refresh_rejected')
})

test('superseded', async (t) => {
  const scene = await setTheScene(t)
  const { product } = scene
  const { visitor, ticket } = await product.signIn()
  await visitor.follow(`${product.door}/.oathkeeper/login?return_to=/me`)
  assert.notEqual(visitor.cookie('127.0.0.1', COOKIE), ticket)
  await assertTold(scene, ticket, 'superseded')
})

test('evicted', async (t) => {
  const scene = await setTheScene(t, { session_store: { memory: { max_sessions: 1 } } })
  const { ticket } = await scene.product.signIn()
  await scene.product.signIn()
  // Telling it ends with a login, which puts out another one: that is counted, and not logged within the same ten seconds.
  await assertTold(scene, ticket, 'evicted', 2)
})

for (const nearCache of [false, true]) {
  const how = nearCache ? ', with the near cache' : ''
  const startWithRedis = async (t: TestContext) => {
    const redis = await startRedisServer()
    t.after(() => redis.close())
    const near_cache = { enabled: nearCache }
    const scene = await setTheScene(t, { session_store: { type: 'redis', redis: { addr: redis.addr }, near_cache } })
    const { ticket } = await scene.product.signIn()
    const untilItIsOver = (): Promise<unknown> =>
      eventually(
        () => new Visitor().go(`${scene.product.door}/me`, { headers: { ...SCRIPT, cookie: `${COOKIE}=${ticket}` } }),
        ({ status }) => status === 401,
        2_000,
      )
    return { redis, scene, ticket, key: `session:${parseTicket(ticket)?.key ?? ''}`, untilItIsOver }
  }

  test(`store_lost: FM-21: emptied Redis${how}`, async (t) => {
    const { redis, scene, ticket, untilItIsOver } = await startWithRedis(t)
    await redis.command('FLUSHALL')
    await untilItIsOver()
    await assertTold(scene, ticket, 'store_lost')
  })

  test(`key_retired: a record of a format before the first one that is still opened${how}`, async (t) => {
    const { redis, scene, ticket, key, untilItIsOver } = await startWithRedis(t)
    // Its format, behind the head; and its version, in the head, so that it is read anew.
    await redis.command('SETRANGE', key, '111', '\0')
    await redis.command('SETRANGE', key, '12', 'f')
    await untilItIsOver()
    await assertTold(scene, ticket, 'key_retired')
  })
}

test('a made-up ticket of any age is neither logged nor counted', async (t) => {
  const scene = await setTheScene(t, { session: { idle_timeout: '30m' } })
  const { product } = scene
  const random = createRandomPool()
  const told: unknown[] = []
  const [past, idleTimeoutMs] = [1_000, 30_000]
  const future = Date.now() + 1e9
  for (const hint of [
    undefined,
    { createdAt: past, expiresAt: past, idleTimeoutMs: undefined },
    { createdAt: past, expiresAt: future, idleTimeoutMs },
    { createdAt: future, expiresAt: future, idleTimeoutMs },
  ]) {
    const cookie = `${COOKIE}=${issueTicket(random, hint).text}`
    const answer = await new Visitor().go(`${product.door}/me`, { headers: { ...SCRIPT, cookie } })
    told.push(JSON.parse(answer.text).error.details?.session_ended)
  }
  assert.deepEqual(told, [undefined, 'absolute', 'idle', undefined])
  assert.deepEqual(await scene.counted(), {})
  assert.doesNotMatch(product.log(), /session ended/)
})
