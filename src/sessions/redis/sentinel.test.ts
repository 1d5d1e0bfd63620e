import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { startRedisInstance, type RedisInstance } from '../../../test/support/redis-instances.ts'
import { redisOptions, sentinelServers } from '../../../test/support/redis-options.ts'
import { CERT_FILE, startRedisServer, type RedisServer } from '../../../test/support/redis-server.ts'
import { startSentinelSet, type SentinelSet } from '../../../test/support/redis-topology.ts'
import { sessionDraft } from '../../../test/support/session-draft.ts'
import { createTestClock } from '../../../test/support/test-clock.ts'
import { until } from '../../../test/support/until.ts'
import { silentLogger } from '../../kernel/logger.ts'
import { createRedisStore, type RedisStoreOptions } from '../redis.ts'

/** From the word of the Sentinels that another one is the master, to a login that works. */
const RESUMED_WITHIN_MS = 5_000
const FAILED_OVER_WITHIN_MS = 15_000

interface Scene {
  readonly set: SentinelSet
  readonly instances: readonly RedisInstance[]
  readonly logged: string[]
}

async function scene(t: TestContext, instances = 1): Promise<Scene> {
  const set = await startSentinelSet()
  t.after(() => set.close())
  const clock = createTestClock()
  const logged: string[] = []
  const log = (_: unknown, message: string): void => void logged.push(message)
  const logger = { ...silentLogger, warn: log, error: log }
  // Deadlines for a machine on which a dozen servers have something to do.
  const redis = { servers: sentinelServers(set), commandTimeoutMs: 1_000 }
  const started: RedisInstance[] = []
  for (let i = 0; i < instances; i++) started.push(await startRedisInstance(t, { clock }, { redis, logger }))
  return { set, instances: started, logged }
}

async function logIn({ manager }: RedisInstance): Promise<string> {
  const { ticket } = await manager.create(sessionDraft())
  assert.equal((await manager.open(ticket))?.subject, 'alice')
  return ticket
}

/** Somebody logs in, and the replicas have heard of it. */
async function logInEverywhere(set: SentinelSet, instance: RedisInstance): Promise<string> {
  const ticket = await logIn(instance)
  const sizes = () => Promise.all(set.servers.map((server) => server.command('DBSIZE')))
  await until(5000, async () => assert.equal(new Set(await sizes()).size, 1))
  return ticket
}

/** Until the Sentinels name another master than `before`; gives how long it took until a login works after that. */
async function failedOver(
  t: TestContext,
  set: SentinelSet,
  before: RedisServer,
  instance: RedisInstance,
): Promise<void> {
  await until(FAILED_OVER_WITHIN_MS, async () => assert.notEqual((await set.master()).port, before.port))
  const resumed = await until(RESUMED_WITHIN_MS, () => instance.manager.create(sessionDraft()))
  t.diagnostic(`logins resumed ${Math.round(resumed)} ms after the Sentinels had named another master`)
}

async function problemOf(
  servers: RedisStoreOptions['servers'],
  changes: Partial<RedisStoreOptions> = {},
): Promise<string> {
  const options = redisOptions({ port: 1 }, { servers, startTimeoutMs: 0, ...changes })
  const store = createRedisStore(options, createTestClock(), silentLogger)
  const problem = await store.start().then(() => 'it started', String)
  await store.close()
  return problem
}

describe('Redis by Sentinel', { concurrency: 3 }, () => {
  test('FM-07, V-137: a failover that was ordered: writes follow, none stays with the one that was demoted', async (t) => {
    const { set, instances } = await scene(t)
    const [instance] = instances
    assert.ok(instance !== undefined)
    const ticket = await logInEverywhere(set, instance)
    const before = await set.master()
    await set.sentinels[0]?.command('SENTINEL', 'FAILOVER', set.name)
    await failedOver(t, set, before, instance)
    assert.equal(await instance.subjectOf(ticket), 'alice')
    const after = await set.master()
    await until(5000, async () => {
      assert.match(String(await after.command('CLIENT', 'LIST')), /name=oathkeeper/)
      assert.doesNotMatch(String(await before.command('CLIENT', 'LIST')), /name=oathkeeper/)
    })
    // It is listed from its first word on.
    await until(1000, () => logIn(instance))
  })

  test('while all Sentinels are gone and the master is not, everything works, over new connections too', async (t) => {
    const { set, instances, logged } = await scene(t)
    const [instance] = instances
    assert.ok(instance !== undefined)
    const ticket = await logInEverywhere(set, instance)
    const master = await set.master()
    await Promise.all(set.sentinels.map((sentinel) => sentinel.stop()))
    await until(5000, () =>
      assert.ok(logged.includes('no Redis Sentinel answers: the master that is known stays in use')),
    )
    assert.equal((await instance.manager.open(ticket, 'deny'))?.subject, 'alice')
    await master.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await until(5000, () => instance.manager.create(sessionDraft()))
    assert.equal((await instance.manager.open(ticket, 'deny'))?.subject, 'alice')
  })

  test('a Sentinel that was cut off and names the old master is not believed', async (t) => {
    const { set, instances } = await scene(t)
    const [instance] = instances
    assert.ok(instance !== undefined)
    const [cutOff, ...others] = set.sentinels
    const before = await set.master()
    cutOff?.pause()
    t.after(() => cutOff?.resume())
    await others[0]?.command('SENTINEL', 'FAILOVER', set.name)
    await failedOver(t, set, before, instance)
    await Promise.all(others.map((sentinel) => sentinel.stop()))
    // It still thinks that the old one is the master, which by now is a replica.
    cutOff?.resume()
    for (let i = 0; i < 20; i++) {
      await until(RESUMED_WITHIN_MS, () => instance.manager.create(sessionDraft()))
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })

  test('Sentinels and servers over TLS, called by names: a failover is followed to the name of the next master', async (t) => {
    const set = await startSentinelSet({ tls: 'server', host: 'localhost', password: 'of the sentinels' })
    t.after(() => set.close())
    const tls = { caFile: CERT_FILE, certFile: undefined, keyFile: undefined, serverName: undefined }
    const servers = { ...sentinelServers(set, 'of the sentinels'), tls }
    const errors: unknown[] = []
    const logger = { ...silentLogger, warn: (fields: unknown) => void errors.push(fields) }
    const instance = await startRedisInstance(
      t,
      { clock: createTestClock() },
      { redis: { servers, tls, commandTimeoutMs: 1_000 }, logger },
    )
    const ticket = await logInEverywhere(set, instance)
    const before = await set.master()
    await set.sentinels[0]?.command('SENTINEL', 'FAILOVER', set.name)
    await failedOver(t, set, before, instance)
    assert.equal((await instance.manager.open(ticket, 'deny'))?.subject, 'alice')
    const { port } = await set.master()
    const told = { before: `localhost:${before.port}`, now: `localhost:${port}` }
    await until(5000, () => assert.deepEqual(errors.at(-1), told))
  })

  test('what cannot work ends the start with one sentence', async (t) => {
    const set = await startSentinelSet({ password: 'pass-word' })
    t.after(() => set.close())
    const { name, addresses } = set
    assert.match(
      await problemOf(sentinelServers(set)),
      /Redis Sentinel at 127\.0\.0\.1:\d+: it requires a password .*set session_store\.redis\.sentinel\.password/,
    )
    assert.match(
      await problemOf(sentinelServers(set, 'wrong')),
      /ensure that session_store\.redis\.sentinel\.password and username are correct/,
    )
    assert.match(
      await problemOf(sentinelServers({ name: 'another', addresses }, 'pass-word')),
      /it watches no master called "another": check session_store\.redis\.sentinel\.master/,
    )
    const gone = { host: '127.0.0.1', port: 1 }
    assert.match(
      await problemOf(sentinelServers({ name, addresses: [gone] })),
      /Redis Sentinel at 127\.0\.0\.1:1: connection refused: .* session_store\.redis\.sentinel\.addrs has the right host/,
    )
    assert.match(await problemOf(sentinelServers({ name, addresses: [gone, ...addresses] }, 'pass-word')), /it started/)
    const single = await startRedisServer()
    t.after(() => single.close())
    assert.match(
      await problemOf(sentinelServers({ name, addresses: [{ host: '127.0.0.1', port: single.port }] })),
      /Redis Sentinel at 127\.0\.0\.1:\d+: it is no Redis Sentinel: verify that session_store\.redis\.sentinel\.addrs/,
    )
  })

  test('a user of the Sentinels needs no more permissions than docs/redis.md asks for', async (t) => {
    const set = await startSentinelSet()
    t.after(() => set.close())
    const documentation = await readFile(join(import.meta.dirname, '../../../docs/redis.md'), 'utf8')
    const [, rules = ''] = /of Sentinels, where they have users: `([^`]*)`/.exec(documentation) ?? []
    for (const sentinel of set.sentinels) {
      await sentinel.command('ACL', 'SETUSER', 'watcher', 'on', '>secret', '-@all', ...rules.trim().split(/\s+/))
      await sentinel.command('ACL', 'SETUSER', 'default', 'off')
    }
    const servers = sentinelServers(set, 'secret', 'watcher')
    await startRedisInstance(t, { clock: createTestClock() }, { redis: { servers } })
    assert.match(
      await problemOf(sentinelServers(set, 'wrong', 'watcher')),
      /it refused the password: ensure that session_store\.redis\.sentinel\.password and username are correct/,
    )
  })

  test('a Sentinel in the place of a server is told', async (t) => {
    const set = await startSentinelSet()
    t.after(() => set.close())
    const [address] = set.addresses
    assert.ok(address !== undefined)
    for (const changes of [{}, { db: 3 }, { tracking: false }]) {
      assert.match(
        await problemOf({ kind: 'single', address, key: 'addr' }, changes),
        /is a Redis Sentinel and keeps no data: give its address in session_store\.redis\.sentinel\.addrs instead/,
      )
    }
    assert.match(
      await problemOf({ kind: 'cluster', addresses: [address] }),
      /does not know CLUSTER SLOTS: verify that session_store\.redis\.cluster\.addrs names nodes of a Redis Cluster/,
    )
  })
})
