import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { stringOf } from '../../lib/go-string.ts'
import { unquote } from '../syntax/unquote.ts'
import { LimitError } from '../values/limits.ts'
import { formatFloat } from './float.ts'
import { decodeJson, encodeJson } from './json.ts'
import { sprintf } from './printf.ts'
import { quoteString } from './quote.ts'

const anyString = fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 20 }).map(stringOf))
const finite = fc.double({ noNaN: true, noDefaultInfinity: true })

describe('quoting', () => {
  test('what is quoted is read back as it was', () => {
    fc.assert(fc.property(anyString, (text) => assert.equal(unquote(quoteString(text)), text)))
  })

  test('quoting to ASCII gives ASCII that is read back as it was', () => {
    fc.assert(
      fc.property(anyString, (text) => {
        const quoted = quoteString(text, true)
        assert.match(quoted, /^[\x20-\x7e]*$/)
        assert.equal(unquote(quoted), text)
      }),
    )
  })
})

describe('floats', () => {
  test('the shortest form reads back as the same number in every notation', () => {
    fc.assert(
      fc.property(finite, (value) => {
        for (const verb of ['e', 'f', 'g'] as const) assert.ok(Object.is(Number(formatFloat(value, verb, -1)), value))
      }),
    )
  })

  test('seventeen digits always read back as the same number', () => {
    fc.assert(fc.property(finite, (value) => assert.ok(Object.is(Number(formatFloat(value, 'e', 16)), value))))
  })

  test('places are rounded half to even on the exact value', () => {
    for (const [value, places, text] of [
      [0.5, 0, '0'],
      [1.5, 0, '2'],
      [2.5, 0, '2'],
      [0.25, 1, '0.2'],
      [0.35, 1, '0.3'],
      [1.005, 2, '1.00'],
      [1e23, 0, '99999999999999991611392'],
    ] as const) {
      assert.equal(formatFloat(value, 'f', places), text)
    }
  })
})

describe('printf', () => {
  const value = fc.oneof(
    finite,
    fc.bigInt(),
    fc.boolean(),
    anyString,
    fc.constant(null),
    fc.json().map((text) => JSON.parse(text)),
  )
  const format = fc
    .array(
      fc.constantFrom(
        '%',
        '%v',
        '%5d',
        '%-08.3f',
        '%[2]*d',
        '%q',
        '%x',
        '%+#',
        '*',
        '.',
        '[',
        ']',
        '9',
        '0',
        's',
        '!',
        'é',
      ),
    )
    .map((pieces) => pieces.join(''))

  test('no format and no value make it fail; it complains in the text or is too long', () => {
    fc.assert(
      fc.property(format, fc.array(value, { maxLength: 4 }), (text, values) => {
        try {
          assert.equal(typeof sprintf(text, values), 'string')
        } catch (error) {
          assert.ok(error instanceof LimitError)
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('%q of a text is its quotation, %x its bytes, %d an integer', () => {
    fc.assert(
      fc.property(anyString, fc.bigInt(), (text, number) => {
        assert.equal(sprintf('%q', [text]), quoteString(text))
        assert.equal(sprintf('%v', [text]), text)
        assert.equal(sprintf('%d', [number]), number.toString())
      }),
    )
  })
})

describe('JSON', () => {
  const style = { escapesHtml: true, indent: '' }

  test('what is written reads back as the same data', () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false }), (text) => {
        const value: unknown = JSON.parse(text)
        assert.deepEqual(JSON.parse(encodeJson(decodeJson(text), style)), JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test('no text can leave a script element or a string', () => {
    fc.assert(fc.property(anyString, (text) => assert.doesNotMatch(encodeJson(text, style), /[<>&\u2028\u2029\n]/)))
  })
})
