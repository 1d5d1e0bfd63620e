import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseQuery } from './query.ts'

test('names and values are decoded, repeated names keep every value', () => {
  assert.deepEqual(
    [...(parseQuery('a=1&b=x+y%20z&a=%C3%A9&c&=&&__proto__=p') ?? [])],
    [
      ['a', ['1', 'é']],
      ['b', ['x y z']],
      ['c', ['']],
      ['', ['']],
      ['__proto__', ['p']],
    ],
  )
})

test('no query is no parameters', () => assert.equal(parseQuery('')?.size, 0))

for (const raw of ['a=%', 'a=%zz', 'a=%E0%A4%A', '%=1', 'a=%ff']) {
  test(`"${raw}" is refused`, () => assert.equal(parseQuery(raw), undefined))
}
