import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestClock } from '../../test/support/test-clock.ts'
import { createRemoteValue } from './remote-value.ts'

/** Loads that the test answers one by one. */
function createRig() {
  const clock = createTestClock(0)
  const loads: PromiseWithResolvers<string>[] = []
  const value = createRemoteValue({
    load() {
      const load = Promise.withResolvers<string>()
      loads.push(load)
      return load.promise
    },
    now: clock.now,
    maxAgeMs: 600_000,
    cooldownMs: 30_000,
    backoffMs: 10_000,
  })
  return { clock, loads, value }
}

test('many callers share one load, and a fresh value is given at once', async () => {
  const { loads, value } = createRig()
  const asked = Promise.all([value.get(), value.get(), value.get()])
  assert.equal(loads.length, 1)
  loads[0]?.resolve('a')
  assert.deepEqual(await asked, ['a', 'a', 'a'])
  assert.equal(value.get(), 'a')
})

test('a value past half its age is renewed in the background', async () => {
  const { clock, loads, value } = createRig()
  const first = value.get()
  loads[0]?.resolve('a')
  await first
  clock.advance(300_000)
  assert.equal(value.get(), 'a')
  assert.equal(value.get(), 'a')
  assert.equal(loads.length, 2)
  loads[1]?.resolve('b')
  await loads[1]?.promise
  await Promise.resolve()
  assert.equal(value.get(), 'b')
})

test('a value past its age is waited for once; a failure keeps the old one and is not waited for again', async () => {
  const { clock, loads, value } = createRig()
  const first = value.get()
  loads[0]?.resolve('a')
  await first
  clock.advance(600_000)
  const late = value.get()
  assert.ok(late instanceof Promise)
  loads[1]?.reject(new Error('down'))
  assert.equal(await late, 'a')
  assert.equal(value.get(), 'a')
  assert.equal(loads.length, 2, 'no load while backing off')
  clock.advance(10_000)
  assert.equal(value.get(), 'a')
  assert.equal(loads.length, 3, 'tries again behind the back of the caller')
})

test('V-127: a first load that fails is not repeated within the back-off', async () => {
  const { clock, loads, value } = createRig()
  const first = assert.rejects(Promise.resolve(value.get()), /down/)
  loads[0]?.reject(new Error('down'))
  await first
  for (let i = 0; i < 1000; i++) await assert.rejects(Promise.resolve(value.get()), /down/)
  for (let i = 0; i < 1000; i++) await assert.rejects(value.reload(), /down/)
  assert.equal(loads.length, 1)
  clock.advance(10_000)
  const second = value.get()
  loads[1]?.resolve('a')
  assert.equal(await second, 'a')
})

test('B-18: reload loads once within the cool-down', async () => {
  const { clock, loads, value } = createRig()
  const first = value.get()
  loads[0]?.resolve('a')
  await first
  const reloaded = value.reload()
  loads[1]?.resolve('b')
  assert.equal(await reloaded, 'b')
  for (let i = 0; i < 1000; i++) assert.equal(await value.reload(), 'b')
  assert.equal(loads.length, 2)
  clock.advance(30_000)
  const again = value.reload()
  loads[2]?.resolve('c')
  assert.equal(await again, 'c')
})

test('B-18: a slow old answer never overwrites a newer one', async () => {
  const { loads, value } = createRig()
  const slow = value.get()
  const newer = value.reload()
  assert.equal(loads.length, 2, 'reload does not join a load that began before')
  loads[1]?.resolve('new')
  assert.equal(await newer, 'new')
  loads[0]?.resolve('old')
  assert.equal(await slow, 'new')
  assert.equal(value.get(), 'new')
})

test('a slow old failure does not count after a newer success', async () => {
  const { clock, loads, value } = createRig()
  const slow = value.get()
  const newer = value.reload()
  loads[1]?.resolve('new')
  await newer
  loads[0]?.reject(new Error('late'))
  assert.equal(await slow, 'new')
  clock.advance(300_000)
  assert.equal(value.get(), 'new')
  assert.equal(loads.length, 3, 'not backing off')
})

test('B-18: who asks for a reload while one is under way gets what it brings, not what it is to replace', async () => {
  const { loads, value } = createRig()
  const first = value.get()
  loads[0]?.resolve('a')
  await first
  const reloads = Promise.all([value.reload(), value.reload(), value.reload()])
  assert.equal(loads.length, 2)
  loads[1]?.resolve('b')
  assert.deepEqual(await reloads, ['b', 'b', 'b'])
  assert.equal(await value.reload(), 'b')
  assert.equal(loads.length, 2)
})
