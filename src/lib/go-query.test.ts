import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeQuery, escapeQuery, readQuery } from './go-query.ts'

test('a query is read and written as Go does', () => {
  assert.equal(escapeQuery("a b+c/é!*'()~-_."), 'a+b%2Bc%2F%C3%A9%21%2A%27%28%29~-_.')
  const read = readQuery('b=2&a=1&a=x+y&bad=%zz&no;t=1&&flag&=v')
  assert.deepEqual(Object.fromEntries(read), { b: ['2'], a: ['1', 'x y'], flag: [''], '': ['v'] })
  assert.equal(encodeQuery(read), '=v&a=1&a=x+y&b=2&flag=')
})

test('names are sorted by their bytes', () => {
  const query = new Map([
    ['é', ['1']],
    ['z', ['2']],
    ['Z', ['3']],
  ])
  assert.equal(encodeQuery(query), 'Z=3&z=2&%C3%A9=1')
})
