import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAccept } from './accept.ts'

const types = (...lines: string[]): string[] => readAccept(lines).map(({ type, quality }) => `${type} ${quality}`)

test('ranges come with their quality, in order, over all lines', () => {
  assert.deepEqual(types('text/html, a/b;q=0.5 ,*/*; q=0', 'x/y'), ['text/html 1', 'a/b 0.5', '*/* 0', 'x/y 1'])
})

test('a line ends at the first range that is malformed or has another parameter', () => {
  assert.deepEqual(types('text/html,application/signed-exchange;v=b3;q=0.9,a/b'), ['text/html 1'])
  assert.deepEqual(types('a/b;q=0.9;level=1,c/d'), ['a/b 0.9'])
  assert.deepEqual(types('a/b;q=x,c/d', 'e/f'), ['e/f 1'])
  assert.deepEqual(types('', ',', '"a"'), [])
  assert.deepEqual(types('garbage'), ['garbage 1'])
})
