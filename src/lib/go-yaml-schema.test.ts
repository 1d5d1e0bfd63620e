import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DocumentError } from './document.ts'
import { parseGoYaml } from './yaml.ts'

const WORDS: readonly (readonly [text: string, value: unknown])[] = [
  ['yes', true],
  ['On', true],
  ['y', true],
  ['NO', false],
  ['off', false],
  ['n', false],
  ['true', true],
  ['yEs', 'yEs'],
  ['~', null],
  ['', null],
  ['Null', null],
  ['7', 7],
  ['-7', -7],
  ['0777', 511],
  ['0o17', 15],
  ['0x1F', 31],
  ['0b11', 3],
  ['1_000', 1000],
  ['08', 8],
  ['1.5', 1.5],
  ['.5', 0.5],
  ['1e3', 1000],
  ['1.2.3', '1.2.3'],
  ['0x', '0x'],
  ['12:30', '12:30'],
  ['2024-01-01', '2024-01-01'],
  ['"yes"', 'yes'],
  ["'7'", '7'],
]

for (const [text, value] of WORDS) {
  test(`${JSON.stringify(text)} means in YAML what Go's yaml.v2 reads`, () => {
    assert.deepEqual(parseGoYaml(`a: ${text}\n`), { a: value })
  })
}

test('the last of several equal keys counts, and the first of several documents', () => {
  assert.deepEqual(parseGoYaml('a: 1\na: 2\n---\nb: 1\n'), { a: 2 })
})

test('merge keys are merged', () => {
  assert.deepEqual(parseGoYaml('- &x {a: 1}\n- <<: *x\n  b: 2\n'), [{ a: 1 }, { a: 1, b: 2 }])
})

test('an alias bomb is refused', () => {
  const bomb = [
    'a0: &a0 [x]',
    ...Array.from({ length: 20 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(100)}]`),
  ]
  assert.throws(() => parseGoYaml(bomb.join('\n')), DocumentError)
})

test('a document without content is undefined', () => {
  for (const text of ['', '\n', '# x\n', '---\n']) assert.equal(parseGoYaml(text), undefined)
})
