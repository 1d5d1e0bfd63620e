import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { redisOptions, withPassword } from '../../test/support/redis-options.ts'
import { startRedisServer, type RedisServer } from '../../test/support/redis-server.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { silentLogger } from '../kernel/logger.ts'
import { createSessionStore } from './factory.ts'
import type { RedisStoreOptions } from './redis.ts'

let redis: RedisServer
before(async () => {
  redis = await startRedisServer()
})
after(() => redis.close())

const clock = createTestClock(Date.parse('2026-05-04T10:00:00Z'))

async function setUp(changes: Partial<RedisStoreOptions> = {}) {
  const options = redisOptions(redis, { migrateForkSessions: true, ...changes })
  const { store, takeForkSession } = await createSessionStore(
    { type: 'redis', redis: options },
    { clock, logger: silentLogger },
  )
  await store.start()
  return { store, take: takeForkSession, [Symbol.asyncDispose]: () => store.close() }
}

/** As the fork writes one. */
async function seed(changes: Readonly<Record<string, unknown>> = {}, prefix = 'session:'): Promise<string> {
  const id = randomBytes(16).toString('hex')
  const record = {
    ID: id,
    Username: 'ada@example.com',
    Sub: 'id-of-ada',
    ExpiresAt: '2026-05-04T12:30:00.123456789+02:00',
    IssuedAt: '2026-05-04T11:30:00.123456789+02:00',
    AccessToken: 'an.access.token',
    IDToken: 'an.id.token',
    CodeVerifier: '',
    ...changes,
  }
  await redis.command('SET', prefix + id, JSON.stringify(record), 'PX', '3600000')
  return id
}

const SESSION = {
  subject: 'id-of-ada',
  username: 'ada@example.com',
  accessToken: 'an.access.token',
  idToken: 'an.id.token',
  expiresAt: Date.parse('2026-05-04T10:30:00.123Z'),
}

test('a session of the fork is read by its id, once, and is gone then', async () => {
  await using s = await setUp()
  const id = await seed()
  assert.deepEqual(await s.take?.(id), SESSION)
  assert.equal(await s.take?.(id), undefined)
  assert.equal(await redis.command('EXISTS', `session:${id}`), 0)
})

test('of many who take it at once one gets it', async () => {
  await using s = await setUp()
  const id = await seed()
  const taken = await Promise.all(Array.from({ length: 20 }, () => s.take?.(id)))
  assert.equal(taken.filter((one) => one !== undefined).length, 1)
})

test('the configured prefix counts, and the one that a form of the fork always has', async () => {
  await using s = await setUp({ sessionPrefix: 'mine:s:', statePrefix: 'mine:t:' })
  assert.deepEqual(await s.take?.(await seed({}, 'mine:s:')), SESSION)
  assert.deepEqual(await s.take?.(await seed({}, 'session:')), SESSION)
})

test('a session of the fork that is over is none, even where Redis still has it', async () => {
  await using s = await setUp()
  assert.equal(await s.take?.(await seed({ ExpiresAt: '2026-05-04T09:59:59Z' })), undefined)
})

test('V-075: a record of another id, without a token, or that cannot be read is no session', async () => {
  await using s = await setUp()
  for (const changes of [
    { ID: randomBytes(16).toString('hex') },
    { AccessToken: '' },
    { Sub: 7 },
    { ExpiresAt: 'soon' },
  ]) {
    assert.equal(await s.take?.(await seed(changes)), undefined, JSON.stringify(changes))
  }
  const id = randomBytes(16).toString('hex')
  for (const value of ['', 'not JSON', '[]', 'null', `${'['.repeat(10_000)}`]) {
    await redis.command('SET', `session:${id}`, value)
    assert.equal(await s.take?.(id), undefined, value.slice(0, 20))
  }
  await redis.command('RPUSH', `session:${id}`, 'a list')
  assert.equal(await s.take?.(id), undefined)
})

test('E-10: what is no id of the fork is not asked for; none of our own keys can be', async () => {
  await using s = await setUp()
  await s.store.createSession('k'.repeat(43), randomBytes(10), clock.now() + 60_000, { subject: 'x' })
  for (const id of ['', '*', 'subject:x', 'k'.repeat(43), 'A'.repeat(32), `${'a'.repeat(32)}\n`]) {
    assert.equal(await s.take?.(id), undefined, id)
  }
  assert.notEqual(await s.store.getSession('k'.repeat(43)), undefined)
})

test('unless the configuration says so, nothing is taken over', async () => {
  await using s = await setUp({ migrateForkSessions: false })
  assert.equal(s.take, undefined)
})

test('a store that cannot be asked is not the same as no session', async () => {
  await using s = await setUp()
  const id = await seed()
  redis.pause()
  try {
    await assert.rejects(async () => s.take?.(id), { code: 'ERR_SESSION_STORE_UNAVAILABLE' })
  } finally {
    redis.resume()
  }
})

test('a user of Redis who may touch our own prefix alone asks for nothing else, and that is no failure', async () => {
  const rules = ['on', '>pass', 'resetkeys', '~mine:*', '+@all']
  await redis.command('ACL', 'SETUSER', 'narrow', ...rules)
  await using s = await setUp({ sessionPrefix: 'mine:s:', statePrefix: 'mine:t:', ...withPassword('pass', 'narrow') })
  assert.equal(await s.take?.(randomBytes(16).toString('hex')), undefined)
  assert.deepEqual(await s.take?.(await seed({}, 'mine:s:')), SESSION)
})
