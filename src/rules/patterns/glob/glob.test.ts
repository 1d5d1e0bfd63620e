import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { Budget, EvaluationError } from '../budget.ts'
import { PatternError } from '../delimiters.ts'
import { compileGlob } from './glob.ts'

const FIXTURES = new URL('../../../../test/fixtures/patterns/', import.meta.url)

function fixture<T>(name: string): T[] {
  const text = readFileSync(new URL(name, FIXTURES), 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T)
}

function answer(matches: ReturnType<typeof compileGlob>, target: string): boolean | 'fails' {
  try {
    return matches(target, new Budget())
  } catch (cause) {
    if (cause instanceof EvaluationError) return 'fails'
    throw cause
  }
}

test('2,000 globs give the answers recorded from gobwas/glob 0.2.3', () => {
  for (const [url, pairs] of fixture<[string, [string, boolean | 'fails'][]]>('glob.jsonl')) {
    const matches = compileGlob(url)
    for (const [target, expected] of pairs) assert.equal(answer(matches, target), expected, `${url} on ${target}`)
  }
})

test('what gobwas/glob does not compile is refused', () => {
  for (const url of fixture<string>('glob-refused.jsonl')) assert.throws(() => compileGlob(url), PatternError, url)
})

const TABLE: readonly (readonly [url: string, yes: readonly string[], no: readonly string[]])[] = [
  ['h/<*>', ['h/', 'h/ab'], ['h/a.b', 'h/a/b', 'g/a']],
  ['h/<**>', ['h/', 'h/a.b', 'h/a/b'], ['h']],
  ['h/<?>', ['h/a', 'h/é'], ['h/', 'h/.', 'h/ab']],
  ['h/<http|https>', ['h/http|https'], ['h/http', 'h/https']],
  ['h/<{http,https}>', ['h/http', 'h/https'], ['h/http,https']],
  ['h/<[0-9]*>', ['h/1abc', 'h/1'], ['h/', 'h/abc']],
  ['h/<{a,b>', ['h/a', 'h/b'], ['h/{a,b', 'h/ab']],
  ['h/a*b', ['h/a*b'], ['h/ab', 'h/axb']],
  ['h/<\\*>', ['h/*'], ['h/a']],
]

for (const [url, yes, no] of TABLE) {
  test(`${url} matches what the documentation says`, () => {
    const matches = compileGlob(url)
    for (const target of yes) assert.equal(answer(matches, target), true, target)
    for (const target of no) assert.equal(answer(matches, target), false, target)
  })
}

test('literal text matches itself and nothing else', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (text, other) => {
      fc.pre(!/[<>\0\uFFFD]/.test(text) && text.isWellFormed() && other.isWellFormed())
      const matches = compileGlob(text)
      assert.equal(answer(matches, text), true)
      assert.equal(answer(matches, other), text === other)
    }),
  )
})

test('a glob has a bounded number of parts', () => {
  assert.throws(() => compileGlob(`<${'?*'.repeat(200)}>`), PatternError)
})
