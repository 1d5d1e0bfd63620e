import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import { countReads, startRedisInstance, startRedisRig } from '../../test/support/redis-instances.ts'
import { sessionDraft } from '../../test/support/session-draft.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { createUnreliableStore } from '../../test/support/unreliable-store.ts'
import { until } from '../../test/support/until.ts'
import { silentLogger } from '../kernel/logger.ts'
import { sessionEvents } from './events.ts'
import { createSessionManager, type SessionManagerOptions } from './manager.ts'
import { MemoryStore } from './memory.ts'

const GRACE = 30_000

function setUp(options: Partial<SessionManagerOptions> = {}) {
  const clock = createTestClock()
  const memory = new MemoryStore({ maxSessions: 1000, maxStates: 1000 }, clock)
  const store = createUnreliableStore(memory)
  const all = {
    store,
    clock,
    logger: silentLogger,
    lifetimes: { lifetimeMs: 3_600_000, idleTimeoutMs: undefined },
    refresh: { refreshBeforeMs: 60_000, onRefreshFailure: 'keep' },
    ...options,
  } as const
  const [manager, other] = [createSessionManager(all), createSessionManager(all)]
  const begin = async () => (await manager.create(sessionDraft())).ticket
  /** So much time passes, look by look. */
  const pass = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 500) {
      clock.advance(500)
      for (let turns = 0; turns < 5; turns++) await turn()
    }
  }
  return { clock, store, memory, manager, other, begin, pass }
}

/** A stream that notes how often it was closed. */
function stream() {
  const seen = { closed: 0 }
  return Object.assign(seen, { close: () => void seen.closed++ })
}

test('an end on this instance closes the streams of that session at once, and no other', async () => {
  const { manager, begin } = setUp()
  const [mine, theirs] = [await begin(), await begin()]
  const [one, two, other] = [stream(), stream(), stream()]
  manager.watch(mine, one.close)
  manager.watch(mine, two.close)
  manager.watch(theirs, other.close)
  await manager.end(mine, 'logout')
  assert.deepEqual([one.closed, two.closed, other.closed], [1, 1, 0])
  await manager.endAll({ issuer: 'https://issuer.example', subject: 'alice' }, 'backchannel')
  assert.equal(other.closed, 1)
})

test('an end on another instance closes them with the next look', async () => {
  const { manager, other, begin, pass } = setUp()
  const ticket = await begin()
  const open = stream()
  manager.watch(ticket, open.close)
  await pass(5_000)
  assert.equal(open.closed, 0)
  await other.end(ticket, 'logout')
  await pass(500)
  assert.equal(open.closed, 1)
})

test('a stream of a session that is over already is closed', async () => {
  const { manager, other, begin, pass } = setUp()
  const [here, there] = [await begin(), await begin()]
  await manager.end(here, 'logout')
  await other.end(there, 'logout')
  const open = [stream(), stream()]
  manager.watch(here, open[0]?.close ?? assert.fail())
  manager.watch(there, open[1]?.close ?? assert.fail())
  await pass(500)
  assert.deepEqual(
    open.map(({ closed }) => closed),
    [1, 1],
  )
})

test('what is over by itself is not closed, and nothing is looked at any more', async () => {
  const { manager, store, begin, pass } = setUp()
  const ticket = await begin()
  const open = stream()
  const forget = manager.watch(ticket, open.close)
  await pass(500)
  forget()
  forget()
  let asked = 0
  store.before = () => void asked++
  await pass(5_000)
  assert.equal(asked, 0)
  store.before = undefined
  await manager.end(ticket, 'logout')
  assert.equal(open.closed, 0)
})

test('E-05: a stream is no use: the idle timeout ends the session under it, unless it is used otherwise', async () => {
  const { manager, clock, begin, pass } = setUp({ lifetimes: { lifetimeMs: 3_600_000, idleTimeoutMs: 60_000 } })
  const ticket = await begin()
  const open = stream()
  manager.watch(ticket, open.close)
  clock.advance(40_000)
  assert.notEqual(await manager.open(ticket), undefined)
  await pass(55_000)
  assert.equal(open.closed, 0)
  await pass(6_000)
  assert.equal(open.closed, 1)
  assert.equal(await manager.open(ticket), undefined)
  assert.equal(manager.whyEnded(ticket), 'idle')
})

test('E-06: the absolute lifetime ends a stream, to the next look', async () => {
  const { manager, clock, begin, pass } = setUp()
  const ticket = await begin()
  const open = stream()
  manager.watch(ticket, open.close)
  clock.advance(3_598_500)
  await pass(500)
  assert.equal(open.closed, 0)
  await pass(1_000)
  assert.equal(open.closed, 1)
  assert.equal(manager.whyEnded(ticket), 'absolute')
})

test('a refused refresh token ends a stream', async () => {
  const { manager, clock } = setUp()
  manager.onRefresh(async () => ({ kind: 'rejected', detail: 'invalid_grant' }))
  const draft = sessionDraft()
  const tokens = { ...draft.tokens, refreshToken: 'spent', accessTokenExpiresAt: clock.now() + 300_000 }
  const { ticket } = await manager.create({ ...draft, tokens })
  const open = stream()
  manager.watch(ticket, open.close)
  clock.advance(290_000)
  void manager.open(ticket)
  await until(2_000, () => assert.equal(open.closed, 1))
})

test('a store that lets go of a session for want of room ends its streams', async () => {
  const clock = createTestClock()
  const store = new MemoryStore({ maxSessions: 1, maxStates: 1 }, clock)
  const { manager, begin } = setUp({ store, clock })
  const open = stream()
  manager.watch(await begin(), open.close)
  await begin()
  assert.equal(open.closed, 1)
})

test('an outage of the store closes no stream during the grace, and all of them after it', async () => {
  const { manager, store, begin, pass } = setUp()
  const ticket = await begin()
  const open = stream()
  manager.watch(ticket, open.close)
  await pass(500)
  store.down = true
  await pass(GRACE - 1_000)
  assert.equal(open.closed, 0)
  store.down = false
  await pass(1_000)
  store.down = true
  await pass(GRACE - 1_000)
  assert.equal(open.closed, 0, 'the grace is that of each outage')
  await pass(2_000)
  assert.equal(open.closed, 1)
  store.down = false
  assert.notEqual(await manager.open(ticket), undefined, 'the session itself is kept')
})

test('where a rule says deny, the first look at a store that is away closes its streams', async () => {
  const { manager, store, begin, pass } = setUp()
  const ticket = await begin()
  const [strict, other] = [stream(), stream()]
  manager.watch(ticket, strict.close, 'deny')
  manager.watch(ticket, other.close, 'grace')
  await pass(500)
  store.down = true
  await pass(500)
  assert.deepEqual([strict.closed, other.closed], [1, 0])
})

test('a logout that the store could not be told of closes the streams here all the same', async () => {
  const { manager, store, begin } = setUp()
  const ticket = await begin()
  const open = stream()
  manager.watch(ticket, open.close)
  store.down = true
  await assert.rejects(manager.end(ticket, 'logout'), { code: 'ERR_SESSION_STORE_UNAVAILABLE' })
  assert.equal(open.closed, 1)
})

test('streams are told for metrics: how many began, and how each was over', async (t) => {
  const { manager, begin } = setUp()
  const told: unknown[] = []
  const listen = (event: unknown): void => {
    if ((event as { type: string }).type === 'stream') told.push((event as { change: string }).change)
  }
  sessionEvents.subscribe(listen)
  t.after(() => sessionEvents.unsubscribe(listen))
  const ticket = await begin()
  const forget = manager.watch(ticket, stream().close)
  manager.watch(ticket, stream().close)
  forget()
  await manager.end(ticket, 'logout')
  assert.deepEqual(told, ['opened', 'opened', 'gone', 'session_ended'])
})

test('a ticket that is none is nobody’s: nothing is watched, nothing is asked', async () => {
  const { manager, store, pass } = setUp()
  store.before = () => assert.fail('the store was asked')
  const open = stream()
  manager.watch('v1.no-ticket', open.close)()
  await pass(1_000)
  assert.equal(open.closed, 0)
})

test('E-08: with Redis, an end elsewhere closes streams within a second; while it vouches, looking costs nothing', async (t) => {
  const rig = await startRedisRig(t)
  const [first, second] = [await startRedisInstance(t, rig), await startRedisInstance(t, rig)]
  const { ticket } = await first.manager.create(sessionDraft())
  assert.equal(await second.subjectOf(ticket), 'alice')
  const open = stream()
  second.manager.watch(ticket, open.close)
  const reads = await countReads(rig, async () => {
    for (let i = 0; i < 20; i++) {
      rig.clock.advance(500)
      await turn()
    }
  })
  assert.equal(reads, 0)
  await first.manager.end(ticket, 'logout')
  // No look is due: the message of Redis is enough.
  await until(1_000, () => assert.equal(open.closed, 1))
})

test('E-08: without a near cache Redis is asked twice a second for each session, however many streams it has', async (t) => {
  const rig = await startRedisRig(t)
  const options = { manager: { nearCache: undefined }, redis: { tracking: false } }
  const [first, second] = [await startRedisInstance(t, rig, options), await startRedisInstance(t, rig, options)]
  const { ticket } = await first.manager.create(sessionDraft())
  const open = Array.from({ length: 50 }, stream)
  const look = async (): Promise<void> => {
    rig.clock.advance(500)
    await second.store.ping()
    await turn()
  }
  for (const { close } of open) second.manager.watch(ticket, close)
  await look()
  const reads = await countReads(rig, look)
  assert.ok(reads <= 1, String(reads))
  await first.manager.end(ticket, 'logout')
  await until(1_000, async () => {
    await look()
    assert.ok(open.every(({ closed }) => closed === 1))
  })
})
