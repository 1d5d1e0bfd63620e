import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseByteSize } from './byte-size.ts'

test('a size is read to bytes', () => {
  const sizes: Record<string, number> = {
    '0': 0,
    '65536': 65_536,
    '12B': 12,
    '16KiB': 16_384,
    '16kib': 16_384,
    '16 KiB': 16_384,
    '10MB': 10_000_000,
    '1.5KB': 1_500,
    '2GiB': 2_147_483_648,
    '1TB': 1e12,
  }
  for (const [text, bytes] of Object.entries(sizes)) assert.equal(parseByteSize(text), bytes, text)
})

test('what is not a size is refused', () => {
  for (const text of ['', 'KiB', '-1', '1 k', '1K', '1,5KB', '1  KB', '1e3', '1KB ']) {
    assert.throws(() => parseByteSize(text), /is not a size/, JSON.stringify(text))
  }
})

test('a size that is no whole number, or overflows, is refused', () => {
  assert.throws(() => parseByteSize('1.5B'), /whole number/)
  assert.throws(() => parseByteSize('99999999999TiB'), /too large/)
})
