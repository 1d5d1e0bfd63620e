// Another server becomes the master: by Sentinel, in a cluster, or because somebody demotes the only one.
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { assertRefused, assertWaits } from '../support/fault-scene.ts'
import { startFailoverScene, watchPeople, type FailoverScene } from '../support/failover-scene.ts'
import { findFreePort } from '../support/ports.ts'
import { tellRecovery } from '../support/recovery.ts'
import { startRedisServer, type RedisServer, type RedisServerOptions } from '../support/redis-server.ts'
import { startRedisCluster, startSentinelSet, type SentinelSet } from '../support/redis-topology.ts'
import { until } from '../support/until.ts'
import { Visitor } from '../support/visitor.ts'

/** Logins resume within this after another master was named. */
const RESUMED_WITHIN_MS = 5_000
/** What the servers themselves need to agree, on a machine that is busy. */
const AGREED_WITHIN_MS = 20_000
const HEALED_WITHIN_MS = 2_000
/** Deadlines for a machine on which a dozen servers have something to do. */
const BUSY = { command: '1s' }
/** For some seconds one that comes back believes that it is the master still. */
const OLD_MASTER_MS = 3_000

async function startSet(t: TestContext, redis: RedisServerOptions = {}): Promise<SentinelSet> {
  const set = await startSentinelSet({ redis })
  t.after(() => set.close())
  return set
}

async function startScene(t: TestContext, set: SentinelSet): Promise<FailoverScene> {
  const addrs = set.addresses.map(({ host, port }) => `${host}:${port}`)
  const scene = await startFailoverScene(t, { redis: { sentinel: { master: set.name, addrs }, timeout: BUSY } })
  await replicated(set)
  return scene
}

/** The replicas have heard of everything. */
async function replicated(set: SentinelSet): Promise<void> {
  const sizes = () => Promise.all(set.servers.map((server) => server.command('DBSIZE')))
  await until(AGREED_WITHIN_MS, async () => assert.equal(new Set(await sizes()).size, 1))
}

/** In the beginning. */
function masterOf({ servers }: SentinelSet): RedisServer {
  const [master] = servers
  assert.ok(master !== undefined)
  return master
}

/** Until the Sentinels name another master. */
async function switched(set: SentinelSet, before: RedisServer): Promise<number> {
  await until(AGREED_WITHIN_MS, async () => assert.notEqual((await set.master()).port, before.port))
  return performance.now()
}

/** Whether an instance of ours is connected. */
async function hasUs(server: RedisServer): Promise<boolean> {
  return String(await server.command('CLIENT', 'LIST')).includes('name=oathkeeper')
}

/** The next login works, and all after it. */
async function assertLoginsResume(scene: FailoverScene, row: string, since: number, note: string): Promise<void> {
  await until(RESUMED_WITHIN_MS, () => scene.logIn())
  tellRecovery(row, performance.now() - since, note)
  for (let i = 0; i < 5; i++) {
    await until(HEALED_WITHIN_MS, async () => {
      assert.equal((await scene.ask(await scene.logIn(), '/strict', 'second')).status, 200)
    })
  }
}

describe('Sentinel', { concurrency: 2 }, () => {
  for (const how of ['the master is killed', 'the master hangs', 'SENTINEL FAILOVER'] as const) {
    test(`FM-07: ${how}: nobody is logged out, and logins resume on the next master`, async (t) => {
      const set = await startSet(t)
      const scene = await startScene(t, set)
      const { ada } = scene
      const stopWatching = watchPeople(scene, [ada])
      const before = masterOf(set)
      if (how === 'SENTINEL FAILOVER') await set.sentinels[0]?.command('SENTINEL', 'FAILOVER', set.name)
      else if (how === 'the master hangs') before.pause()
      else await before.stop()
      t.after(() => before.resume())
      const since = await switched(set, before)
      // One that does not know yet that it was replaced has nobody left who would write to it.
      if (how === 'SENTINEL FAILOVER')
        await until(RESUMED_WITHIN_MS, async () => assert.equal(await hasUs(before), false))
      await assertLoginsResume(scene, 'FM-07', since, `(${how}; a login, after another master was named)`)
      await until(RESUMED_WITHIN_MS, async () => assert.equal((await scene.ask(ada, '/strict')).status, 200))
      assert.equal((await scene.ask(ada, '/me', 'second')).status, 200, 'the next master has the session')
      await stopWatching()
    })
  }

  test('FM-08: the old master comes back with its data: it is neither written to nor believed', async (t) => {
    const set = await startSet(t, { persist: true })
    const scene = await startScene(t, set)
    const { ada } = scene
    const copy = ada.copy()
    const before = masterOf(set)
    await before.stop()
    await switched(set, before)
    await until(RESUMED_WITHIN_MS, () => scene.logIn())
    assert.equal((await scene.ask(copy, '/me', 'second')).status, 200)
    assert.equal((await scene.logOut(ada)).status, 200)
    await before.start()
    const since = performance.now()
    const bob = await scene.logIn()
    tellRecovery('FM-08', performance.now() - since, '(a login, after the old master came back)')
    const stopWatching = watchPeople(scene, [bob])
    while (performance.now() < since + OLD_MASTER_MS) {
      for (const instance of [undefined, 'second'] as const) {
        assert.equal((await scene.ask(copy, '/me', instance)).status, 401, 'what was ended stays ended')
      }
      assert.equal((await scene.ask(await scene.logIn(), '/strict', 'second')).status, 200)
      assert.equal(await hasUs(before), false)
    }
    await stopWatching()
  })

  test('FM-10: a logout that the failover lost holds where it was made, and is told to the next master', async (t) => {
    const set = await startSet(t)
    const scene = await startScene(t, set)
    const { ada } = scene
    const copy = ada.copy()
    const before = masterOf(set)
    const letGoOn = await set.cutOffReplicas(before)
    t.after(letGoOn)
    assert.equal((await scene.logOut(ada)).status, 200)
    await before.stop()
    letGoOn()
    const since = await switched(set, before)
    await assertLoginsResume(scene, 'FM-10', since, '(a login, after another master was named)')
    for (let i = 0; i < 5; i++) assert.equal((await scene.ask(copy, '/me')).status, 401)
    // It is told again to the next master, and so to all.
    await until(HEALED_WITHIN_MS, async () => assert.equal((await scene.ask(copy, '/me', 'second')).status, 401))
  })
})

test('FM-09: the only server is made a replica: sessions are read, what is written waits, all is well when it is mended', async (t) => {
  const redis = await startRedisServer()
  t.after(() => redis.close())
  const scene = await startFailoverScene(t, { redis: { addr: redis.addr }, near_cache: { enabled: false } })
  const { product, ada } = scene
  const bob = await scene.logIn()
  const copy = bob.copy()
  const stopWatching = watchPeople(scene, [ada], true)
  await redis.command('REPLICAOF', '127.0.0.1', String(await findFreePort()))
  const login = () => new Visitor().go(`${product.door}/.oathkeeper/login?return_to=/me`)
  for (let i = 0; i < 3; i++) {
    assertWaits(await login(), 'Signing in has to wait a moment')
    await until(HEALED_WITHIN_MS, async () => assert.equal((await scene.ask(ada, '/strict')).status, 200))
  }
  assert.equal((await scene.logOut(bob)).status, 503, 'it never claims success')
  await until(HEALED_WITHIN_MS, async () => assert.equal((await scene.ask(copy, '/me')).status, 401))
  assert.match(product.log(), /it is a read-only replica: set session_store\.redis\.addr to the master/)
  await redis.command('REPLICAOF', 'NO', 'ONE')
  const since = performance.now()
  await until(HEALED_WITHIN_MS, () => scene.logIn())
  tellRecovery('FM-09', performance.now() - since, '(a login)')
  await until(HEALED_WITHIN_MS, async () => assert.equal((await scene.ask(copy, '/me', 'second')).status, 401))
  await stopWatching()
  assert.equal((await scene.ask(ada, '/me', 'second')).status, 200)
})

test('FM-11: a master of a cluster is killed: its people are bridged, the others do not notice, its replica takes over', async (t) => {
  const cluster = await startRedisCluster(1)
  t.after(() => cluster.close())
  const addrs = cluster.addresses.map(({ host, port }) => `${host}:${port}`)
  const scene = await startFailoverScene(t, { redis: { cluster: { addrs }, timeout: BUSY } })
  const people = [scene.ada, ...(await Promise.all(Array.from({ length: 11 }, () => scene.logIn())))]
  for (const person of people) assert.equal((await scene.ask(person, '/strict')).status, 200)
  const [killed, other] = cluster.masters
  const stopWatching = watchPeople(scene, people)
  await killed?.stop()
  const stateOf = async () => String(await other?.command('CLUSTER', 'INFO'))
  await until(AGREED_WITHIN_MS, async () => assert.match(await stateOf(), /cluster_state:fail/))
  for (const person of people) assert.equal((await scene.ask(person, '/me')).status, 200)
  assertRefused(await scene.ask(scene.ada, '/me', 'second'))
  await until(AGREED_WITHIN_MS, async () => assert.match(await stateOf(), /cluster_state:ok/))
  const since = performance.now()
  for (const person of people) {
    await until(HEALED_WITHIN_MS, async () => assert.equal((await scene.ask(person, '/strict', 'second')).status, 200))
    await until(HEALED_WITHIN_MS, async () => assert.equal((await scene.ask(person, '/strict')).status, 200))
  }
  tellRecovery('FM-11', performance.now() - since, '(all sessions, after a replica took over in a cluster)')
  for (let i = 0; i < 12; i++) await scene.logIn()
  await stopWatching()
})
