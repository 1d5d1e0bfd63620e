import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { logIn, signInWithoutCallback, startProduct } from '../support/product.ts'
import { startRedisServer, type RedisServer } from '../support/redis-server.ts'
import { Visitor } from '../support/visitor.ts'

describe('sessions in Redis', () => {
  let redis: RedisServer
  before(async () => {
    redis = await startRedisServer()
  })
  after(() => redis.close())

  const store = (): Record<string, Record<string, unknown>> => ({
    session_store: { type: 'redis', redis: { addr: redis.addr, ttl: '1h' } },
  })

  test('a restart of Oathkeeper keeps people logged in, and a login under way too', async () => {
    await using product = await startProduct({ config: store() })
    const ada = new Visitor()
    assert.equal((await logIn(ada, `${product.door}/me`)).status, 200)
    const alan = new Visitor()
    const signIn = await alan.follow(`${product.door}/reports?sort=amount`)

    await product.restart(0)
    const answer = await ada.go(`${product.door}/me`)
    assert.equal(answer.status, 200)
    assert.match(answer.text, /Hello, Ada Lovelace/)
    const arrival = await alan.submit(signIn.url, { person: 'alan' })
    assert.deepEqual([arrival.status, arrival.url], [200, `${product.door}/reports?sort=amount`])
  })

  test('a callback that both instances get at the same moment logs in once', async () => {
    await using product = await startProduct({ config: store(), instances: 2 })
    const second = product.instances[1]
    assert.ok(second !== undefined)
    const ada = new Visitor()
    const signIn = await ada.follow(`${product.door}/me`)
    const callback = await signInWithoutCallback(ada, signIn.url)
    const door = new URL(product.door).host
    const visits = Array.from({ length: 10 }, (_, i) => {
      const twin = ada.copy()
      if (i % 2 === 1) twin.route(door, `127.0.0.1:${second.ports.proxy}`)
      return twin.go(callback)
    })
    const statuses = (await Promise.all(visits)).map(({ status }) => status)
    assert.equal(statuses.filter((status) => status === 302 || status === 303).length, 1, statuses.join(' '))
    assert.ok(statuses.every((status) => status < 500))
    assert.equal(product.provider.requests.filter((request) => request === 'POST /token').length, 1)
  })

  test('E-12: nothing in Redis is readable or of use without the cookie, and everything expires', async () => {
    await redis.command('FLUSHALL')
    await using product = await startProduct({ config: store() })
    const ada = new Visitor()
    await logIn(ada, `${product.door}/me`)
    await new Visitor().follow(`${product.door}/me`)
    const ticket = ada.cookie('127.0.0.1', 'oathkeeper') ?? ''
    const keys = (await redis.command('KEYS', '*')) as string[]
    assert.ok(keys.some((key) => key.startsWith('session:')))
    assert.ok(keys.some((key) => key.startsWith('state:')))
    for (const key of keys) {
      const ttl = Number(await redis.command('PTTL', key))
      assert.ok(ttl > 0 && ttl <= 3_600_000, `${key.split(':')[0]} lives for ${ttl} ms`)
      const dump = `${key} ${JSON.stringify(await readAnything(redis, key))}`
      for (const secret of [ticket, 'Lovelace', 'ada@example.com', 'eyJ']) assert.ok(!dump.includes(secret))
      const guess = new Visitor()
      const { status } = await guess.go(`${product.door}/me`, {
        headers: {
          cookie: `oathkeeper=${key.split(':').at(-1) ?? ''}`,
          accept: 'application/json',
          'sec-fetch-mode': 'cors',
        },
      })
      assert.equal(status, 401)
    }
  })
})

async function readAnything(redis: RedisServer, key: string): Promise<unknown> {
  const type = await redis.command('TYPE', key)
  if (type === 'string') return redis.command('GET', key)
  if (type === 'hash') return redis.command('HGETALL', key)
  if (type === 'set') return redis.command('SMEMBERS', key)
  return redis.command('ZRANGE', key, '0', '-1')
}
