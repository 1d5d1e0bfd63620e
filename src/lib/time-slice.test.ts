import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TimeSlice } from './time-slice.ts'

test('a slice ends with its time, and others have their turn before the next', async () => {
  const slice = new TimeSlice(2)
  assert.equal(slice.isOver, false)
  const began = performance.now()
  while (!slice.isOver) assert.ok(performance.now() - began < 1000)
  let served = false
  setImmediate(() => {
    served = true
  })
  await slice.next()
  assert.equal(served, true)
  assert.equal(slice.isOver, false)
})
