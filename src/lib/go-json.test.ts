import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goJson, goMember } from './go-json.ts'

test('A.6: keys are sorted, HTML is escaped, numbers are as Go prints them', () => {
  assert.equal(
    goJson({ b: [1, -0, 1e21, 1e-7, 1.5], a: { z: null, y: true } }),
    '{"a":{"y":true,"z":null},"b":[1,-0,1e+21,1e-7,1.5]}',
  )
  assert.equal(goJson('<a href="x">&\u2028</a>'), '"\\u003ca href=\\"x\\"\\u003e\\u0026\\u2028\\u003c/a\\u003e"')
  assert.equal(goJson({ '<': undefined }), '{"\\u003c":null}')
})

test('the keys of a Map keep their order, as those of a struct', () => {
  assert.equal(
    goJson(
      new Map<string, unknown>([
        ['b', 1],
        ['a', new Map()],
      ]),
    ),
    '{"b":1,"a":{}}',
  )
})

test('what is not UTF-8 becomes U+FFFD', () => {
  assert.equal(goJson(['a\udc80', '\ud83d\ude00']), '["a\ufffd","\ud83d\ude00"]')
})

test('a number that JSON cannot hold is refused', () => {
  assert.throws(() => goJson({ a: Number.POSITIVE_INFINITY }), RangeError)
})

test('H-08: a key __proto__ is a key', () => {
  const value = JSON.parse('{"__proto__":{"a":1}}') as unknown
  assert.equal(goJson({ ...(value as object) }), '{"__proto__":{"a":1}}')
})

test('a member is found by its name first, then in any case', () => {
  assert.equal(goMember({ Subject: 1, SUBJECT: 2 }, 'subject'), 2)
  assert.equal(goMember({ Subject: 1, subject: null }, 'subject'), null)
  assert.equal(goMember({}, 'toString'), undefined)
})
