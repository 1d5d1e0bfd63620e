import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCookies, writeCookie } from './go-cookie.ts'

const read = (...lines: string[]): string[] => readCookies(lines).map(({ name, value }) => `${name}|${value}`)
const write = (value: string, isQuoted = false): string => writeCookie({ name: 'n', value, isQuoted })

test('cookies are read as Go reads them', () => {
  assert.deepEqual(read('a=1; b="2 x" ;c', 'a=3'), ['a|1', 'b|2 x', 'c|', 'a|3'])
  assert.deepEqual(read('a b=1; =2; é=3; d=é; e=a\\b; f="; g=a"b; h=x=y;; '), ['h|x=y'])
})

test('cookies are written as Go writes them', () => {
  assert.equal(write('a'), 'n=a')
  assert.equal(write('a', true), 'n="a"')
  assert.equal(write('', true), 'n=')
  assert.equal(write('a b,c'), 'n="a b,c"')
  assert.equal(write('a";\\\r\n\u007fé€b'), 'n=ab')
})
