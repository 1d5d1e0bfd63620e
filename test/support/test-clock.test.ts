import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestClock } from './test-clock.ts'

test('timers run in order of time, each at its own moment, also those set on the way', () => {
  const clock = createTestClock(1000)
  const seen: [string, number][] = []
  clock.schedule(30, () => seen.push(['late', clock.now()]))
  clock.schedule(10, () => {
    seen.push(['early', clock.now()])
    clock.schedule(5, () => seen.push(['nested', clock.now()]))
  })
  clock.schedule(100, () => seen.push(['not yet', clock.now()]))
  clock.advance(50)
  assert.deepEqual(seen, [
    ['early', 1010],
    ['nested', 1015],
    ['late', 1030],
  ])
  assert.equal(clock.now(), 1050)
  assert.equal(clock.pending, 1)
})

test('a cancelled timer does not run', () => {
  const clock = createTestClock(0)
  const cancel = clock.schedule(10, () => assert.fail('ran'))
  cancel()
  clock.advance(20)
})
