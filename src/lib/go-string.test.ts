import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { byteLength, bytesOf, byteSlice, compareBytes, isAscii, rejoin, runeCount, stringOf } from './go-string.ts'

const bytes = fc.uint8Array({ maxLength: 40 })
const text = fc.string({ unit: 'binary', maxLength: 30 })

test('any bytes become a string and the same bytes again', () => {
  fc.assert(
    fc.property(bytes, (value) => {
      assert.deepEqual([...bytesOf(stringOf(value))], [...value])
    }),
  )
})

test('a string of valid UTF-8 is itself', () => {
  fc.assert(
    fc.property(text, (value) => {
      assert.equal(stringOf(Buffer.from(value)), value)
      assert.equal(byteLength(value), Buffer.byteLength(value))
      assert.equal(runeCount(value), [...value].length)
      assert.equal(isAscii(value), Buffer.byteLength(value) === value.length)
    }),
  )
})

test('a text that is cut anywhere and joined again is whole', () => {
  fc.assert(
    fc.property(text, fc.nat(60), (value, at) => {
      const cut = Math.min(at, byteLength(value))
      const joined = byteSlice(value, 0, cut) + byteSlice(value, cut, byteLength(value))
      assert.equal(rejoin(joined), value)
    }),
  )
})

test('strings are ordered by their bytes, not by their UTF-16 units', () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      assert.equal(Math.sign(compareBytes(stringOf(a), stringOf(b))), Buffer.compare(a, b))
    }),
  )
  assert.equal(compareBytes('\uffff', '\u{10000}'), -1)
})

test('a lone surrogate that stands for no byte is U+FFFD', () => {
  assert.equal(bytesOf('a\ud800b\udc7f').toString('hex'), '61efbfbd62efbfbd')
})
