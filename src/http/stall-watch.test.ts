import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestClock } from '../../test/support/test-clock.ts'
import { StallWatch, type Watched } from './stall-watch.ts'

function watched(check: (now: number) => void): Watched {
  return { slot: -1, check }
}

test('who is watched is asked several times within the shortest deadline', () => {
  const clock = createTestClock(0)
  const watch = new StallWatch(clock, 500)
  const asked: number[] = []
  watch.add(watched((now) => asked.push(now)))
  clock.advance(500)
  assert.deepEqual(asked, [100, 200, 300, 400, 500])
})

test('nobody watched, no timer', () => {
  const clock = createTestClock(0)
  const watch = new StallWatch(clock, 500)
  const one = watched(() => {})
  watch.add(one)
  watch.add(one)
  assert.equal(watch.size, 1)
  watch.delete(one)
  watch.delete(one)
  clock.advance(100)
  assert.equal(clock.pending, 0)
  clock.advance(10_000)
  watch.add(one)
  assert.equal(watch.now, 10_100, 'the time is right again for the first one')
})

test('who leaves while others are asked disturbs nobody', () => {
  const clock = createTestClock(0)
  const watch = new StallWatch(clock, 500)
  const asked: string[] = []
  const all = ['a', 'b', 'c', 'd'].map((name) =>
    watched(() => {
      asked.push(name)
      if (name === 'c') for (const other of [all[0], all[2]]) watch.delete(other as Watched)
    }),
  )
  for (const one of all) watch.add(one)
  clock.advance(100)
  assert.deepEqual([...new Set(asked)], ['d', 'c', 'b'])
  assert.equal(watch.size, 2)
  asked.length = 0
  clock.advance(100)
  assert.deepEqual(asked.sort(), ['b', 'd'])
})

test('FM-23: a clock that is set, or a process that is stopped, makes nobody stand still for that long', () => {
  const clock = createTestClock(0)
  let offset = 0
  const watch = new StallWatch({ ...clock, now: () => clock.now() + offset }, 500)
  const asked: number[] = []
  watch.add(watched((now) => asked.push(now)))
  clock.advance(100)
  offset = 3_600_000
  clock.advance(100)
  offset = 0
  clock.advance(200)
  assert.deepEqual(asked, [100, 400, 400, 500])
})
