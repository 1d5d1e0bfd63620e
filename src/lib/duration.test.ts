import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDuration, SINGLE_UNIT_DURATION, SINGLE_UNIT_DURATION_WITH_DAYS } from './duration.ts'

test('a duration of Go is read to milliseconds', () => {
  const durations: Record<string, number> = {
    '0': 0,
    '-0': 0,
    '-0s': 0,
    '0s': 0,
    '500ms': 500,
    '30s': 30_000,
    '10m': 600_000,
    '24h': 86_400_000,
    '7d': 604_800_000,
    '1h30m': 5_400_000,
    '1.5s': 1_500,
    '.5s': 500,
    '1.s': 1_000,
    '-1s': -1_000,
    '+1s': 1_000,
    '250us': 0.25,
    '250µs': 0.25,
    '1000000ns': 1,
  }
  for (const [text, ms] of Object.entries(durations)) assert.equal(parseDuration(text), ms, text)
})

test('what is not a duration is refused', () => {
  for (const text of ['', '-', '+', '5', '1S', ' 1s', '1s ', '1 s', '1h 30m', 's', '.s', '1w', '1e3s', 'NaN', '--1s']) {
    assert.throws(() => parseDuration(text), /is not a duration/, JSON.stringify(text))
  }
})

test('V-089: a duration that overflows is refused', () => {
  assert.throws(() => parseDuration('2562048h'), /too long/)
  assert.throws(() => parseDuration(`${'9'.repeat(400)}h`), /too long/)
  assert.equal(parseDuration('2562047h'), 2562047 * 3_600_000)
})

test('the strict patterns take one integer and one unit', () => {
  for (const text of ['1ns', '2us', '3ms', '4s', '5m', '6h']) assert.match(text, SINGLE_UNIT_DURATION)
  for (const text of ['7d', '1h30m', '1.5s', '-1s', '0', '1S', ' 1s', '1s\n']) {
    assert.doesNotMatch(text, SINGLE_UNIT_DURATION)
  }
  assert.match('7d', SINGLE_UNIT_DURATION_WITH_DAYS)
})
