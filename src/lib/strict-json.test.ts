import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseStrictJson, parseStrictJsonBytes } from './strict-json.ts'

test('what JSON.stringify writes is read back', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value)
      if (!text.includes('__proto__')) assert.deepEqual(parseStrictJson(text), JSON.parse(text))
    }),
  )
})

const refused: Record<string, string> = {
  'a repeated key': '{"sub":"a","sub":"b"}',
  'a repeated key in another spelling': '{"sub":"a","s\\u0075b":"b"}',
  'a repeated key before white space': '{"sub"\n:"a","sub" :"b"}',
  'a repeated key deep inside': '[{"a":{"x":1,"y":2,"x":3}}]',
  'a key __proto__': '{"__proto__":{"admin":true}}',
  'a key __proto__ in escapes': '{"\\u005f_proto__":1}',
  'trailing data': '{} {}',
  'half a surrogate pair': '{"a":["\\ud800"]}',
  'half a surrogate pair in a key': '{"\\uDC00":1}',
  'a number that is too large': '{"a":1e400}',
  'a number of too many digits': `[${'9'.repeat(400)}]`,
  'an open string': '{"a',
  nothing: '',
}
for (const [name, text] of Object.entries(refused)) {
  test(`${name} is refused`, () => assert.throws(() => parseStrictJson(text), SyntaxError))
}

test('equal keys of different objects and equal values are no repetition', () => {
  assert.deepEqual(parseStrictJson('{"a":{"a":"a"},"b":["a","a",{"a":1}]}'), { a: { a: 'a' }, b: ['a', 'a', { a: 1 }] })
})

test('V-104: 100,000 levels are refused before anything is built', () => {
  assert.throws(() => parseStrictJson('['.repeat(100_000) + ']'.repeat(100_000)), /nested deeper/)
})

test('B-19: a byte order mark, UTF-16 and broken UTF-8 are refused', () => {
  assert.throws(() => parseStrictJsonBytes(Buffer.from('\ufeff{}')), SyntaxError)
  assert.throws(() => parseStrictJsonBytes(Buffer.from('{}', 'utf16le')), SyntaxError)
  assert.throws(() => parseStrictJsonBytes(Buffer.from([0x22, 0xff, 0x22])), SyntaxError)
})

test('an error quotes nothing of the text', () => {
  assert.throws(
    () => parseStrictJson('{"access_token":"s3cret"'),
    (error: Error) => !error.message.includes('s3cret'),
  )
})
