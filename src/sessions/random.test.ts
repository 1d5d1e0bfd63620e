import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandomPool } from './random.ts'

test('pieces are as long as asked, never alike, and do not share memory', () => {
  const random = createRandomPool()
  const seen = new Set<string>()
  for (let i = 0; i < 5000; i++) {
    const piece = random(12)
    assert.equal(piece.length, 12)
    seen.add(piece.toString('hex'))
    piece.fill(0)
  }
  assert.equal(seen.size, 5000)
})

test('V-096: when the system has no random bytes there are none, also not left-over ones', () => {
  let fails = false
  const random = createRandomPool((pool) => {
    if (fails) throw new Error('no entropy')
    pool.fill(7)
  })
  random(4000)
  fails = true
  assert.throws(() => random(200), /no entropy/)
  assert.throws(() => random(16), /no entropy/)
})
