import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { startRedisInstance, type RedisInstance } from '../../../test/support/redis-instances.ts'
import { redisOptions, withPassword } from '../../../test/support/redis-options.ts'
import { CERT_FILE, startRedisServer, type RedisServer } from '../../../test/support/redis-server.ts'
import { startRedisCluster, type RedisCluster } from '../../../test/support/redis-topology.ts'
import { sessionDraft } from '../../../test/support/session-draft.ts'
import { createTestClock } from '../../../test/support/test-clock.ts'
import { until } from '../../../test/support/until.ts'
import { silentLogger } from '../../kernel/logger.ts'
import { createRedisStore, type RedisStoreOptions } from '../redis.ts'
import { readClusterMap, readRedirection } from './cluster-map.ts'
import { askForMap } from './cluster-view.ts'
import { SLOT_TAGS, slotOf, tagOf } from './slots.ts'

const UNAVAILABLE = { code: 'ERR_SESSION_STORE_UNAVAILABLE', status: 503 }
/** The node timeout of these clusters is 1 s; the rest is the vote. */
const FAILED_OVER_WITHIN_MS = 15_000

async function startInstance(
  t: TestContext,
  { addresses }: RedisCluster,
  redis: Partial<RedisStoreOptions> = {},
): Promise<RedisInstance> {
  const servers = { kind: 'cluster', addresses: addresses.slice(0, 2) } as const
  return await startRedisInstance(t, { clock: createTestClock() }, { redis: { servers, ...redis } })
}

async function startCluster(t: TestContext, replicas = 0): Promise<RedisCluster> {
  const cluster = await startRedisCluster(replicas)
  t.after(() => cluster.close())
  return cluster
}

/** People whose sessions lie on all masters. */
async function logInMany({ manager }: RedisInstance): Promise<string[]> {
  return await Promise.all(
    Array.from({ length: 60 }, async (_, i) => (await manager.create(sessionDraft({ subject: `user-${i}` }))).ticket),
  )
}

async function assertAllKnown({ manager }: RedisInstance, tickets: readonly string[]): Promise<void> {
  for (const [i, ticket] of tickets.entries())
    assert.equal((await manager.open(ticket, 'deny'))?.subject, `user-${i}`, `user-${i}`)
}

test('the slot of a key is what the specification says, and the 64 tags lie evenly over the slots', () => {
  assert.equal(slotOf('123456789'), 12_739)
  assert.equal(slotOf('{user1000}.following'), slotOf('user1000'))
  assert.equal(slotOf('foo{}{bar}'), slotOf('foo{}{bar}x'.slice(0, -1)))
  assert.equal(slotOf('foo{{bar}}zap'), slotOf('{bar'))
  assert.deepEqual(
    SLOT_TAGS.map((tag) => Math.floor(slotOf(tag) / 256)),
    Array.from({ length: 64 }, (_, i) => i),
  )
  const used = new Set(Array.from({ length: 2000 }, (_, i) => tagOf(`key-${i}`)))
  assert.equal(used.size, 64)
})

/** As CLUSTER SLOTS has it. */
function entryOf(host: string | null, more = {}) {
  return [host === null ? null : Buffer.from(host), 6379, 'id', more]
}

test('the map of a cluster calls nodes as they want to be called, and the one that was asked by the name that was used', () => {
  const asked = { host: 'seed.example.com', port: 7000 }
  for (const [entry, host] of [
    [entryOf('10.0.0.1'), '10.0.0.1'],
    [entryOf('redis-1.example.com', { ip: Buffer.from('10.0.0.1') }), 'redis-1.example.com'],
    [entryOf('?', { ip: Buffer.from('10.0.0.1') }), '10.0.0.1'],
    [entryOf('::1'), '::1'],
    [entryOf('?'), asked.host],
    [entryOf(''), asked.host],
    [entryOf(null), asked.host],
  ] as const) {
    const map = readClusterMap([[0, 16_383, entry]], asked)
    assert.deepEqual([...map.masters.values()], [{ host, port: 6379 }])
    assert.equal(map.isWhole, true)
  }
  assert.equal(readClusterMap([[0, 16_382, entryOf('10.0.0.1')]], asked).isWhole, false)
  assert.deepEqual(readRedirection('MOVED 3999 ::1:6380', asked), { slot: 3999, address: { host: '::1', port: 6380 } })
  assert.deepEqual(readRedirection('ASK 7 :6380', asked), { slot: 7, address: { host: asked.host, port: 6380 } })
  assert.equal(readRedirection('MOVED __proto__ 127.0.0.1:1', asked), undefined)
})

/** One whose map has a single master. */
function nodeThatSays(host: string, info: string) {
  return {
    isConnected: true,
    target: { address: { host, port: 6379 }, db: 0, key: 'cluster', tls: false } as const,
    sendRaw: async ([, what]: readonly unknown[]) => (what === 'INFO' ? info : [[0, 16_383, [host, 6379]]]),
  }
}

test('a node that was cut off from the others is not believed about who has what', async () => {
  const cutOff = nodeThatSays('old', 'cluster_state:fail\r\ncluster_current_epoch:9\r\n')
  const behind = nodeThatSays('old', 'cluster_state:ok\r\ncluster_current_epoch:8\r\n')
  const ahead = nodeThatSays('new', 'cluster_state:ok\r\ncluster_current_epoch:9\r\n')
  for (let i = 0; i < 20; i++) {
    assert.equal((await askForMap([cutOff, behind, ahead]))?.owners[0], 'new:6379')
    assert.equal((await askForMap([{ ...ahead, isConnected: false }, cutOff]))?.owners[0], 'old:6379')
  }
  assert.equal(await askForMap([{ ...ahead, sendRaw: () => Promise.reject(new Error('gone')) }]), undefined)
})

describe('Redis Cluster', { concurrency: 3 }, () => {
  test('sessions lie on all masters in equal parts, and those of one person are found together', async (t) => {
    const cluster = await startCluster(t)
    // With no more permissions than the documentation asks for.
    const documentation = await readFile(join(import.meta.dirname, '../../../docs/redis.md'), 'utf8')
    const [, rules = ''] = /^ {4}user oathkeeper (on .*)$/m.exec(documentation) ?? []
    const [, more = ''] = /^In a cluster `([^`]*)` besides/m.exec(documentation) ?? []
    for (const master of cluster.masters)
      await master.command('ACL', 'SETUSER', 'oathkeeper', ...rules.split(' '), ...more.split(' '))
    const options = { commandTimeoutMs: 5_000, ...withPassword('password', 'oathkeeper') }
    const { store } = await startInstance(t, cluster, options)
    const end = Date.now() + 3_600_000
    const index = { subject: 'alice' }
    const keys = Array.from({ length: 600 }, (_, i) => `key-${i}`)
    await Promise.all(keys.map((key) => store.createSession(key, Buffer.from(key), end, index)))
    for (const master of cluster.masters) {
      const size = Number(await master.command('DBSIZE'))
      assert.ok(size > 150 && size < 280, `${size} keys`)
    }
    assert.deepEqual((await store.findSessions(index)).toSorted(), keys.toSorted())
    for (const key of keys) await store.deleteSession(key)
    for (const master of cluster.masters) assert.equal(await master.command('DBSIZE'), 0)
  })

  test('E-08: a session that one instance ends is refused by another at once, on whichever node it lies', async (t) => {
    const cluster = await startCluster(t)
    const [one, two] = [await startInstance(t, cluster), await startInstance(t, cluster)]
    const lags: number[] = []
    for (let i = 0; i < 20; i++) {
      const { ticket } = await one.manager.create(sessionDraft())
      assert.equal(await two.subjectOf(ticket), 'alice')
      assert.ok(!(two.manager.open(ticket) instanceof Promise), 'from the near cache')
      await one.manager.end(ticket, 'logout')
      lags.push(await until(1000, async () => assert.equal(await two.subjectOf(ticket), undefined)))
    }
    t.diagnostic(`seen after ${lags.toSorted((a, b) => a - b)[10]?.toFixed(1)} ms (median)`)
  })

  test('FM-11: a master dies: the others go on, its people are bridged, and its replica takes over', async (t) => {
    const cluster = await startCluster(t, 1)
    const instance = await startInstance(t, cluster)
    const tickets = await logInMany(instance)
    await assertAllKnown(instance, tickets)
    for (const replica of cluster.replicas)
      await until(5000, async () =>
        assert.match(String(await replica.command('INFO', 'replication')), /slave_read_repl_offset:(?!0)/),
      )
    await cluster.masters[0]?.stop()
    await until(5000, () => assert.rejects(async () => await instance.store.ping()))
    const begun = performance.now()
    for (const [i, ticket] of tickets.entries()) assert.equal(await instance.subjectOf(ticket), `user-${i}`)
    await until(FAILED_OVER_WITHIN_MS, () => instance.store.ping())
    await until(2000, async () => await assertAllKnown(instance, tickets))
    t.diagnostic(`all sessions again after ${Math.round(performance.now() - begun)} ms`)
    await until(2000, async () => void (await logInMany(instance)))
  })

  test('FM-11: a slot that moves while it is used: ASK and MOVED are followed, its sessions are read all the time', async (t) => {
    const cluster = await startCluster(t)
    const [from, to] = cluster.masters
    assert.ok(from !== undefined && to !== undefined)
    const { store } = await startInstance(t, cluster)
    const slot = slotOf(SLOT_TAGS[3] ?? '')
    const keys = Array.from({ length: 5000 }, (_, i) => `key-${i}`).filter((key) => tagOf(key) === SLOT_TAGS[3])
    assert.ok(keys.length > 20)
    const end = Date.now() + 3_600_000
    const create = async (key: string) =>
      await store.createSession(key, Buffer.from(key), end, { subject: `subject of ${key}` })
    for (const key of keys.slice(0, 10)) assert.equal(await create(key), true)

    const [fromId, toId] = await Promise.all(
      [from, to].map(async (node) => String(await node.command('CLUSTER', 'MYID'))),
    )
    await to.command('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', fromId ?? '')
    await from.command('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', toId ?? '')
    // A step touches several keys, which Redis does not do in two places: logins into this slot wait for the end of it.
    await assert.rejects(create(keys[10] ?? ''), UNAVAILABLE)
    const names = (await from.command('CLUSTER', 'GETKEYSINSLOT', String(slot), '1000')) as string[]
    const migrate = (moved: readonly string[]) =>
      from.command('MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...moved)
    await migrate(names.filter((name) => !name.includes('subject')).slice(0, 5))
    for (const key of keys.slice(0, 10)) {
      const record = await store.getSession(key)
      assert.equal(Buffer.from(record?.value ?? []).toString(), key)
    }
    const watched = await Promise.all(keys.slice(0, 10).map((key) => store.getSession(key)))
    assert.equal(watched.filter((record) => record?.watch === undefined).length, 5, 'on its way nobody vouches for it')
    await migrate((await from.command('CLUSTER', 'GETKEYSINSLOT', String(slot), '1000')) as string[])
    for (const key of keys.slice(0, 10)) assert.equal(await store.updateSession(key, Buffer.from('2'), end, 1), true)
    for (const node of [to, from, ...cluster.masters.slice(2)]) {
      await node.command('CLUSTER', 'SETSLOT', String(slot), 'NODE', toId ?? '')
    }
    for (const key of keys.slice(0, 10)) assert.equal((await store.getSession(key))?.version, 2)
    assert.equal(await create(keys[10] ?? ''), true)
    await until(5000, async () => assert.notEqual((await store.getSession(keys[0] ?? ''))?.watch, undefined))
    for (const key of keys.slice(0, 11)) assert.equal(await store.deleteSession(key), true)
  })

  test('over TLS, with names for the nodes: sessions on all of them', async (t) => {
    const names = ['--cluster-announce-hostname', 'localhost', '--cluster-preferred-endpoint-type', 'hostname']
    const cluster = await startRedisCluster(0, { tls: 'server', args: names })
    t.after(() => cluster.close())
    assert.match(String(await cluster.masters[0]?.command('CLUSTER', 'SLOTS')), /localhost/)
    const tls = { caFile: CERT_FILE, certFile: undefined, keyFile: undefined, serverName: undefined }
    const instance = await startInstance(t, cluster, { tls })
    await assertAllKnown(instance, await logInMany(instance))
  })

  test('a node that sends many people on is asked for the map once, and nobody waits', async (t) => {
    const cluster = await startCluster(t)
    const [from, to] = cluster.masters
    assert.ok(from !== undefined && to !== undefined)
    const { store } = await startInstance(t, cluster, { commandTimeoutMs: 5_000 })
    const slot = slotOf(SLOT_TAGS[3] ?? '')
    const keys = Array.from({ length: 30_000 }, (_, i) => `key-${i}`).filter((key) => tagOf(key) === SLOT_TAGS[3])
    await cluster.masters[0]?.command('CONFIG', 'RESETSTAT')
    const id = String(await to.command('CLUSTER', 'MYID'))
    for (const node of [to, ...cluster.masters]) await node.command('CLUSTER', 'SETSLOT', String(slot), 'NODE', id)
    const answers = await Promise.all(keys.map((key) => store.getSession(key)))
    assert.ok(answers.length > 300 && answers.every((answer) => answer === undefined))
    const asked = await Promise.all(cluster.masters.map((node) => node.command('INFO', 'commandstats')))
    const calls = /cmdstat_cluster\|slots:calls=(\d+)/.exec(asked.join())?.[1]
    assert.ok(Number(calls ?? 0) <= 12, `${calls} calls`)
  })

  test('FM-11: while slots have no master it is 503 for all, and all is well within 2 s of their return', async (t) => {
    const cluster = await startCluster(t)
    const rig = { clock: createTestClock() }
    const redis = { servers: { kind: 'cluster', addresses: cluster.addresses } } as const
    const instance = await startRedisInstance(t, rig, { redis, manager: { nearCache: undefined } })
    const tickets = await logInMany(instance)
    const [, lost] = cluster.masters
    lost?.pause()
    t.after(() => lost?.resume())
    await until(10_000, async () =>
      assert.match(String(await cluster.masters[0]?.command('CLUSTER', 'INFO')), /state:fail/),
    )
    for (const ticket of tickets)
      await assert.rejects(async () => await instance.manager.open(ticket, 'deny'), UNAVAILABLE)
    await assert.rejects(instance.manager.create(sessionDraft()), UNAVAILABLE)
    lost?.resume()
    await until(15_000, async () =>
      assert.match(String(await cluster.masters[0]?.command('CLUSTER', 'INFO')), /state:ok/),
    )
    const recovery = await until(2000, async () => await assertAllKnown(instance, tickets))
    t.diagnostic(`recovered ${Math.round(recovery)} ms after the cluster`)
  })

  test('FM-03: a permission that one of the nodes does not give ends the start with its address and the command', async (t) => {
    const cluster = await startCluster(t)
    const [, , third] = cluster.masters
    await third?.command('ACL', 'SETUSER', 'default', '-zadd')
    assert.match(
      await problemOf({ kind: 'cluster', addresses: cluster.addresses }),
      new RegExp(`Redis at 127\\.0\\.0\\.1:${third?.port}: the user may not .* \\(it is denied the command ZADD\\)`),
    )
  })

  test('what cannot work ends the start with one sentence', async (t) => {
    const [alone, single] = await Promise.all([
      startRedisServer({ args: ['--cluster-enabled', 'yes'] }),
      startRedisServer(),
    ])
    t.after(() => Promise.all([alone.close(), single.close()]))
    assert.match(
      await problemOf({ kind: 'cluster', addresses: [at(alone)] }),
      /^Error: Redis: the cluster is down, or some of its slots/,
    )
    assert.match(
      await problemOf({ kind: 'cluster', addresses: [at(single)] }),
      /Redis at 127\.0\.0\.1:\d+: it is not in cluster mode: give its address in session_store\.redis\.addr instead of session_store\.redis\.cluster\.addrs/,
    )
    assert.match(
      await problemOf({ kind: 'single', address: at(alone), key: 'addr' }),
      /is a node of a Redis Cluster, which session_store\.redis\.addr cannot reach: give addresses of its nodes in session_store\.redis\.cluster/,
    )
    assert.match(
      await problemOf({ kind: 'cluster', addresses: [{ host: '127.0.0.1', port: 1 }] }),
      /Redis at 127\.0\.0\.1:1: connection refused: .* session_store\.redis\.cluster\.addrs has the right host and port/,
    )
  })
})

function at({ port }: RedisServer) {
  return { host: '127.0.0.1', port }
}

async function problemOf(servers: RedisStoreOptions['servers']): Promise<string> {
  const options = redisOptions({ port: 1 }, { servers, startTimeoutMs: 0 })
  const store = createRedisStore(options, createTestClock(), silentLogger)
  const problem = await store.start().then(() => 'it started', String)
  await store.close()
  return problem
}
