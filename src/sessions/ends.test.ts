import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { startRedisInstance, startRedisRig, type RedisInstanceOptions } from '../../test/support/redis-instances.ts'
import { sessionDraft } from '../../test/support/session-draft.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { until } from '../../test/support/until.ts'
import { silentLogger, type LogFields, type Logger } from '../kernel/logger.ts'
import type { EndListener, EndReason } from './contract.ts'
import type { SessionHint } from './hint.ts'
import { sessionEvents, type SessionEvent } from './events.ts'
import { createSessionManager, type SessionManagerOptions } from './manager.ts'
import { MemoryStore } from './memory.ts'
import { issueTicket, parseTicket } from './ticket.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const LIFETIMES = { lifetimeMs: 8 * HOUR, idleTimeoutMs: 30 * MINUTE }
const ALICE = { issuer: 'https://issuer.example', subject: 'alice' }

/** What was counted and logged about ends, in all instances of the test. */
function watchEnds(t: TestContext) {
  const counted: EndReason[] = []
  const logged: LogFields[] = []
  const count = (event: unknown): void => {
    const seen = event as SessionEvent
    if (seen.type === 'ended') counted.push(seen.reason)
  }
  sessionEvents.subscribe(count)
  t.after(() => void sessionEvents.unsubscribe(count))
  const note = (fields: LogFields, message: string): void => {
    if (message === 'session ended') logged.push(fields)
  }
  const logger: Logger = { ...silentLogger, info: note, warn: note }
  return { counted, logged, logger, reasonsLogged: () => logged.map(({ reason }) => reason) }
}

function setUp(t: TestContext, options: Partial<SessionManagerOptions> = {}, maxSessions = 1000) {
  const ends = watchEnds(t)
  const clock = createTestClock()
  const store = new MemoryStore({ maxSessions, maxStates: 10 }, clock)
  const refresh = { refreshBeforeMs: 60_000, onRefreshFailure: 'keep' } as const
  const manager = createSessionManager({ store, clock, logger: ends.logger, lifetimes: LIFETIMES, refresh, ...options })
  t.after(() => manager.close())
  return { ...ends, clock, store, manager }
}

test('a logout is counted and logged once, and the ticket is told of it', async (t) => {
  const { manager, counted, logged } = setUp(t)
  const { ticket, session } = await manager.create(sessionDraft())
  await manager.end(ticket, 'logout')
  await manager.end(ticket, 'logout')
  assert.equal(manager.open(ticket), undefined)
  assert.equal(manager.whyEnded(ticket), 'logout')
  assert.deepEqual(counted, ['logout'])
  assert.deepEqual(logged, [{ session_id: session.id, provider: 'demo', reason: 'logout' }])
})

for (const reason of ['revoked', 'backchannel', 'superseded'] as const) {
  test(`${reason}: an end that the person learns of later is told to whoever comes with the ticket`, async (t) => {
    const { manager, counted, reasonsLogged } = setUp(t)
    const { ticket } = await manager.create(sessionDraft())
    if (reason === 'superseded') await manager.end(ticket, reason)
    else await manager.endAll(ALICE, reason)
    assert.equal(await manager.open(ticket), undefined)
    assert.equal(manager.whyEnded(ticket), reason)
    assert.deepEqual([counted, reasonsLogged()], [[reason], [reason]])
  })
}

test('refresh_rejected: a refused refresh token ends the session, and says so', async (t) => {
  const { manager, clock, counted, reasonsLogged } = setUp(t)
  manager.onRefresh(async () => ({ kind: 'rejected', detail: 'invalid_grant' }))
  const { tokens } = sessionDraft()
  const accessTokenExpiresAt = clock.now() + 5 * MINUTE
  const { ticket } = await manager.create(
    sessionDraft({ tokens: { ...tokens, refreshToken: 'refresh-1', accessTokenExpiresAt } }),
  )
  clock.advance(6 * MINUTE)
  assert.equal(await manager.open(ticket), undefined)
  assert.equal(manager.whyEnded(ticket), 'refresh_rejected')
  assert.deepEqual([counted, reasonsLogged()], [['refresh_rejected'], ['refresh_rejected']])
})

for (const [reason, afterMs] of [
  ['idle', 30 * MINUTE],
  ['absolute', 8 * HOUR],
] as const) {
  const lifetimes = { ...LIFETIMES, idleTimeoutMs: reason === 'idle' ? 30 * MINUTE : undefined }

  test(`${reason}: who comes back is told, at once and after the record was swept`, async (t) => {
    const { manager, clock, counted, reasonsLogged } = setUp(t, { lifetimes })
    const { ticket } = await manager.create(sessionDraft())
    clock.advance(afterMs)
    for (let i = 0; i < 3; i++) {
      assert.equal(manager.open(ticket), undefined)
      assert.equal(manager.whyEnded(ticket), reason)
      clock.advance(MINUTE)
    }
    assert.deepEqual([counted, reasonsLogged()], [[reason], [reason]])
  })

  test(`${reason}: is counted and logged when nobody comes back`, async (t) => {
    const { manager, clock, counted, logged } = setUp(t, { lifetimes })
    const { session } = await manager.create(sessionDraft())
    clock.advance(afterMs + MINUTE)
    assert.deepEqual(counted, [reason])
    assert.deepEqual(logged, [{ session_id: session.id, provider: 'demo', reason }])
  })
}

test('evicted: who was put out of a full memory is told; the log has one line in ten seconds', async (t) => {
  const { manager, clock, counted, logged } = setUp(t, {}, 10)
  const [first] = await Promise.all(Array.from({ length: 10 }, () => manager.create(sessionDraft())))
  for (let i = 0; i < 30; i++) await manager.create(sessionDraft())
  assert.equal(await manager.open(first?.ticket ?? ''), undefined)
  assert.equal(manager.whyEnded(first?.ticket ?? ''), 'evicted')
  assert.equal(counted.filter((reason) => reason === 'evicted').length, 30)
  assert.equal(logged.length, 1)
  const { ticket } = await manager.create(sessionDraft())
  clock.advance(10_000)
  for (let i = 0; i < 10; i++) await manager.create(sessionDraft())
  assert.equal(manager.open(ticket), undefined)
  assert.equal(manager.whyEnded(ticket), 'evicted')
  assert.deepEqual(
    logged.map(({ reason, count }) => [reason, count]),
    [
      ['evicted', 1],
      ['evicted', 31],
    ],
  )
})

test('store_lost: FM-21: a session that was open here and is not in the store any more', async (t) => {
  const { manager, store, counted, reasonsLogged } = setUp(t)
  const { ticket } = await manager.create(sessionDraft())
  store.deleteSession(parseTicket(ticket)?.key ?? '')
  for (let i = 0; i < 3; i++) {
    assert.equal(manager.open(ticket), undefined)
    assert.equal(manager.whyEnded(ticket), 'store_lost')
    await turn()
  }
  assert.deepEqual([counted, reasonsLogged()], [['store_lost'], ['store_lost']])
})

test('key_retired: a record of a format that was given up is over; the ticket of an old version is told so', async (t) => {
  const { manager, store, clock, counted, reasonsLogged } = setUp(t)
  const { ticket } = await manager.create(sessionDraft())
  const key = parseTicket(ticket)?.key ?? ''
  const old = Buffer.from(store.getSession(key)?.value ?? [])
  old[0] = 0
  store.updateSession(key, old, clock.now() + HOUR, 1)
  assert.equal(await manager.open(ticket), undefined)
  await turn()
  assert.equal(manager.whyEnded(ticket), 'key_retired')
  assert.deepEqual([counted, reasonsLogged()], [['key_retired'], ['key_retired']])
  assert.equal(manager.whyEnded(ticket.replace('v1.', 'v0.')), 'key_retired')
  assert.equal(manager.whyEnded(ticket.replace('v1.', 'v2.')), undefined)
  assert.equal(manager.whyEnded('v0.short'), undefined)
  assert.equal(counted.length, 1)
})

test('a record that is corrupt or newer ends no session', async (t) => {
  const { manager, store, clock, counted } = setUp(t)
  const { ticket } = await manager.create(sessionDraft())
  const key = parseTicket(ticket)?.key ?? ''
  for (const [version, bytes] of [Buffer.from([2, 0, 0, 0, 0, 0, 0]), Buffer.from('junk'), Buffer.alloc(0)].entries()) {
    store.updateSession(key, bytes, clock.now() + HOUR, version + 1)
    assert.equal(await manager.open(ticket), undefined)
    assert.equal(manager.whyEnded(ticket), undefined)
    assert.deepEqual(store.getSession(key)?.value, new Uint8Array(bytes))
  }
  assert.deepEqual(counted, [])
})

test('a store that gives a reason of its own is not repeated', async (t) => {
  const clock = createTestClock()
  const store = new MemoryStore({ maxSessions: 10, maxStates: 10 }, clock)
  let tell: EndListener | undefined
  store.onEnd = (listener) => void (tell = listener)
  const { manager } = setUp(t, { store, clock })
  const unknown = `v1.${Buffer.alloc(32, 7).toString('base64url')}`
  tell?.({ kind: 'found', key: parseTicket(unknown)?.key ?? '', reason: '"><script>' as EndReason })
  assert.equal(manager.whyEnded(unknown), undefined)
})

test('what a browser says chooses a sentence where nothing is known, and is not counted', async (t) => {
  const { manager, clock, counted, logged } = setUp(t)
  const { ticket } = await manager.create(sessionDraft())
  const unknown = `v1.${Buffer.alloc(32, 7).toString('base64url')}`
  const assertTold = (hint: SessionHint, reason: EndReason | undefined): void => {
    const { text } = issueTicket(randomBytes, hint)
    assert.equal(manager.open(text), undefined)
    assert.equal(manager.whyEnded(text), reason)
  }
  assert.equal(await manager.open(unknown), undefined)
  const now = clock.now()
  assert.equal(manager.whyEnded(unknown), undefined)
  const [idleTimeoutMs, expiresAt] = [30 * MINUTE, now + 7 * HOUR]
  assertTold({ createdAt: now - 9 * HOUR, expiresAt: now - HOUR, idleTimeoutMs }, 'absolute')
  assertTold({ createdAt: now - HOUR, expiresAt, idleTimeoutMs }, 'idle')
  assertTold({ createdAt: now - HOUR, expiresAt, idleTimeoutMs: undefined }, undefined)
  assertTold({ createdAt: now - MINUTE, expiresAt, idleTimeoutMs }, undefined)
  for (const junk of ['-', '-a', `-${'%'.repeat(19)}`, `~${'1'.repeat(19)}`, `-${'1'.repeat(20)}`]) {
    assert.equal(manager.whyEnded(unknown + junk), undefined, junk)
  }
  assert.equal((await manager.open(ticket))?.subject, 'alice')
  const bytes = Buffer.from(ticket.slice(3), 'base64url')
  const bare = `v1.${bytes.toString('base64url', 0, 32)}`
  bytes[43] = (bytes[43] ?? 0) ^ 1
  for (const other of [bare, `v1.${bytes.toString('base64url')}`]) {
    assert.equal(await manager.open(other), undefined, 'a ticket whose hint was changed is another')
    assert.equal(await manager.end(other, 'logout'), undefined)
  }
  assert.equal((await manager.open(ticket))?.subject, 'alice')
  await manager.end(ticket, 'logout')
  assert.equal(manager.whyEnded(ticket), 'logout')
  assert.deepEqual([counted, logged.length], [['logout'], 1])
})

async function startTwo(t: TestContext, manager: RedisInstanceOptions['manager'] = {}) {
  const ends = watchEnds(t)
  const rig = await startRedisRig(t)
  const options = { logger: ends.logger, manager: { lifetimes: LIFETIMES, nearCache: undefined, ...manager } }
  const one = await startRedisInstance(t, rig, options)
  const other = await startRedisInstance(t, rig, options)
  const third = await startRedisInstance(t, rig, options)
  /** A session that two of the three instances have opened. */
  const signIn = async (): Promise<string> => {
    const { ticket } = await one.manager.create(sessionDraft())
    assert.equal(await other.subjectOf(ticket), 'alice')
    return ticket
  }
  const assertTold = async (ticket: string, reason: EndReason): Promise<void> => {
    for (const instance of [one, other, third, one]) {
      await until(1000, async () => {
        assert.equal(await instance.subjectOf(ticket), undefined)
        assert.equal(instance.manager.whyEnded(ticket), reason)
      })
    }
    await until(1000, () => assert.deepEqual([ends.counted, ends.reasonsLogged()], [[reason], [reason]]))
  }
  return { ...ends, rig, one, other, third, signIn, assertTold }
}

test('FM-25: every instance knows why a session ended, and one of them has counted it', async (t) => {
  for (const reason of ['revoked', 'backchannel', 'superseded'] as const) {
    await t.test(reason, async (own) => {
      const { one, signIn, assertTold } = await startTwo(own)
      const ticket = await signIn()
      if (reason === 'superseded') await one.manager.end(ticket, reason)
      else await one.manager.endAll(ALICE, reason)
      await assertTold(ticket, reason)
    })
  }
})

test('FM-25: what ends by time is counted by the first instance that notices, and told by all', async (t) => {
  for (const [reason, afterMs] of [
    ['idle', 30 * MINUTE],
    ['absolute', 8 * HOUR],
  ] as const) {
    await t.test(reason, async (own) => {
      const lifetimes = { ...LIFETIMES, idleTimeoutMs: reason === 'idle' ? 30 * MINUTE : undefined }
      const { rig, signIn, assertTold } = await startTwo(own, { lifetimes })
      const ticket = await signIn()
      rig.clock.advance(afterMs)
      await assertTold(ticket, reason)
    })
  }
})

test('FM-25: what ends by time is counted once when nobody comes back, and not while another instance is in use', async (t) => {
  const { rig, one, other, signIn, counted, reasonsLogged } = await startTwo(t)
  await until(1000, () => assert.equal(one.store.hearsOfEnds === true && other.store.hearsOfEnds === true, true))
  const [used, unused] = [await signIn(), await signIn()]
  const key = parseTicket(used)?.key ?? ''
  for (let i = 0; i < 4; i++) {
    rig.clock.advance(20 * MINUTE)
    assert.equal(await other.subjectOf(used), 'alice')
    await until(1000, async () => assert.equal((await one.store.getSession(key))?.version, i + 2))
  }
  await until(1000, () => assert.deepEqual(counted, ['idle'], 'the one that was not used'))
  rig.clock.advance(31 * MINUTE)
  await until(1000, () => assert.deepEqual([counted, reasonsLogged()], [Array(2).fill('idle'), Array(2).fill('idle')]))
  rig.clock.advance(10 * MINUTE)
  for (const ticket of [used, unused]) {
    for (const instance of [one, other]) {
      assert.equal(await instance.subjectOf(ticket), undefined)
      assert.equal(instance.manager.whyEnded(ticket), 'idle')
    }
  }
  assert.equal(counted.length, 2)
})

test('FM-06, FM-21: a session that Redis has lost is counted once, and told by all instances', async (t) => {
  for (const command of [['FLUSHALL'], ['DEL']]) {
    await t.test(command.join(), async (own) => {
      const { rig, signIn, assertTold } = await startTwo(own)
      const ticket = await signIn()
      const key = `session:${parseTicket(ticket)?.key}`
      await rig.server.command(...(command[0] === 'DEL' ? ['DEL', key] : command))
      await assertTold(ticket, 'store_lost')
    })
  }
})

test('FM-25: a logout on one instance is no loss to another that has the session open', async (t) => {
  const { one, other, third, signIn, counted, rig } = await startTwo(t)
  for (const [instance, elsewhere] of [
    [one, other],
    [other, one],
  ] as const) {
    const ticket = await signIn()
    counted.length = 0
    await instance.manager.end(ticket, 'logout')
    assert.equal(await elsewhere.subjectOf(ticket), undefined)
    assert.equal(elsewhere.manager.whyEnded(ticket), 'logout')
    assert.equal(await third.subjectOf(ticket), undefined)
    assert.deepEqual(counted, ['logout'])
    assert.equal(await rig.server.command('DBSIZE'), 0)
  }
})

test('after a logout no key of the session is in Redis; of other ends one that goes by itself', async (t) => {
  const { rig, one } = await startTwo(t)
  const first = await one.manager.create(sessionDraft({ sid: 'sid-1' }))
  await one.manager.end(first.ticket, 'logout')
  assert.equal(await rig.server.command('DBSIZE'), 0)
  const second = await one.manager.create(sessionDraft({ sid: 'sid-1' }))
  await one.manager.end(second.ticket, 'revoked')
  const keys = (await rig.server.command('KEYS', '*')) as string[]
  assert.deepEqual(keys, [`session:${parseTicket(second.ticket)?.key}`])
  const ttl = Number(await rig.server.command('PTTL', keys[0] ?? ''))
  assert.ok(ttl > 7 * HOUR && ttl <= 8 * HOUR, `${ttl} ms`)
})
