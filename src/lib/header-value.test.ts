import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toHeaderValue } from './header-value.ts'

test('plain text stays as it is', () => {
  for (const text of ['', 'a b\tc', ' a ', '<"\\>~']) assert.equal(toHeaderValue(text), text)
})

test('other text is UTF-8, one byte a character', () => {
  assert.equal(toHeaderValue('é名😀'), Buffer.from('é名😀').toString('latin1'))
})

test('a byte that is not part of UTF-8 stays that byte', () => {
  assert.equal(toHeaderValue('a\udcffé\udc80'), 'a\xff\xc3\xa9\x80')
})

test('F-21: controls and line separators become spaces', () => {
  assert.equal(toHeaderValue('a\r\n\0b\u0085c\u2028d\u2029e\x7ff'), 'a   b c d e f')
  assert.equal(toHeaderValue('\r\na\n'), 'a')
})

test('F-21 V-109: for any text the value is one that Node sends', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.match(toHeaderValue(text), /^[\t\x20-\x7e\x80-\xff]*$/)
    }),
  )
})
