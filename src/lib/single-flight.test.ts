import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSingleFlight } from './single-flight.ts'

test('equal calls at the same time are one', async () => {
  const flight = createSingleFlight<number>()
  const { promise, resolve } = Promise.withResolvers<number>()
  let begun = 0
  const begin = () => {
    begun++
    return promise
  }
  const outcomes = [flight.run('a', begin), flight.run('a', begin), flight.run('b', begin)]
  assert.equal(begun, 2)
  resolve(7)
  assert.deepEqual(await Promise.all(outcomes), [7, 7, 7])
  assert.equal(flight.size, 0)
})

const fail = () => Promise.reject(new Error('down'))

test('a failure is shared and not kept', async () => {
  const flight = createSingleFlight<number>()
  const outcomes = await Promise.allSettled([flight.run('a', fail), flight.run('a', fail)])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  assert.equal(await flight.run('a', () => Promise.resolve(1)), 1)
  assert.equal(flight.size, 0)
})
