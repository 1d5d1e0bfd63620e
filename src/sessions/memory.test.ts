import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testSessionStore } from '../../test/contracts/session-store.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { MemoryStore } from './memory.ts'

const LIMITS = { maxSessions: 1000, maxStates: 1000 }
const SWEPT = 20_000

testSessionStore({
  name: 'memory',
  clock: () => createTestClock(),
  create: async (clock) => new MemoryStore(LIMITS, clock),
})

test('memory: a look-up costs no promise', async () => {
  const clock = createTestClock()
  const store = new MemoryStore(LIMITS, clock)
  await store.createSession('key', new Uint8Array(1), clock.now() + 1000, { subject: 'alice' })
  assert.equal((store.getSession('key') as { version: number }).version, 1)
})

test('memory: what is over goes without a request that touches it, the index with it', () => {
  const clock = createTestClock()
  const store = new MemoryStore(LIMITS, clock)
  for (let i = 0; i < 100; i++) {
    const end = clock.now() + i * 1000
    store.createSession(`key-${i}`, new Uint8Array(8), end, { subject: `s-${i}`, providerSession: `p-${i}` })
    store.putState(`state-${i}`, new Uint8Array(8), end, `origin-${i}`)
  }
  clock.advance(50_000 + SWEPT)
  assert.ok(store.sizes.sessions <= 50, `${store.sizes.sessions} sessions are left`)
  assert.ok(store.sizes.indexEntries <= 100)
  clock.advance(50_000 + SWEPT)
  assert.deepEqual(store.sizes, { sessions: 0, states: 0, indexEntries: 0 })
  assert.equal(clock.pending, 0)
})

test('memory: a session that was prolonged is not swept with its first end', () => {
  const clock = createTestClock()
  const store = new MemoryStore(LIMITS, clock)
  store.createSession('key', new Uint8Array(8), clock.now() + 1000, { subject: 'alice' })
  store.updateSession('key', new Uint8Array(8), clock.now() + 100_000, 1)
  clock.advance(1000 + SWEPT)
  assert.equal(store.getSession('key')?.version, 2)
  clock.advance(100_000 + SWEPT)
  assert.equal(store.sizes.sessions, 0)
})

test('FM-29: when sessions are full the one unused for longest goes, out of the index too', () => {
  const clock = createTestClock()
  const store = new MemoryStore({ maxSessions: 3, maxStates: 10 }, clock)
  const end = clock.now() + 1_000_000
  for (const key of ['a', 'b', 'c']) store.createSession(key, new Uint8Array(1), end, { subject: key })
  assert.notEqual(store.getSession('a'), undefined)
  store.createSession('d', new Uint8Array(1), end, { subject: 'd' })
  assert.equal(store.getSession('b'), undefined)
  assert.deepEqual(store.findSessions({ subject: 'b' }), [])
  assert.deepEqual(
    ['a', 'c', 'd'].map((key) => store.getSession(key)?.version),
    [1, 1, 1],
  )
  assert.equal(store.sizes.indexEntries, 3)
})

test("V-078: a flood of login states from one address ends nobody else's login", () => {
  const clock = createTestClock()
  const store = new MemoryStore({ maxSessions: 10, maxStates: 100 }, clock)
  const end = clock.now() + 600_000
  store.putState('mine', Uint8Array.of(1), end, '192.0.2.1')
  for (let i = 0; i < 500; i++) store.putState(`flood-${i}`, Uint8Array.of(2), end, '203.0.113.9')
  store.putState('mine too', Uint8Array.of(3), end, '192.0.2.1')
  for (let i = 500; i < 1000; i++) store.putState(`flood-${i}`, Uint8Array.of(2), end, '203.0.113.9')
  assert.equal(store.sizes.states, 100)
  assert.deepEqual(store.takeState('mine'), Uint8Array.of(1))
  assert.deepEqual(store.takeState('mine too'), Uint8Array.of(3))
  assert.equal(store.takeState('flood-0'), undefined)
  assert.notEqual(store.takeState('flood-999'), undefined)
})

test('V-077: a hundred thousand abandoned logins take bounded room, and none after their time', () => {
  const clock = createTestClock()
  const store = new MemoryStore({ maxSessions: 10, maxStates: 1000 }, clock)
  for (let i = 0; i < 100_000; i++) {
    store.putState(`state-${i}`, Uint8Array.of(1), clock.now() + 600_000, `address-${i % 5000}`)
  }
  assert.equal(store.sizes.states, 1000)
  clock.advance(600_000 + SWEPT)
  assert.equal(store.sizes.states, 0)
})
