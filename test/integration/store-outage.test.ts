import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { logIn, startProduct, type Product } from '../support/product.ts'
import { startRedisServer, type RedisServer } from '../support/redis-server.ts'
import { timed } from '../support/until.ts'
import { Visitor } from '../support/visitor.ts'

/** Sessions work again within this time after the store is back. */
const RECOVERED_WITHIN_MS = 2000
const SCRIPT = { headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' } }

interface Scene {
  readonly product: Product
  readonly redis: RedisServer
  /** Logged in. */
  readonly ada: Visitor
}

/** Oathkeeper with Redis as it is by default, but for what `config` says, and one person logged in. */
async function scene(
  run: (scene: Scene) => Promise<void>,
  storeConfig: Record<string, unknown> = {},
  config: Record<string, Record<string, unknown>> = {},
): Promise<void> {
  const redis = await startRedisServer({ persist: true })
  try {
    const store = { type: 'redis', redis: { addr: redis.addr }, ...storeConfig }
    await using product = await startProduct({ config: { session_store: store, ...config } })
    const ada = new Visitor()
    assert.equal((await logIn(ada, `${product.door}/me`)).status, 200)
    await run({ product, redis, ada })
  } finally {
    await redis.close()
  }
}

async function statusOf({ product, ada }: Scene): Promise<number> {
  return (await ada.go(`${product.door}/me`)).status
}

/** Until a login has to wait, which shows that the instance knows of the outage. */
async function noticed({ product }: Scene): Promise<void> {
  await eventually(
    () => new Visitor().go(`${product.door}/.oathkeeper/login?return_to=/me`),
    ({ status }) => status === 503,
    5_000,
  )
}

function residentBytes(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
  return pages * 4096
}

describe('while the store is away', { concurrency: 2 }, () => {
  test('FM-04, FM-05: who is signed in works on for the grace, then it is 503; nobody is logged out', async (t) => {
    await scene(
      async (now) => {
        const { product, redis, ada } = now
        await redis.stop()
        await noticed(now)
        assert.equal(await statusOf(now), 200)
        const late = await eventually(
          () => ada.go(`${product.door}/me`),
          ({ status }) => status !== 200,
          10_000,
        )
        assert.equal(late.status, 503)
        assert.equal(late.headers['retry-after'], '1')
        assert.deepEqual(late.setCookies, [])
        await redis.start()
        const { ms } = await timed(() =>
          eventually(
            () => statusOf(now),
            (status) => status === 200,
            RECOVERED_WITHIN_MS,
          ),
        )
        t.diagnostic(`recovered after ${Math.round(ms)} ms`)
      },
      { outage: { grace: '2s' } },
    )
  })

  test('FM-04: a rule with store_outage: deny is 503 at once, rules without a session do not notice', async () => {
    await scene(
      async (now) => {
        await now.redis.stop()
        await noticed(now)
        assert.equal(await statusOf(now), 503)
        assert.equal((await new Visitor().go(`${now.product.door}/`)).status, 200)
      },
      {},
      {
        authenticators: { anonymous: { enabled: true }, session: { enabled: true, config: { store_outage: 'deny' } } },
      },
    )
  })

  test('FM-04: a login that was begun before is finished when the store is back, in the same window', async () => {
    await scene(async (now) => {
      const { product, redis } = now
      const visitor = new Visitor()
      const signIn = await visitor.follow(`${product.door}/me`)
      await redis.stop()
      await noticed(now)
      const waiting = await visitor.submit(signIn.url, { person: 'ada' })
      assert.equal(waiting.status, 503)
      assert.match(waiting.text, /Signing in has to wait a moment/)
      assert.match(waiting.text, /<meta http-equiv="refresh" content="\d" \/>/)
      await redis.start()
      const arrival = await eventually(
        () => visitor.follow(waiting.url),
        ({ status }) => status !== 503,
        RECOVERED_WITHIN_MS,
      )
      assert.deepEqual([arrival.status, arrival.url], [200, `${product.door}/me`])
    })
  })

  test('FM-04: a logout while the store is away is kept: the copy of the cookie opens nothing, here or after', async () => {
    await scene(async (now) => {
      const { product, redis, ada } = now
      const copy = ada.copy()
      await redis.stop()
      await noticed(now)
      const answer = await ada.submit(`${product.door}/.oathkeeper/logout`, {})
      assert.equal(answer.status, 503)
      assert.equal((await copy.go(`${product.door}/me`, SCRIPT)).status, 401)
      await redis.start()
      await eventually(
        () => new Visitor().go(`${product.door}/.oathkeeper/login?return_to=/me`),
        ({ status }) => status === 302,
        RECOVERED_WITHIN_MS,
      )
      assert.equal((await copy.go(`${product.door}/me`, SCRIPT)).status, 401)
    })
  })

  test('FM-13, FM-14: at load on a store that hangs memory stays flat and nobody waits; then all goes on', async (t) => {
    await scene(
      async (now) => {
        const { product, redis, ada } = now
        const pid = product.instances[0]?.pid ?? 0
        const stranger = ada.copy()
        redis.pause()
        await noticed(now)
        const load = async (requests: number): Promise<void> => {
          for (let sent = 0; sent < requests; sent += 20) {
            const answers = await Promise.all(Array.from({ length: 20 }, () => stranger.go(`${product.door}/me`)))
            for (const { status, setCookies } of answers) {
              assert.equal(status, 503)
              assert.deepEqual(setCookies, [])
            }
          }
        }
        await load(1000)
        const before = residentBytes(pid)
        const { ms } = await timed(() => load(2000))
        const grown = residentBytes(pid) - before
        t.diagnostic(`2000 requests in ${Math.round(ms)} ms, memory ${(grown / 1e6).toFixed(1)} MB more`)
        assert.ok(grown < 30e6, `${grown} bytes more`)
        redis.resume()
        await eventually(
          () => statusOf(now),
          (status) => status === 200,
          RECOVERED_WITHIN_MS,
        )
      },
      { outage: { grace: '0s' } },
    )
  })
})
