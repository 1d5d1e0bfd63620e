import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isNestedDeeper, parseBoundedJson } from './bounded-json.ts'

test('ordinary JSON is parsed as ever', () => {
  for (const value of [null, 1, 'a"[{\\', { a: [1, { b: '}' }] }, [[[[]]]], { '\\u005f': '\u0000' }]) {
    assert.deepEqual(parseBoundedJson(JSON.stringify(value)), value)
  }
  assert.throws(() => parseBoundedJson('{'), SyntaxError)
})

test('V-104: a hundred thousand levels are refused before they are built', () => {
  assert.throws(() => parseBoundedJson('['.repeat(100_000)), /deeper/)
  assert.throws(() => parseBoundedJson('{"a":'.repeat(65) + '1' + '}'.repeat(65)), /deeper/)
  assert.doesNotThrow(() => parseBoundedJson('['.repeat(64) + ']'.repeat(64)))
  assert.equal(isNestedDeeper(JSON.stringify('['.repeat(1000))), false)
})

test('V-133: __proto__ is dropped at every depth and in every spelling', () => {
  const text = '{"__proto__":{"a":1},"x":[{"\\u005f\\u005fproto\\u005f_":2,"y":"__proto__"}]}'
  assert.deepEqual(parseBoundedJson(text), { x: [{ y: '__proto__' }] })
  assert.deepEqual(parseBoundedJson('{"__pr\\u006fto__":1}'), {})
})
