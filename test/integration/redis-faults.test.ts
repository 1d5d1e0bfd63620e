import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { createClient } from '@redis/client'
import { eventually, fastest } from '../support/eventually.ts'
import { logIn, startProduct, type Product, type ProductOptions } from '../support/product.ts'
import { startRedisServer, type RedisServer, type RedisServerOptions } from '../support/redis-server.ts'
import { Visitor, type Answer } from '../support/visitor.ts'

/** A request that needs the store is answered within this, whatever the store does. */
const ANSWER_WITHIN_MS = 1000
/** Readiness follows the store within this, both ways; sessions work again within it. */
const NOTICED_WITHIN_MS = 2000

interface Scene {
  readonly product: Product
  readonly redis: RedisServer
  /** Logged in. */
  readonly ada: Visitor
}

/** Oathkeeper with Redis and one person logged in. */
async function scene(
  run: (scene: Scene) => Promise<void>,
  redisOptions: RedisServerOptions = {},
  redisConfig: Record<string, unknown> = {},
): Promise<void> {
  const redis = await startRedisServer(redisOptions)
  try {
    await using product = await startProduct(withRedis(redis, redisConfig))
    const ada = new Visitor()
    assert.equal((await logIn(ada, `${product.door}/me`)).status, 200)
    await run({ product, redis, ada })
  } finally {
    await redis.close()
  }
}

/** Without the near cache, which would answer for the store: what it does is in store-outage.test.ts. */
function withRedis(redis: { readonly addr: string }, more: Record<string, unknown> = {}): ProductOptions {
  const store = { type: 'redis', redis: { addr: redis.addr, ...more }, near_cache: { enabled: false } }
  return { config: { session_store: store } }
}

/** What everyone gets who needs the store while it cannot be asked. */
function checkUnavailable(answer: Answer): void {
  assert.equal(answer.status, 503)
  assert.ok(Number(answer.headers['retry-after']) >= 1, 'says when to come again')
  assert.deepEqual(answer.setCookies, [], 'leaves the cookie alone')
  assert.equal(answer.headers['location'], undefined)
}

function isReady(product: Product): Promise<boolean> {
  return fetch(`${product.instances[0]?.apiUrl ?? ''}/health/ready`).then(({ ok }) => ok)
}

describe('while Oathkeeper runs', { concurrency: 2 }, () => {
  test('FM-04, FM-05: Redis that stops is 503 and logs nobody out; when it is back, sessions go on', async () => {
    await scene(
      async ({ product, redis, ada }) => {
        await redis.stop()
        const tookMs = await fastest(3, async () => checkUnavailable(await ada.go(`${product.door}/me`)))
        assert.ok(tookMs < ANSWER_WITHIN_MS, `took ${tookMs} ms`)

        const guest = await new Visitor().go(`${product.door}/`)
        assert.equal(guest.status, 200, 'rules without a session do not notice')
        const login = await new Visitor().go(`${product.door}/.oathkeeper/login?return_to=/me`)
        checkUnavailable(login)

        await eventually(
          () => isReady(product),
          (ready) => !ready,
          NOTICED_WITHIN_MS,
        )
        const health = await fetch(`${product.instances[0]?.apiUrl ?? ''}/health/ready`)
        assert.equal(health.status, 503)
        assert.match(await health.text(), /session.?store|redis/i)

        await redis.start()
        const again = await eventually(
          () => ada.go(`${product.door}/me`),
          ({ status }) => status === 200,
          NOTICED_WITHIN_MS,
        )
        assert.match(again.text, /Hello, Ada Lovelace/)
        await eventually(() => isReady(product), Boolean, NOTICED_WITHIN_MS)
      },
      { persist: true },
    )
  })

  test('FM-14: a paused Redis is answered for in time, and sessions go on when it wakes up', async () => {
    await scene(async ({ product, redis, ada }) => {
      redis.pause()
      const oneMs = await fastest(3, async () => checkUnavailable(await ada.go(`${product.door}/me`)))
      assert.ok(oneMs < ANSWER_WITHIN_MS, `took ${oneMs} ms`)
      const manyMs = await fastest(3, async () => {
        const answers = await Promise.all(Array.from({ length: 50 }, () => ada.go(`${product.door}/me`)))
        for (const answer of answers) checkUnavailable(answer)
      })
      assert.ok(manyMs < ANSWER_WITHIN_MS, `fifty at once took ${manyMs} ms`)
      assert.equal((await new Visitor().go(`${product.door}/`)).status, 200)

      redis.resume()
      await eventually(
        () => ada.go(`${product.door}/me`),
        ({ status }) => status === 200,
        NOTICED_WITHIN_MS,
      )
    })
  })

  test('FM-06: Redis that comes back empty means logging in again, and nothing comes back from anywhere', async () => {
    await scene(async ({ product, redis, ada }) => {
      await redis.stop()
      checkUnavailable(await ada.go(`${product.door}/me`))
      await redis.start()
      const answer = await eventually(
        () => ada.go(`${product.door}/me`),
        ({ status }) => status !== 503,
        NOTICED_WITHIN_MS,
      )
      assert.equal(answer.status, 302)
      // The provider still knows the person: the login passes through without a click.
      assert.equal((await ada.follow(`${product.door}/me`)).status, 200)
    })
  })

  test('FM-21: after FLUSHALL everyone logs in again', async () => {
    await scene(async ({ product, redis, ada }) => {
      await redis.command('FLUSHALL')
      const script = await ada.go(`${product.door}/me`, {
        headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' },
      })
      assert.equal(script.status, 401)
      assert.equal((await ada.follow(`${product.door}/me`)).status, 200)
    })
  })

  test('FM-20: a password that changes under a running Oathkeeper is 503 until it is right again', async () => {
    await scene(
      async ({ product, redis, ada }) => {
        await redis.command('CONFIG', 'SET', 'requirepass', 'another-password')
        await dropConnections(redis, 'another-password')
        const answer = await eventually(
          () => ada.go(`${product.door}/me`),
          ({ status }) => status === 503,
          NOTICED_WITHIN_MS,
        )
        checkUnavailable(answer)
        const instance = product.instances[0]
        assert.ok(instance !== undefined)
        assert.doesNotMatch(instance.log(), /first-password|another-password/)

        // The operator writes the new one into the configuration: nobody restarts anything, nobody logs in again.
        writeFileSync(
          instance.configFile,
          readFileSync(instance.configFile, 'utf8').replace('first-password', 'another-password'),
        )
        await eventually(
          () => ada.go(`${product.door}/me`),
          ({ status }) => status === 200,
          2 * NOTICED_WITHIN_MS,
        )
        assert.doesNotMatch(instance.log(), /first-password|another-password|session_store takes effect/)
      },
      { password: 'first-password' },
      { password: 'first-password' },
    )
  })

  test('FM-20: a password that is rotated before the old one goes is taken by the connection that is open', async () => {
    await scene(
      async ({ product, redis, ada }) => {
        await redis.command('ACL', 'SETUSER', 'default', '>second-password')
        const instance = product.instances[0]
        assert.ok(instance !== undefined)
        const config = readFileSync(instance.configFile, 'utf8')
        writeFileSync(instance.configFile, config.replace('first-password', 'second-password'))
        await eventually(
          () => instance.log(),
          (log) => log.includes('changed credentials of the session store are in use'),
          NOTICED_WITHIN_MS,
        )
        writeFileSync(instance.configFile, config.replace('first-password', 'mistaken-password'))
        await eventually(
          () => instance.log(),
          (log) => log.includes('changed credentials of the session store are refused'),
          NOTICED_WITHIN_MS,
        )
        assert.equal((await ada.go(`${product.door}/me`)).status, 200)
        assert.doesNotMatch(instance.log(), /(first|second|mistaken)-password/)
      },
      { password: 'first-password' },
      { password: 'first-password' },
    )
  })

  test('FM-04: a logout while Redis is away never claims success, and this instance keeps it ended', async () => {
    await scene(
      async ({ product, redis, ada }) => {
        const copy = ada.copy()
        await redis.stop()
        const answer = await ada.go(`${product.door}/.oathkeeper/logout`, {
          method: 'POST',
          headers: { origin: product.door, 'sec-fetch-site': 'same-origin' },
        })
        assert.equal(answer.status, 503)
        await redis.start()
        const replayed = await eventually(
          () => copy.go(`${product.door}/me`, { headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' } }),
          ({ status }) => status !== 503,
          NOTICED_WITHIN_MS,
        )
        assert.equal(replayed.status, 401)
      },
      { persist: true },
    )
  })
})

describe('at start', { concurrency: 2 }, () => {
  const brief = { start_timeout: '1s' }

  test('FM-01: Redis that is not there ends the start with the address and what to check', async () => {
    const redis = await startRedisServer()
    await redis.close()
    const { code, log } = await refusedStart(withRedis(redis, { ...brief, password: 'never-printed' }))
    assert.equal(code, 1)
    assert.ok(log.includes(redis.addr), log)
    assert.doesNotMatch(log, /never-printed/)
  })

  test('FM-01: Redis that comes up within start_timeout is waited for', async () => {
    const redis = await startRedisServer()
    await redis.stop()
    const starting = startProduct(withRedis(redis, { start_timeout: '20s' }))
    await redis.start()
    await using product = await starting
    assert.equal((await logIn(new Visitor(), `${product.door}/me`)).status, 200)
    await redis.close()
  })

  test('FM-02: a wrong password ends the start and says so, without the password', async () => {
    const redis = await startRedisServer({ password: 'the-right-one' })
    const { code, log } = await refusedStart(withRedis(redis, { ...brief, password: 'the-wrong-one' }))
    await redis.close()
    assert.equal(code, 1)
    assert.match(log, /password/i)
    assert.ok(!log.includes('the-wrong-one') && !log.includes('the-right-one'))
  })

  test('FM-03: a database that the server does not have ends the start and says so', async () => {
    const redis = await startRedisServer({ databases: 4 })
    const { code, log } = await refusedStart(withRedis(redis, { ...brief, db: 9 }))
    await redis.close()
    assert.equal(code, 1)
    assert.match(log, /database|session_store\.redis\.db/i)
  })

  test('FM-03: a user who may not do what we need ends the start and says which command', async () => {
    const redis = await startRedisServer()
    await redis.command('ACL', 'SETUSER', 'default', '-getdel')
    const { code, log } = await refusedStart(withRedis(redis, brief))
    await redis.close()
    assert.equal(code, 1)
    assert.match(log, /getdel/i)
  })
})

/** Starts what must not start. */
async function refusedStart(options: ProductOptions): Promise<{ code: number | null; log: string }> {
  await using product = await startProduct({ ...options, waitForReady: false })
  const instance = product.instances[0]
  assert.ok(instance !== undefined)
  const code = await instance.exited
  return { code, log: instance.log() }
}

/** As the operator who has changed the password. */
async function dropConnections(redis: RedisServer, password: string): Promise<void> {
  const client = createClient({ socket: { host: '127.0.0.1', port: redis.port }, password })
  await client.connect()
  await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'])
  client.destroy()
}
