import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deepMerge, isPlainObject } from './deep-merge.ts'

test('objects are merged key by key; arrays, scalars and null are replaced', () => {
  const base = { a: { x: 1, y: { z: 2 } }, list: [1, 2], scalar: 'a', gone: { deep: true } }
  const over = { a: { y: { w: 3 } }, list: [3], scalar: { now: 'object' }, gone: null, fresh: 1 }
  assert.deepEqual(deepMerge(base, over), {
    a: { x: 1, y: { z: 2, w: 3 } },
    list: [3],
    scalar: { now: 'object' },
    gone: null,
    fresh: 1,
  })
})

test('inputs are not changed', () => {
  const base = { a: { x: 1 } }
  const over = { a: { y: 2 } }
  deepMerge(base, over)
  assert.deepEqual([base, over], [{ a: { x: 1 } }, { a: { y: 2 } }])
})

test('an undefined value leaves what is below', () => {
  assert.deepEqual(deepMerge({ a: 1 }, { a: undefined }), { a: 1 })
})

test('a key __proto__ or constructor is data and pollutes nothing', () => {
  const over = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}') as object
  const merged = deepMerge({}, over as Record<string, unknown>)
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  assert.equal(Object.getPrototypeOf(merged), Object.prototype)
  assert.ok(Object.hasOwn(merged, '__proto__'))
  assert.equal(Object.hasOwn(deepMerge(merged, over as Record<string, unknown>), 'polluted'), false)
})

test('instances of classes and arrays are no plain objects', () => {
  assert.deepEqual(
    [{}, Object.create(null), [], new Date(0), null, 'x'].map((value) => isPlainObject(value)),
    [true, true, false, false, false, false],
  )
})
