import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startFaultProxy, type FaultProxy } from '../../../test/support/fault-proxy.ts'
import { redisOptions } from '../../../test/support/redis-options.ts'
import { startRedisServer, type RedisServer, type RedisServerOptions } from '../../../test/support/redis-server.ts'
import { sessionDraft } from '../../../test/support/session-draft.ts'
import { createTestClock } from '../../../test/support/test-clock.ts'
import { timed, until } from '../../../test/support/until.ts'
import { silentLogger, type LogFields, type Logger } from '../../kernel/logger.ts'
import { createSessionManager } from '../manager.ts'
import { createRedisStore, type RedisStoreOptions } from '../redis.ts'
import { createLoginStates } from '../states.ts'

const HOUR = 3_600_000
const UNAVAILABLE = { code: 'ERR_SESSION_STORE_UNAVAILABLE', status: 503, headers: [['Retry-After', '1']] }

interface Rig {
  readonly server: RedisServer
  readonly proxy: FaultProxy
  readonly errors: LogFields[]
  readonly warnings: LogFields[]
}

async function startRig(t: TestContext, options: RedisServerOptions = {}): Promise<Rig> {
  const server = await startRedisServer(options)
  const proxy = await startFaultProxy(server.port)
  t.after(async () => {
    await proxy.close()
    await server.close()
  })
  return { server, proxy, errors: [], warnings: [] }
}

/** One instance of ours, behind the proxy. */
async function startInstance(t: TestContext, rig: Rig, changes: Partial<RedisStoreOptions> = {}) {
  const clock = createTestClock()
  const logger: Logger = {
    ...silentLogger,
    warn: (fields) => void rig.warnings.push(fields),
    error: (fields) => void rig.errors.push(fields),
  }
  const store = createRedisStore(redisOptions(rig.proxy, changes), clock, logger)
  t.after(() => store.close())
  await store.start()
  const lifetimes = { lifetimeMs: 24 * HOUR, idleTimeoutMs: undefined }
  const refresh = { refreshBeforeMs: 60_000, onRefreshFailure: 'keep' } as const
  const manager = createSessionManager({ store, clock, logger, lifetimes, refresh })
  return { clock, store, manager, states: createLoginStates(store, clock) }
}

type Instance = Awaited<ReturnType<typeof startInstance>>

async function subjectOf({ manager }: Instance, ticket: string): Promise<string | undefined> {
  return (await manager.open(ticket))?.subject
}

/** Everything that needs the store fails as it should, soon. */
async function assertUnavailable(instance: Instance, ticket: string, withinMs: number): Promise<void> {
  for (const ask of [
    () => instance.manager.open(ticket),
    () => instance.manager.create(sessionDraft()),
    () => instance.states.put('a'.repeat(20), 'b'.repeat(20), 1, instance.clock.now() + 1000, '192.0.2.1'),
    () => instance.states.take('a'.repeat(20), 'b'.repeat(20)),
    () => instance.store.ping(),
  ]) {
    const { ms, error } = await timed(async () => await ask())
    assert.ok(error instanceof Error)
    assert.deepEqual({ ...UNAVAILABLE, ...pick(error) }, pick(error))
    assert.ok(ms < withinMs, `${Math.round(ms)} ms`)
  }
}

function pick(error: object): object {
  const { code, status, headers } = error as typeof UNAVAILABLE
  return { code, status, headers }
}

test('FM-04, FM-05, V-134: a server that goes is 503 at once; when it is back the same tickets work within 2 s', async (t) => {
  const rig = await startRig(t, { persist: true })
  const instance = await startInstance(t, rig)
  const { ticket } = await instance.manager.create(sessionDraft())
  await rig.server.stop()
  await until(1000, () => assert.equal(rig.errors.length, 1))
  await assertUnavailable(instance, ticket, 100)
  await rig.server.start()
  const recovery = await until(2000, async () => assert.equal(await subjectOf(instance, ticket), 'alice'))
  t.diagnostic(`recovered after ${Math.round(recovery)} ms`)
  assert.match(String(rig.errors[0]?.['detail']), /^Redis at 127\.0\.0\.1:\d+: /)
})

test('FM-06, FM-21: a server that comes back empty, or is emptied, has no sessions, and no error', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const first = await instance.manager.create(sessionDraft())
  await rig.server.stop()
  await rig.server.start()
  await until(2000, async () => assert.equal(await subjectOf(instance, first.ticket), undefined))
  const second = await instance.manager.create(sessionDraft())
  assert.equal(await subjectOf(instance, second.ticket), 'alice')
  await rig.server.command('FLUSHALL')
  assert.equal(await subjectOf(instance, second.ticket), undefined)
  assert.equal(await instance.manager.end(second.ticket, 'logout'), undefined)
})

test('FM-12: slower replies work up to the deadline and are 503 at it; nothing piles up', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const { ticket } = await instance.manager.create(sessionDraft())
  rig.proxy.delayMs = 100
  const answers = await Promise.all(Array.from({ length: 50 }, () => subjectOf(instance, ticket)))
  assert.deepEqual(new Set(answers), new Set(['alice']))
  for (const delayMs of [300, 5000]) {
    rig.proxy.delayMs = delayMs
    const results = await Promise.all(Array.from({ length: 200 }, () => timed(() => subjectOf(instance, ticket))))
    for (const { ms, error } of results) {
      assert.deepEqual(pick(error as object), UNAVAILABLE)
      assert.ok(ms < 900, `${ms} ms`)
    }
    await assertUnavailable(instance, ticket, 150)
    rig.proxy.delayMs = 0
    await until(2000, async () => assert.equal(await subjectOf(instance, ticket), 'alice'))
  }
  assert.equal(rig.proxy.connections, 1)
})

test('FM-12: more commands at once than a server should be given are refused at once', async (t) => {
  const rig = await startRig(t)
  const { store } = await startInstance(t, rig, { commandTimeoutMs: 5_000 })
  const many = await Promise.all(Array.from({ length: 5000 }, () => timed(async () => await store.getSession('k'))))
  const refused = many.filter(({ error }) => error !== undefined)
  assert.equal(refused.length, 5000 - 4096)
  assert.ok(refused.every(({ error }) => /too many/.test(String((error as { detail?: string }).detail))))
})

test('FM-13: a black hole costs one deadline, then every request fails at once; sockets are released', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const { ticket } = await instance.manager.create(sessionDraft())
  rig.proxy.blackHole = true
  const first = await timed(() => subjectOf(instance, ticket))
  assert.deepEqual(pick(first.error as object), UNAVAILABLE)
  assert.ok(first.ms >= 240 && first.ms < 900, `${first.ms} ms`)
  await assertUnavailable(instance, ticket, 150)
  await sleep(1500)
  assert.ok(rig.proxy.connections <= 1, `${rig.proxy.connections} connections`)
  rig.proxy.blackHole = false
  const recovery = await until(2000, async () => assert.equal(await subjectOf(instance, ticket), 'alice'))
  t.diagnostic(`recovered after ${Math.round(recovery)} ms`)
})

test('FM-14: a server that is stopped by SIGSTOP: first answer within 1 s, later ones at once, back within 2 s', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const { ticket } = await instance.manager.create(sessionDraft())
  rig.server.pause()
  t.after(() => rig.server.resume())
  const first = await timed(() => subjectOf(instance, ticket))
  assert.deepEqual(pick(first.error as object), UNAVAILABLE)
  assert.ok(first.ms < 1000)
  await assertUnavailable(instance, ticket, 150)
  await sleep(1000)
  await assertUnavailable(instance, ticket, 150)
  rig.server.resume()
  const recovery = await until(2000, async () => assert.equal(await subjectOf(instance, ticket), 'alice'))
  t.diagnostic(`recovered after ${Math.round(recovery)} ms`)
})

test('FM-14: a server that greets and then hangs is asked ever less often: most requests do not wait for it', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const { ticket } = await instance.manager.create(sessionDraft())
  rig.proxy.answer = (request) => (request.includes('GETRANGE') ? '' : undefined)
  let waited = 0
  let answeredAtOnce = 0
  for (const until_ = performance.now() + 3000; performance.now() < until_; await sleep(5)) {
    const { ms, error } = await timed(() => subjectOf(instance, ticket))
    assert.deepEqual(pick(error as object), UNAVAILABLE)
    if (ms > 150) waited++
    else answeredAtOnce++
  }
  // Without the growing pauses every request would wait: 12 deadlines of 250 ms in 3 s. A busy machine adds a few.
  assert.ok(waited <= 9, `${waited} deadlines in 3 s`)
  assert.ok(answeredAtOnce > 5 * waited, `${answeredAtOnce} answers at once beside ${waited} deadlines`)
  rig.proxy.answer = undefined
  await until(2000, async () => assert.equal(await subjectOf(instance, ticket), 'alice'))
})

test('FM-15: a reply that is cut in the middle is an error, and what follows is not taken for an answer', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const claims = { sub: 'alice', text: 'x'.repeat(20_000) }
  const { ticket } = await instance.manager.create(sessionDraft({ claims }))
  for (const bytes of [1, 5, 100, 9000]) {
    rig.proxy.cutAfterBytes = bytes
    await assert.rejects(async () => await instance.manager.open(ticket), UNAVAILABLE)
    await until(2000, async () => assert.deepEqual((await instance.manager.open(ticket))?.claims, claims))
  }
})

test('FM-16: garbage and replies that nobody asked for end the connection', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const { ticket } = await instance.manager.create(sessionDraft())
  for (const spoil of [
    () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
    (reply: Buffer) => Buffer.concat([reply, reply]),
    () => Buffer.from('$536870912\r\n'),
    () => Buffer.from('?'),
  ]) {
    const { accepted } = rig.proxy
    rig.proxy.rewrite = spoil
    await timed(() => subjectOf(instance, ticket))
    rig.proxy.rewrite = undefined
    await until(2000, async () => assert.equal(await subjectOf(instance, ticket), 'alice'))
    assert.ok(rig.proxy.accepted > accepted)
  }
})

test('FM-16: answers that have shifted by one are never taken for "no session"', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const people = await Promise.all(
    ['alice', 'bob', 'carol'].map(async (subject) => ({
      subject,
      ...(await instance.manager.create(sessionDraft({ subject }))),
    })),
  )
  // One that has opened none of them.
  const other = await startInstance(t, rig)
  const gone = `v1.${randomBytes(32).toString('base64url')}`
  rig.proxy.rewrite = (reply) => {
    rig.proxy.rewrite = undefined
    const length = Number(/^\$(\d+)/.exec(reply.toString('latin1'))?.[1])
    const first = reply.subarray(0, reply.indexOf('\r\n') + length + 4)
    return Buffer.concat([first, reply])
  }
  const [first, ...others] = await Promise.all(
    [...people, { subject: undefined, ticket: gone }].map(({ ticket }) => timed(() => subjectOf(other, ticket))),
  )
  assert.equal(first?.value, 'alice')
  for (const { error } of others) assert.deepEqual(pick(error as object), UNAVAILABLE)
  for (const { subject, ticket } of people)
    await until(2000, async () => assert.equal(await subjectOf(other, ticket), subject))
  assert.equal(await subjectOf(other, gone), undefined)
})

test('V-133: an error that names __proto__ or length pollutes nothing', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const { ticket } = await instance.manager.create(sessionDraft())
  for (const reply of [
    '-MOVED length 127.0.0.1:1',
    '-MOVED __proto__ 127.0.0.1:1',
    '-__proto__ x',
    '-ASK 1 127.0.0.1:1',
  ]) {
    rig.proxy.answer = () => `${reply}\r\n`
    await assert.rejects(async () => await instance.manager.open(ticket), UNAVAILABLE)
  }
  rig.proxy.answer = undefined
  await until(2000, async () => assert.equal(await subjectOf(instance, ticket), 'alice'))
  assert.equal([].length, 0)
  assert.deepEqual(Object.keys(Object.prototype), [])
})

test('FM-09, FM-19: a server that may not write, loads, is busy or cannot save is 503 until it can', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const { ticket } = await instance.manager.create(sessionDraft())
  for (const reply of [
    '-READONLY x',
    '-MASTERDOWN x',
    '-LOADING x',
    '-BUSY x',
    '-MISCONF x',
    '-NOREPLICAS x',
    '-CLUSTERDOWN x',
    '-TRYAGAIN x',
  ]) {
    rig.proxy.answer = () => `${reply}\r\n`
    await assert.rejects(async () => await instance.manager.open(ticket), UNAVAILABLE)
    rig.proxy.answer = undefined
    await until(2000, async () => assert.equal(await subjectOf(instance, ticket), 'alice'))
  }
})

test('FM-09: after READONLY a new connection looks where the master is', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const { accepted } = rig.proxy
  rig.proxy.answer = (request) =>
    request.includes('EVAL') ? "-READONLY You can't write against a read only replica.\r\n" : undefined
  await assert.rejects(instance.manager.create(sessionDraft()), UNAVAILABLE)
  rig.proxy.answer = undefined
  await until(2000, () => instance.manager.create(sessionDraft()))
  assert.ok(rig.proxy.accepted > accepted)
})

test('FM-10: it is ended again too if the server takes no writes at first, as a new master without replicas does', async (t) => {
  const rig = await startRig(t)
  const { store, clock } = await startInstance(t, rig)
  await store.createSession('lost', Buffer.from('value'), clock.now() + HOUR, { subject: 'alice' })
  const saved = await rig.server.command('GET', 'session:lost')
  await store.deleteSession('lost')
  await rig.server.command('SET', 'session:lost', String(saved))
  await rig.server.command('CONFIG', 'SET', 'min-replicas-to-write', '1')
  rig.proxy.resetAll()
  await until(2000, () => store.ping())
  await assert.rejects(async () => await store.deleteSession('lost'))
  await rig.server.command('CONFIG', 'SET', 'min-replicas-to-write', '0')
  await until(2000, async () => {
    clock.advance(1_000)
    assert.equal(await store.getSession('lost'), undefined)
  })
})

test('FM-10: a session that comes back with a server which has lost the end of it is ended again', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const { store, clock } = instance
  const end = clock.now() + HOUR
  await store.createSession('lost', Buffer.from('value'), end, { subject: 'alice' })
  await store.createSession('kept', Buffer.from('value'), end, { subject: 'alice' })
  const saved = await rig.server.command('GET', 'session:lost')
  await store.deleteSession('lost')
  // As after a failover, or from a file that is some seconds old.
  await rig.server.command('SET', 'session:lost', String(saved))
  assert.notEqual(await store.getSession('lost'), undefined)
  rig.proxy.resetAll()
  await until(2000, async () => assert.equal(await store.getSession('lost'), undefined))
  assert.deepEqual(await store.findSessions({ subject: 'alice' }), ['kept'])
  clock.advance(601_000)
  await rig.server.command('SET', 'session:lost', String(saved))
  rig.proxy.resetAll()
  await until(2000, () => store.ping())
  assert.notEqual(await store.getSession('lost'), undefined, 'not for ever')
})

test('FM-17: a full server refuses logins; sessions are read and ended as ever', async (t) => {
  const rig = await startRig(t, { args: ['--maxmemory-policy', 'noeviction'] })
  const instance = await startInstance(t, rig)
  const { ticket } = await instance.manager.create(sessionDraft())
  await rig.server.command('CONFIG', 'SET', 'maxmemory', '1')
  await assert.rejects(instance.manager.create(sessionDraft()), UNAVAILABLE)
  assert.equal(await subjectOf(instance, ticket), 'alice')
  assert.equal((await instance.manager.end(ticket, 'logout'))?.subject, 'alice')
  assert.equal(await rig.server.command('DBSIZE'), 0)
})

test('FM-18: an evicted session is no session, an evicted state means to start again', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const { ticket } = await instance.manager.create(sessionDraft())
  await instance.states.put('a'.repeat(20), 'b'.repeat(20), 1, instance.clock.now() + HOUR, '192.0.2.1')
  await rig.server.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
  await rig.server.command('CONFIG', 'SET', 'maxmemory', '1')
  await until(2000, async () => assert.equal(await rig.server.command('DBSIZE'), 0))
  assert.equal(await subjectOf(instance, ticket), undefined)
  assert.equal(await instance.states.take('a'.repeat(20), 'b'.repeat(20)), undefined)
})

test('FM-20: a password that was changed is 503 and told to the operator by name', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const { ticket } = await instance.manager.create(sessionDraft())
  await rig.server.command('CONFIG', 'SET', 'requirepass', 'new-pass-word')
  rig.proxy.resetAll()
  await until(2000, () =>
    assert.ok(rig.errors.some(({ detail }) => /requires a password and none is configured/.test(String(detail)))),
  )
  await assertUnavailable(instance, ticket, 150)
  assert.ok(rig.errors.length < 5, 'each reason is told once')
})

test('FM-22: what others wrote under the key of a session is no session and stays as it is', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const { ticket } = await instance.manager.create(sessionDraft())
  const keys = (await rig.server.command('KEYS', 'session:*')) as string[]
  const key = keys.find((name) => !name.includes('subject:')) ?? ''
  const head = (await rig.server.command('GETRANGE', key, '0', '110')) as string
  for (const [command, ...args] of [
    ['SET', '{"sub":"alice"}'],
    ['SET', '{"__proto__":{"polluted":1}}'],
    ['SET', '['.repeat(100_000)],
    ['SET', `2${head.slice(1)}`],
    ['SET', head],
    ['SET', head + 'x'.repeat(10_000_000)],
    ['SET', ''],
    ['RPUSH', 'a'],
    ['HSET', 'value', '1'],
    ['SADD', 'a'],
  ] as const) {
    await rig.server.command('DEL', key)
    await rig.server.command(command, key, ...args)
    const before = await rig.server.command('DUMP', key)
    assert.equal(await subjectOf(instance, ticket), undefined)
    assert.equal(await instance.manager.end(ticket, 'logout'), undefined)
    assert.equal(
      await instance.store.createSession(key.slice(8), Buffer.from('x'), instance.clock.now() + HOUR, { subject: 's' }),
      false,
    )
    assert.equal(
      await instance.store.updateSession(key.slice(8), Buffer.from('x'), instance.clock.now() + HOUR, 1),
      command === 'SET' && args[0].startsWith(head),
    )
    if (!(command === 'SET' && args[0].startsWith(head)))
      assert.deepEqual(await rig.server.command('DUMP', key), before)
  }
  assert.equal(JSON.stringify(rig.warnings).includes(ticket), false)
  assert.ok(rig.warnings.length > 0)
  await rig.server.command('RPUSH', 'state:abc', 'x')
  assert.equal(await instance.store.takeState('abc'), undefined)
})

test('FM-23: a session whose key lost its expiry ends at its time all the same', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const { ticket } = await instance.manager.create(sessionDraft())
  await instance.states.put('a'.repeat(20), 'b'.repeat(20), 1, instance.clock.now() + HOUR, '192.0.2.1')
  for (const key of (await rig.server.command('KEYS', '*')) as string[]) await rig.server.command('PERSIST', key)
  instance.clock.advance(24 * HOUR - 1)
  assert.equal(await subjectOf(instance, ticket), 'alice')
  instance.clock.advance(1)
  assert.equal(await subjectOf(instance, ticket), undefined)
  assert.equal(await instance.states.take('a'.repeat(20), 'b'.repeat(20)), undefined)
})

test('every key in Redis ends by itself: records, states, indexes, leases and notes', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  await instance.manager.create(sessionDraft({ sid: 'sid-1' }))
  await instance.states.put('a'.repeat(20), 'b'.repeat(20), 1, instance.clock.now() + 600_000, '192.0.2.1')
  await instance.store.acquireLease('lease', 'me', 20_000)
  await instance.store.putNote('note', 'text', instance.clock.now() + 60_000)
  const ends = new Map<string, number>()
  for (const key of (await rig.server.command('KEYS', '*')) as string[]) {
    ends.set(key.replace(/[\w-]{43}$/, '…'), Math.round(Number(await rig.server.command('PTTL', key)) / 10_000) * 10)
  }
  assert.deepEqual(Object.fromEntries(ends), {
    'session:…': 86_400,
    'session:subject:…': 86_400,
    'session:subject:all': 86_400,
    'session:sid:…': 86_400,
    'state:…': 600,
    'session:lease:lease': 20,
    'session:note:note': 60,
  })
})

test('indexes do not grow: what is over goes with the next login, the rest by itself', async (t) => {
  const rig = await startRig(t)
  const { store, clock } = await startInstance(t, rig)
  for (let i = 0; i < 50; i++) {
    await store.createSession(`key-${i}`, Buffer.from('x'), clock.now() + 1000, {
      subject: 'alice',
      providerSession: 'sid',
    })
    clock.advance(1001)
  }
  const keys = (await rig.server.command('KEYS', 'session:s*:*')) as string[]
  assert.equal(keys.length, 3)
  for (const key of keys) assert.ok(Number(await rig.server.command('ZCARD', key)) <= 1)
})

test('FM-24: a server with no room for clients is not stormed', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const { ticket } = await instance.manager.create(sessionDraft())
  rig.proxy.answer = () => '-ERR max number of clients reached\r\n'
  rig.proxy.resetAll()
  const { accepted } = rig.proxy
  await sleep(1500)
  await assertUnavailable(instance, ticket, 150)
  assert.ok(rig.proxy.accepted - accepted < 12, `${rig.proxy.accepted - accepted} connections in 1.5 s`)
  assert.ok(rig.errors.some(({ detail }) => /maximum number of clients/.test(String(detail))))
  rig.proxy.answer = undefined
  await until(2000, async () => assert.equal(await subjectOf(instance, ticket), 'alice'))
})

test('FM-16: a reply of another kind than was asked for is no answer, and ends the connection', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const { ticket } = await instance.manager.create(sessionDraft())
  for (const reply of ['+PONG', ':1', '*0', '%0', '#t']) {
    const { accepted } = rig.proxy
    rig.proxy.answer = (request) => (request.includes('GETRANGE') ? `${reply}\r\n` : undefined)
    await assert.rejects(async () => await instance.manager.open(ticket), UNAVAILABLE)
    rig.proxy.answer = undefined
    await until(2000, async () => assert.equal(await subjectOf(instance, ticket), 'alice'))
    assert.ok(rig.proxy.accepted > accepted)
  }
})

test("V-129, V-131: with replies late by up to twice the deadline, nobody is ever given somebody else's session", async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig, { commandTimeoutMs: 50 })
  const tickets = new Map<string, string>()
  for (let i = 0; i < 200; i++)
    tickets.set(`user-${i}`, (await instance.manager.create(sessionDraft({ subject: `user-${i}` }))).ticket)
  // A second instance, so that nothing has been opened before.
  const other = await startInstance(t, rig, { commandTimeoutMs: 50 })
  rig.proxy.delayMs = () => (Math.random() < 0.98 ? Math.random() * 10 : Math.random() * 100)
  const counts = { own: 0, unavailable: 0 }
  const end = performance.now() + 2500
  await Promise.all(
    [...tickets].map(async ([subject, ticket]) => {
      while (performance.now() < end) {
        const { value, error } = await timed(() => subjectOf(other, ticket))
        if (error !== undefined) assert.deepEqual(pick(error as object), UNAVAILABLE)
        else assert.equal(value, subject)
        counts[error === undefined ? 'own' : 'unavailable']++
        await sleep(Math.random() * 20)
      }
    }),
  )
  t.diagnostic(JSON.stringify(counts))
  assert.ok(counts.own > 100 && counts.unavailable > 100)
})

test('V-130: a handshake that is late is thrown away with its connection', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const made = await Promise.all(
    ['alice', 'bob', 'carol'].map(async (subject) => ({
      subject,
      ...(await instance.manager.create(sessionDraft({ subject }))),
    })),
  )
  rig.proxy.delayMs = 700
  rig.proxy.resetAll()
  await sleep(1500)
  await assertUnavailable(instance, made[0]?.ticket ?? '', 150)
  rig.proxy.delayMs = 0
  await until(2000, () => instance.store.ping())
  for (const { subject, ticket } of made) assert.equal(await subjectOf(instance, ticket), subject)
  assert.equal(rig.proxy.connections, 1)
})

test('V-132: after a restart while all was idle, the first request works or is 503, and the next ones work', async (t) => {
  const rig = await startRig(t, { persist: true })
  const instances = await Promise.all(Array.from({ length: 20 }, () => startInstance(t, rig)))
  const [first] = instances
  const ticket = (await first?.manager.create(sessionDraft()))?.ticket ?? ''
  await rig.server.stop()
  await rig.server.start()
  await Promise.all(
    instances.map(async (instance) => {
      const { value, error } = await timed(() => subjectOf(instance, ticket))
      if (error === undefined) assert.equal(value, 'alice')
      else assert.deepEqual(pick(error as object), UNAVAILABLE)
      await until(5000, async () => assert.equal(await subjectOf(instance, ticket), 'alice'))
    }),
  )
})

test('V-078: right state, wrong browser: it is neither given nor used up; FM-25: another instance takes it', async (t) => {
  const rig = await startRig(t)
  const [one, two] = [await startInstance(t, rig), await startInstance(t, rig)]
  const [id, secret] = [randomBytes(16).toString('base64url'), randomBytes(16).toString('base64url')]
  await one.states.put(id, secret, { nonce: 'n' }, one.clock.now() + 600_000, '192.0.2.1')
  assert.equal(await two.states.take(id, 'c'.repeat(22)), undefined)
  const taken = await Promise.all(
    Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? one : two).states.take(id, secret)),
  )
  assert.deepEqual(
    taken.filter((value) => value !== undefined),
    [{ nonce: 'n' }],
  )
})

test('E-12: with everything that is in Redis nobody can read or use a session', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  const { ticket } = await instance.manager.create(sessionDraft())
  const [id, secret] = ['i'.repeat(22), 's'.repeat(22)]
  await instance.states.put(
    id,
    secret,
    { verifier: 'very-secret-verifier' },
    instance.clock.now() + 600_000,
    '192.0.2.1',
  )
  const keys = (await rig.server.command('KEYS', '*')) as string[]
  const values = await Promise.all(
    keys.filter((key) => !key.includes('subject:')).map((key) => rig.server.command('GET', key)),
  )
  const all = [...keys, ...values].join('\n')
  for (const part of [
    ticket,
    ticket.slice(3, 24),
    ticket.slice(25),
    'access-1',
    'id-token-1',
    'alice@example.com',
    'very-secret',
    id,
    secret,
  ]) {
    assert.equal(all.includes(part), false, part)
  }
  for (const key of keys) {
    const hash = key.slice(-43)
    for (const guess of [key, hash, `v1.${hash}`]) assert.equal(await instance.manager.open(guess), undefined)
  }
})

test('E-10: for what cannot be a ticket or a state Redis is not asked at all', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  await rig.server.command('CONFIG', 'RESETSTAT')
  for (const junk of [
    '',
    '*',
    'v1.x',
    '%s %b \r\nSET x y',
    '?',
    '[',
    '\0',
    `v1.${'*'.repeat(43)}`,
    'x'.repeat(10_000),
  ]) {
    assert.equal(await instance.manager.open(junk), undefined)
    assert.equal(await instance.manager.end(junk, 'logout'), undefined)
    assert.equal(await instance.states.take(junk, junk), undefined)
  }
  const stats = String(await rig.server.command('INFO', 'commandstats'))
  assert.doesNotMatch(stats, /cmdstat_(get|getrange|getdel|eval|evalsha|set|del)\b/)
})

test('after its scripts were flushed the server is given them again', async (t) => {
  const rig = await startRig(t)
  const instance = await startInstance(t, rig)
  await rig.server.command('SCRIPT', 'FLUSH')
  const { ticket } = await instance.manager.create(sessionDraft())
  assert.equal(await subjectOf(instance, ticket), 'alice')
})
