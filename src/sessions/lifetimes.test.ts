import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sessionDraft } from '../../test/support/session-draft.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { silentLogger } from '../kernel/logger.ts'
import type { RefreshOutcome, Session } from './contract.ts'
import { createSessionManager, type SessionManagerOptions } from './manager.ts'
import { MemoryStore } from './memory.ts'

const SECOND = 1000
const MINUTE = 60_000
const HOUR = 3_600_000
const DAY = 24 * HOUR

function setUp(options: Partial<SessionManagerOptions> = {}) {
  const clock = createTestClock(1_700_000_000_000)
  const store = new MemoryStore({ maxSessions: 10, maxStates: 10 }, clock)
  const writes: number[] = []
  const update = store.updateSession.bind(store)
  store.updateSession = (...args) => {
    writes.push(clock.now())
    return update(...args)
  }
  const manager = createSessionManager({
    store,
    clock,
    logger: silentLogger,
    lifetimes: { lifetimeMs: DAY, idleTimeoutMs: undefined },
    refresh: { refreshBeforeMs: MINUTE, onRefreshFailure: 'keep' },
    ...options,
  })
  /** Uses the session now and lets what that set off be done. */
  const use = async (ticket: string): Promise<Session | undefined> => {
    const session = await manager.open(ticket)
    await new Promise((done) => setImmediate(done))
    return session
  }
  return { clock, store, manager, use, writes }
}

const lifetimes = (lifetimeMs: number, idleTimeoutMs?: number) => ({ lifetimes: { lifetimeMs, idleTimeoutMs } })

test('E-06: the lifetime is never made longer by use, to the millisecond', async () => {
  const { clock, manager, use } = setUp(lifetimes(HOUR, 10 * MINUTE))
  const { ticket, session } = await manager.create(sessionDraft())
  for (let at = 5; at < 60; at += 5) {
    clock.advance(5 * MINUTE)
    assert.equal((await use(ticket))?.expiresAt, session.createdAt + HOUR)
  }
  clock.advance(5 * MINUTE - 1)
  assert.ok(await use(ticket))
  clock.advance(1)
  assert.equal(await use(ticket), undefined)
})

test('E-05: a session that was idle too long is over, and the request that finds it so does not revive it', async () => {
  const { clock, manager, use, writes } = setUp(lifetimes(DAY, 10 * MINUTE))
  const { ticket } = await manager.create(sessionDraft())
  clock.advance(10 * MINUTE)
  for (let i = 0; i < 3; i++) assert.equal(await use(ticket), undefined)
  assert.deepEqual(writes, [])
})

test('a login may have a lifetime and an idle timeout of its own, longer or shorter', async () => {
  const { clock, manager, use } = setUp(lifetimes(HOUR, 10 * MINUTE))
  const short = await manager.create(sessionDraft({ lifetimeMs: 20 * MINUTE, idleTimeout: 2 * MINUTE }))
  const long = await manager.create(sessionDraft({ lifetimeMs: 2 * DAY, idleTimeout: 'off' }))
  const usual = await manager.create(sessionDraft())
  const alive = async () =>
    Promise.all([short, long, usual].map(async ({ ticket }) => (await use(ticket)) !== undefined))
  clock.advance(2 * MINUTE - 1)
  assert.deepEqual(await alive(), [true, true, true])
  clock.advance(2 * MINUTE)
  assert.deepEqual(await alive(), [false, true, true])
  clock.advance(10 * MINUTE)
  assert.deepEqual(await alive(), [false, true, false])
  clock.advance(2 * DAY - 15 * MINUTE)
  assert.deepEqual(await alive(), [false, true, false])
  clock.advance(2 * MINUTE)
  assert.deepEqual(await alive(), [false, false, false])
})

test('an own lifetime and idle timeout survive touches, refreshes and a restart', async () => {
  const { clock, store, manager, use } = setUp(lifetimes(HOUR, 10 * MINUTE))
  const { ticket } = await manager.create(sessionDraft({ lifetimeMs: 2 * DAY, idleTimeout: 'off' }))
  for (let i = 0; i < 5; i++) {
    clock.advance(5 * MINUTE)
    await use(ticket)
  }
  const again = createSessionManager({
    store,
    clock,
    logger: silentLogger,
    ...lifetimes(HOUR, 10 * MINUTE),
    refresh: { refreshBeforeMs: MINUTE, onRefreshFailure: 'keep' },
  })
  clock.advance(DAY)
  assert.ok(await again.open(ticket))
})

test('touches are throttled by the shortest idle time that anybody minds', async () => {
  const { clock, manager, use, writes } = setUp(lifetimes(DAY))
  const { ticket } = await manager.create(sessionDraft())
  const useFor = async (ms: number): Promise<number> => {
    writes.length = 0
    for (let at = 0; at < ms; at += SECOND) {
      clock.advance(SECOND)
      await use(ticket)
    }
    return writes.length
  }
  assert.equal(await useFor(10 * MINUTE), 2)
  manager.observeIdle(20 * MINUTE)
  manager.observeIdle(HOUR)
  await useFor(5 * MINUTE)
  assert.equal(await useFor(10 * MINUTE), 10)
  manager.observeIdle(MINUTE)
  await useFor(MINUTE)
  assert.equal(await useFor(MINUTE), 20)
})

test('the longest idle time is kept whatever comes later', async () => {
  const { clock, manager, use } = setUp(lifetimes(DAY))
  manager.observeIdle(MINUTE)
  const { ticket } = await manager.create(sessionDraft())
  clock.advance(10 * SECOND)
  await use(ticket)
  clock.advance(25 * MINUTE)
  const { lastSeenAt, longestIdleMs } = (await use(ticket)) as Session
  assert.deepEqual([clock.now() - lastSeenAt, longestIdleMs], [25 * MINUTE, 10 * SECOND])
  for (let i = 0; i < 10; i++) {
    clock.advance(5 * SECOND)
    await use(ticket)
  }
  assert.equal((await use(ticket))?.longestIdleMs, 25 * MINUTE)
})

const TOKENS = { ...sessionDraft().tokens, refreshToken: 'refresh-1' }

/** Refreshes each minute or so; `said`: until when the provider lets the session last, by how often it was asked. */
function refreshing(said: (count: number) => number | undefined) {
  const rig = setUp(lifetimes(HOUR))
  const { clock, manager } = rig
  let count = 0
  manager.onRefresh(async (): Promise<RefreshOutcome> => {
    const tokens = { ...TOKENS, accessTokenExpiresAt: clock.now() + 2 * MINUTE }
    return { kind: 'refreshed', tokens, claims: undefined, expiresAt: said(++count) }
  })
  const begin = (expiresAt?: number) =>
    manager.create(sessionDraft({ tokens: { ...TOKENS, accessTokenExpiresAt: clock.now() + 2 * MINUTE }, expiresAt }))
  const pass = async (ticket: string, minutes: number): Promise<Session | undefined> => {
    for (let i = 0; i < minutes; i++) {
      clock.advance(MINUTE)
      await rig.use(ticket)
    }
    return rig.use(ticket)
  }
  return { ...rig, begin, pass }
}

test('what the provider says about the end of its session holds, and a refresh says it anew', async () => {
  const { clock, begin, pass } = refreshing(() => clock.now() + 5 * MINUTE)
  const { ticket, session } = await begin(clock.now() + 5 * MINUTE)
  assert.equal(session.expiresAt - clock.now(), 5 * MINUTE)
  assert.equal(session.lifetimeEndsAt - clock.now(), HOUR)
  const later = (await pass(ticket, 30)) as Session
  assert.ok(later.expiresAt > clock.now() + 3 * MINUTE && later.expiresAt <= clock.now() + 5 * MINUTE)
  assert.equal(later.lifetimeEndsAt, session.lifetimeEndsAt)
  clock.advance(5 * MINUTE)
  assert.equal(await pass(ticket, 0), undefined)
})

test('a provider makes no session longer than its lifetime', async () => {
  const { clock, begin, pass } = refreshing(() => clock.now() + DAY)
  const { ticket, session } = await begin(clock.now() + 5 * MINUTE)
  assert.equal((await pass(ticket, 58))?.expiresAt, session.lifetimeEndsAt)
  assert.equal(await pass(ticket, 2), undefined)
})

test('a refresh at which the provider says nothing leaves the end as it was', async () => {
  const { clock, begin, pass } = refreshing(() => undefined)
  const { ticket } = await begin(clock.now() + 20 * MINUTE)
  assert.ok(await pass(ticket, 19))
  assert.equal(await pass(ticket, 1), undefined)
})

test('a refresh at which the provider says that it is over ends the session', async () => {
  const { clock, begin, pass } = refreshing((count) => (count === 3 ? clock.now() : undefined))
  const { ticket } = await begin()
  assert.equal(await pass(ticket, 30), undefined)
})
