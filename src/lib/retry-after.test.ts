import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRetryAfter } from './retry-after.ts'

test('Retry-After is a number of seconds or a date', () => {
  const now = Date.parse('Tue, 24 Nov 2026 10:00:00 GMT')
  assert.equal(parseRetryAfter(undefined, now), undefined)
  assert.equal(parseRetryAfter('soon', now), undefined)
  assert.equal(parseRetryAfter('120', now), 120_000)
  assert.equal(parseRetryAfter('Tue, 24 Nov 2026 10:00:30 GMT', now), 30_000)
  assert.equal(parseRetryAfter('Tue, 24 Nov 2026 09:00:00 GMT', now), 0)
})
