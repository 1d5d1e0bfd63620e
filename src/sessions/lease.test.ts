import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pass } from '../../test/support/refresh-rig.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { createUnreliableStore } from '../../test/support/unreliable-store.ts'
import type { SessionStore } from './contract.ts'
import { Lease } from './lease.ts'
import { MemoryStore } from './memory.ts'

function setUp() {
  const clock = createTestClock()
  const store = createUnreliableStore(new MemoryStore({ maxSessions: 10, maxStates: 10 }, clock))
  const take = (holder: string, on: SessionStore = store) => Lease.take({ store: on, clock }, 'session', holder)
  return { clock, store, take }
}

test('a lease lasts as long as it is held, and is free as soon as it is given back', async () => {
  const { clock, take } = setUp()
  const lease = await take('a')
  assert.equal(lease?.isSafe, true)
  await pass(clock, 60_000)
  assert.equal(lease?.isSafe, true)
  assert.equal(await take('b'), undefined)
  await lease?.release()
  assert.equal(lease?.isSafe, false)
  assert.notEqual(await take('b'), undefined)
  assert.equal(clock.pending, 1, 'nothing renews what was given back')
})

test('who was stopped for a while knows it before he looks at the store, and while the lease is still his', async () => {
  const { clock, store, take } = setUp()
  const lease = await take('a')
  store.before = () => new Promise(() => undefined)
  clock.advance(6_000)
  assert.equal(lease?.isSafe, false)
  store.before = undefined
  assert.equal(await take('b'), undefined)
})

test('a store that does not answer makes the lease unsafe before it ends, and safe again when it does in time', async () => {
  const { clock, store, take } = setUp()
  const lease = await take('a')
  store.down = true
  await pass(clock, 4_000)
  assert.equal(lease?.isSafe, true)
  await pass(clock, 2_000)
  assert.equal(lease?.isSafe, false)
  store.down = false
  await pass(clock, 1_000)
  assert.equal(lease?.isSafe, true)
  assert.equal(await take('b'), undefined)
})

test('a lease that somebody else has by now is lost for good, and giving it back takes nothing away', async () => {
  const { clock, store, take } = setUp()
  const lease = await take('a')
  store.failing.add('renewLease')
  await pass(clock, 8_000)
  const other = await take('b')
  assert.notEqual(other, undefined)
  store.failing.clear()
  await pass(clock, 3_000)
  assert.deepEqual([lease?.isSafe, other?.isSafe], [false, true])
  await lease?.release()
  assert.equal(await take('c'), undefined)
})

test('a store that renews none gives leases that are longer', async () => {
  const { clock, store, take } = setUp()
  const { renewLease: _, ...plain } = store
  const lease = await take('a', plain)
  await pass(clock, 30_000)
  assert.deepEqual([lease?.isSafe, await take('b', plain)], [true, undefined])
  await pass(clock, 10_000)
  assert.equal(lease?.isSafe, false)
  assert.notEqual(await take('b', plain), undefined)
})

test('a clock that is set back makes no lease longer', async (t) => {
  const { clock, store } = setUp()
  let now = clock.now()
  const lease = await Lease.take({ store, clock: { ...clock, now: () => now } }, 'session', 'a')
  now -= 3_600_000
  const { performance } = globalThis
  const later = performance.now() + 6_000
  t.mock.method(performance, 'now', () => later)
  assert.equal(lease?.isSafe, false)
})
