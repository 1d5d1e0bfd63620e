import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestClock } from '../../../../test/support/test-clock.ts'
import { createAnswerCache } from './answer-cache.ts'
import type { HydratorAnswer } from './ask-hydrator.ts'
import { readSession } from './read-session.ts'

const answerOf = (subject: string, size = 1000): HydratorAnswer => ({ session: readSession({ subject }), size })

test('the cache is bounded, what was not used for longest goes', async () => {
  const cache = createAnswerCache(60_000, createTestClock(), 20_000)
  let asked = 0
  const get = (subject: string): HydratorAnswer | Promise<HydratorAnswer> =>
    cache.get([subject], () => {
      asked++
      return Promise.resolve(answerOf(subject))
    })
  await get('first')
  for (let i = 0; i < 1000; i++) {
    await get(`subject-${i}`)
    assert.ok(!(get('first') instanceof Promise))
  }
  assert.equal(asked, 1001)
  await get('subject-0')
  assert.equal(asked, 1002)
})

test('V-049: no two questions share an answer because their parts join to the same text', async () => {
  const cache = createAnswerCache(60_000, createTestClock())
  const questions = [['a', 'bc'], ['ab', 'c'], ['abc'], ['a","bc'], ['', 'abc']]
  for (const question of questions) await cache.get(question, () => Promise.resolve(answerOf(JSON.stringify(question))))
  for (const question of questions) {
    const { session } = await cache.get(question, () => assert.fail('it is kept'))
    assert.equal(session.subject, JSON.stringify(question))
  }
})

test('the time of an answer begins when it was asked for', async () => {
  const clock = createTestClock()
  const cache = createAnswerCache(10_000, clock)
  await cache.get(['q'], () => {
    clock.advance(9_000)
    return Promise.resolve(answerOf('old'))
  })
  clock.advance(1_000)
  const { session } = await cache.get(['q'], () => Promise.resolve(answerOf('new')))
  assert.equal(session.subject, 'new')
})
