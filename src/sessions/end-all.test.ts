import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startRedisInstance, startRedisRig } from '../../test/support/redis-instances.ts'
import { sessionDraft } from '../../test/support/session-draft.ts'
import { createTestClock, type TestClock } from '../../test/support/test-clock.ts'
import { createUnreliableStore, type UnreliableStore } from '../../test/support/unreliable-store.ts'
import { until } from '../../test/support/until.ts'
import { silentLogger } from '../kernel/logger.ts'
import type { SessionDraft, SessionManager } from './contract.ts'
import { sessionEvents } from './events.ts'
import { createSessionManager } from './manager.ts'
import { MemoryStore } from './memory.ts'
import { storeUnavailable } from './store-error.ts'

const ISSUER = 'https://issuer.example'
const UNAVAILABLE = { code: 'ERR_SESSION_STORE_UNAVAILABLE' }

function setUp(given: { store?: UnreliableStore; clock?: TestClock } = {}) {
  const clock = given.clock ?? createTestClock()
  const store = given.store ?? createUnreliableStore(new MemoryStore({ maxSessions: 1000, maxStates: 1000 }, clock))
  const options = {
    store,
    clock,
    logger: silentLogger,
    lifetimes: { lifetimeMs: 3_600_000, idleTimeoutMs: undefined },
    refresh: { refreshBeforeMs: 60_000, onRefreshFailure: 'keep' },
    nearCache: { maxSessions: 1000, maxAgeMs: 60_000, outageGraceMs: 30_000 },
  } as const
  return { clock, store, manager: createSessionManager(options), other: createSessionManager(options) }
}

async function begin(manager: SessionManager, changes: Partial<SessionDraft> = {}): Promise<string> {
  return (await manager.create(sessionDraft(changes))).ticket
}

async function alive(manager: SessionManager, tickets: readonly string[]): Promise<boolean[]> {
  const found: boolean[] = []
  for (const ticket of tickets) found.push((await manager.open(ticket)) !== undefined)
  return found
}

test('C-14: a session at the provider, a person, or what is both: what is meant ends, at every instance, and nothing else', async () => {
  const { manager, other } = setUp()
  const tickets = [
    await begin(manager, { sid: 'one' }),
    await begin(other, { sid: 'two' }),
    await begin(manager),
    await begin(manager, { subject: 'bob', sid: 'one' }),
    await begin(manager, { issuer: 'https://other.example', sid: 'one' }),
  ]
  assert.equal(await manager.endAll({ issuer: ISSUER, subject: 'alice', sid: 'one' }, 'backchannel'), 1)
  assert.deepEqual(await alive(other, tickets), [false, true, true, true, true])
  assert.equal(await manager.endAll({ issuer: ISSUER, sid: 'one' }, 'backchannel'), 1)
  assert.deepEqual(await alive(other, tickets), [false, true, true, false, true])
  assert.equal(await other.endAll({ issuer: ISSUER, subject: 'alice' }, 'revoked'), 2)
  assert.deepEqual(await alive(manager, tickets), [false, false, false, false, true])
  assert.equal(await manager.endAll({ issuer: ISSUER, subject: 'nobody' }, 'revoked'), 0)
})

test('V-085: ending the oldest session of a person leaves the others to be found by subject', async () => {
  const { manager } = setUp()
  const tickets = [await begin(manager), await begin(manager), await begin(manager)]
  await manager.end(tickets[0] ?? '', 'logout')
  assert.equal(await manager.endAll({ issuer: ISSUER, subject: 'alice' }, 'backchannel'), 2)
  assert.deepEqual(await alive(manager, tickets), [false, false, false])
})

test('each end is told once, with its reason, by the public id', async () => {
  const { manager } = setUp()
  const told: unknown[] = []
  const listen = (event: unknown): void => void told.push(event)
  sessionEvents.subscribe(listen)
  await begin(manager)
  await manager.endAll({ issuer: ISSUER, subject: 'alice' }, 'backchannel')
  await manager.endAll({ issuer: ISSUER, subject: 'alice' }, 'backchannel')
  sessionEvents.unsubscribe(listen)
  assert.deepEqual(told, [
    { type: 'created', provider: 'demo' },
    { type: 'ended', provider: 'demo', reason: 'backchannel' },
  ])
})

test('a session that began later than asked for stays', async () => {
  const { manager, clock } = setUp()
  const before = await begin(manager)
  const createdUntil = clock.now()
  clock.advance(1)
  const after = await begin(manager)
  assert.equal(await manager.endAll({ issuer: ISSUER, subject: 'alice' }, 'backchannel', { createdUntil }), 1)
  assert.deepEqual(await alive(manager, [before, after]), [false, true])
})

test('a record that nobody can read ends with those that it is filed with', async () => {
  const { manager, store, clock } = setUp()
  const index = { subject: JSON.stringify([ISSUER, 'alice']) }
  await store.createSession('key', Buffer.from('of another release'), clock.now() + 1000, index)
  assert.equal(await manager.endAll({ issuer: ISSUER, subject: 'alice' }, 'backchannel'), 1)
  assert.equal(await store.getSession('key'), undefined)
})

test('C-15: a store that fails part-way: it says so, what was ended stays ended, the rest is refused here and ended later', async () => {
  const { manager, other, store, clock } = setUp()
  const tickets = [await begin(manager), await begin(manager), await begin(manager)]
  let deletions = 0
  store.before = (operation) => {
    if (operation === 'deleteSession' && ++deletions > 1) throw storeUnavailable('the test took the store away')
  }
  await assert.rejects(manager.endAll({ issuer: ISSUER, subject: 'alice' }, 'backchannel'), UNAVAILABLE)
  assert.deepEqual(await alive(manager, tickets), [false, false, false])
  assert.deepEqual((await alive(other, tickets)).filter(Boolean).length, 2)

  store.before = undefined
  clock.advance(10_000)
  await until(2_000, async () => assert.deepEqual(await alive(other, tickets), [false, false, false]))
})

test('C-15: a store that is away: what is known here is refused here; whoever logs in when it is back stays', async () => {
  const { manager, store, clock } = setUp()
  const [ticket, bobs] = [await begin(manager), await begin(manager, { subject: 'bob' })]
  await alive(manager, [ticket, bobs])
  store.down = true
  await assert.rejects(manager.endAll({ issuer: ISSUER, subject: 'alice' }, 'backchannel'), UNAVAILABLE)
  assert.equal(await manager.open(ticket), undefined)
  await assert.rejects(async () => await manager.open(bobs), UNAVAILABLE)
  store.down = false
  clock.advance(1_001)
  const later = await begin(manager)
  clock.advance(10_000)
  await until(2_000, async () => assert.equal((await store.findSessions({ subject: subjectIndex() })).length, 1))
  assert.deepEqual(await alive(manager, [ticket, bobs, later]), [false, true, true])
})

test('C-15: a session that an instance began whose clock is ahead is ended with the others when the store is back', async () => {
  const { store, clock, manager } = setUp()
  const ahead = createTestClock(clock.now() + 900)
  const { manager: other } = setUp({ store, clock: ahead })
  const ticket = await begin(other)
  store.down = true
  await assert.rejects(manager.endAll({ issuer: ISSUER, subject: 'alice' }, 'backchannel'), UNAVAILABLE)
  store.down = false
  clock.advance(10_000)
  await until(2_000, async () => assert.equal((await store.findSessions({ subject: subjectIndex() })).length, 0))
  assert.deepEqual(await alive(manager, [ticket]), [false])
})

test('E-08, C-14: with Redis, what one instance ends is refused by another that has it in its near cache', async (t) => {
  const rig = await startRedisRig(t)
  const [first, second] = [await startRedisInstance(t, rig), await startRedisInstance(t, rig)]
  const tickets = await Promise.all(['one', 'two', 'three'].map((sid) => begin(first.manager, { sid })))
  assert.deepEqual(await alive(second.manager, tickets), [true, true, true])
  assert.equal(await first.manager.endAll({ issuer: ISSUER, sid: 'two' }, 'backchannel'), 1)
  assert.deepEqual(await alive(first.manager, tickets), [true, false, true])
  await until(2_000, async () => assert.deepEqual(await alive(second.manager, tickets), [true, false, true]))
  assert.equal(await second.manager.endAll({ issuer: ISSUER, subject: 'alice' }, 'backchannel'), 2)
  await until(2_000, async () => assert.deepEqual(await alive(first.manager, tickets), [false, false, false]))
})

function subjectIndex(): string {
  return JSON.stringify([ISSUER, 'alice'])
}
