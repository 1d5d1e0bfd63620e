import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJson, decodeJsonBytes } from './decode-json.ts'

test('ordinary JSON is decoded', () => {
  assert.deepEqual(decodeJson(' {"a":[1,2.5,"x",null,true],"b":{}} '), { a: [1, 2.5, 'x', null, true], b: {} })
})

test('half a surrogate pair becomes the replacement character, in keys too', () => {
  assert.deepEqual(decodeJson('{"\\ud800":"a\\uDC80b","ok":"\\ud83d\\ude00"}'), { '\ufffd': 'a\ufffdb', ok: '😀' })
})

test('a number that is too large for a double is a mistake', () => {
  for (const text of ['1e400', '[-1E+999]', `{"a":${'9'.repeat(400)}}`])
    assert.throws(() => decodeJson(text), SyntaxError)
  assert.deepEqual(decodeJson('[1e-400,1e300]'), [0, 1e300])
})

test('V-103: __proto__ is dropped', () => {
  const decoded = decodeJson('{"__proto__":{"admin":true},"a":1}') as Record<string, unknown>
  assert.deepEqual(Object.keys(decoded), ['a'])
  assert.equal(decoded['admin'], undefined)
})

test('V-104: deep nesting is refused before it is built', () => {
  assert.throws(() => decodeJson('['.repeat(100_000) + ']'.repeat(100_000)), SyntaxError)
})

test('a mistake quotes nothing of the text', () => {
  assert.throws(
    () => decodeJson('{"token":secret}'),
    (error: Error) => !error.message.includes('secret'),
  )
})

test('bytes that are not UTF-8 become replacement characters, a byte order mark is a mistake', () => {
  assert.equal(decodeJsonBytes(Buffer.from([0x22, 0xff, 0x22])), '\ufffd')
  assert.throws(() => decodeJsonBytes(Buffer.from('\ufeff{}')), SyntaxError)
})
