import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createTestClock } from '../../test/support/test-clock.ts'
import { MemoryStore } from './memory.ts'
import { createLoginStates } from './states.ts'

function setUp() {
  const clock = createTestClock()
  const store = new MemoryStore({ maxSessions: 10, maxStates: 10 }, clock)
  return { clock, store, states: createLoginStates(store, clock), end: clock.now() + 600_000 }
}

const some = () => randomBytes(16).toString('base64url')
const value = { nonce: 'n', returnTo: '/a?b=ü', list: [1, null] }

test('A-02: a state is given once', async () => {
  const { states, end } = setUp()
  const [id, secret] = [some(), some()]
  await states.put(id, secret, value, end, '192.0.2.1')
  assert.deepEqual(await states.take(id, secret), value)
  assert.equal(await states.take(id, secret), undefined)
})

test('A-01, V-078: the right state in the wrong browser opens nothing and uses nothing up', async () => {
  const { states, end } = setUp()
  const [id, secret] = [some(), some()]
  await states.put(id, secret, value, end, '192.0.2.1')
  assert.equal(await states.take(id, some()), undefined)
  assert.equal(await states.take(some(), secret), undefined)
  assert.equal(await states.take(secret, id), undefined)
  assert.deepEqual(await states.take(id, secret), value)
})

test('FM-23: a state ends at its end although the store still has it', async () => {
  const { clock, store, end } = setUp()
  const forgetful = Object.assign(Object.create(store) as MemoryStore, {
    putState: (key: string, bytes: Uint8Array, _: number, origin: string) =>
      store.putState(key, bytes, end * 2, origin),
    takeState: (key: string) => store.takeState(key),
  })
  const states = createLoginStates(forgetful, clock)
  const [id, secret] = [some(), some()]
  await states.put(id, secret, value, end, '192.0.2.1')
  clock.advance(600_000)
  assert.equal(await states.take(id, secret), undefined)
})

test('V-083, E-10: what cannot be the id of a state is not looked up', async () => {
  const { clock, store } = setUp()
  const asked: string[] = []
  const watched = Object.assign(Object.create(store) as MemoryStore, {
    takeState: (key: string) => void asked.push(key),
  })
  const states = createLoginStates(watched, clock)
  for (const junk of [
    '',
    'short',
    '*',
    '%s %b',
    'x\r\nSET y z aaaaaaaaaa',
    'a'.repeat(129),
    '../../../../etc/passwd',
  ]) {
    assert.equal(await states.take(junk, some()), undefined)
    assert.equal(await states.take(some(), junk), undefined)
  }
  assert.deepEqual(asked, [])
})

test('FM-22: a value that was tampered with opens nothing', async () => {
  const { clock, store, end } = setUp()
  for (const tamper of [
    (b: Uint8Array) => b.fill(9, 20, 21),
    (b: Uint8Array) => b.fill(2, 0, 1),
    () => new Uint8Array(),
  ]) {
    const dishonest = Object.assign(Object.create(store) as MemoryStore, {
      putState: (key: string, bytes: Uint8Array, ends: number, origin: string) =>
        store.putState(key, tamper(bytes), ends, origin),
      takeState: (key: string) => store.takeState(key),
    })
    const states = createLoginStates(dishonest, clock)
    const [id, secret] = [some(), some()]
    await states.put(id, secret, value, end, '192.0.2.1')
    assert.equal(await states.take(id, secret), undefined)
  }
})
