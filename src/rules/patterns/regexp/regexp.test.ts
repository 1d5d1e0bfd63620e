import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { Budget } from '../budget.ts'
import { PatternError } from '../delimiters.ts'
import { compileRegexp, matchByJavaScript, matchByMachine, parseUrl } from './regexp.ts'

const FIXTURES = new URL('../../../../test/fixtures/patterns/', import.meta.url)

type Recorded = readonly [url: string, pairs: readonly (readonly [target: string, groups: readonly string[] | null])[]]

function fixture<T>(name: string): T[] {
  const text = readFileSync(new URL(name, FIXTURES), 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T)
}

function groups(url: string, target: string): readonly string[] | undefined {
  return compileRegexp(url)(target, new Budget())
}

test('1,800 regular expressions give the matches and groups recorded from regexp2 1.2.0', () => {
  for (const [url, pairs] of fixture<Recorded>('regexp.jsonl')) {
    const match = compileRegexp(url)
    for (const [target, expected] of pairs) {
      assert.deepEqual(match(target, new Budget()) ?? null, expected, `${url} on ${JSON.stringify(target)}`)
    }
  }
})

test('the same when failures are remembered from the first on, and by the own machine alone', () => {
  for (const [url, pairs] of fixture<Recorded>('regexp.jsonl')) {
    const match = matchByMachine(parseUrl(url), 1)
    for (const [target, expected] of pairs) {
      assert.deepEqual(match(target, new Budget()) ?? null, expected, `${url} on ${JSON.stringify(target)}`)
    }
  }
})

test('what regexp2 does not compile is refused', () => {
  for (const url of fixture<string>('regexp-refused.jsonl')) assert.throws(() => parseUrl(url), PatternError, url)
})

test('a mistake is told with what is wrong and where', () => {
  assert.throws(() => parseUrl('h/<[b-a]>'), /range in reverse order in the regular expression "\^\[b-a\]\$"/)
  assert.throws(() => parseUrl('h/<(?<a-b>x)>'), /balancing groups .* are not supported/)
  assert.throws(() => parseUrl('h/<\\p{Other_Math}>'), /"Other_Math" is not supported/)
  assert.throws(() => parseUrl('h/<a)(b>'), /unexpected \)/)
})

test('groups are given unnamed ones first, then named ones, and empty where they took no part', () => {
  assert.deepEqual(groups('u/<[0-9]+>/<(a)|(b)>', 'u/12/b'), ['12', 'b', '', 'b'])
  assert.deepEqual(groups('<(?<n>a)(b)(?<m>c)>', 'abc'), ['abc', 'b', 'a', 'c'])
})

test('what the dialect takes from .NET and from RE2', () => {
  assert.deepEqual(groups('h/<a>', 'h/a\n'), ['a'], 'the end is also before a last newline')
  assert.deepEqual(groups('h/<a\\z>', 'h/a\n'), undefined)
  assert.deepEqual(groups('h/<.>', 'h/\n'), undefined)
  assert.deepEqual(groups('h/<\\d\\w\\s>', 'h/٣é\u00a0'), ['٣é\u00a0'])
  assert.deepEqual(groups('h/<[[:alpha:]]>', 'h/é'), undefined)
  assert.deepEqual(groups('h/<.>', 'h/😀'), ['😀'])
  assert.deepEqual(groups('h/<(?i)k>', 'h/\u212a'), ['\u212a'])
  assert.deepEqual(
    groups('h/<(?:(a)|b)*>', 'h/ab'),
    ['ab', 'a'],
    'a round does not forget what the one before captured',
  )
})

test('a host or path that holds what is special to patterns is literal outside of delimiters', () => {
  assert.deepEqual(groups('http://a.b/(x)+[y]?$', 'http://a.b/(x)+[y]?$'), [])
  assert.deepEqual(groups('http://a.b/<x>', 'http://aXb/x'), undefined)
})

const atom = fc.constantFrom(
  'a',
  'b',
  '.',
  '[ab]',
  '[^a]',
  '\\w',
  '\\d',
  '/',
  '(?=a)',
  '(?!b)',
  '\\b',
  '(?i:A)',
  '[a-c-[b]]',
)
const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '{,2}')
const regexp = fc.letrec<{ branch: string; group: string; unit: string }>((tie) => ({
  unit: fc.oneof({ depthSize: 'small' }, atom, atom, tie('group')),
  branch: fc
    .array(
      fc.tuple(tie('unit'), quantifier).map(([unit, times]) => unit + times),
      { minLength: 1, maxLength: 4 },
    )
    .map((units) => units.join('')),
  group: fc
    .tuple(fc.constantFrom('(', '(?:', '(?<n>'), fc.array(tie('branch'), { minLength: 1, maxLength: 3 }))
    .map(([open, branches]) => `${open}${branches.join('|')})`),
})).branch
const target = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'A', '1', '/', '\n', '_'), maxLength: 12 })

test('JavaScript and the own machine agree wherever JavaScript is used', () => {
  fc.assert(
    fc.property(regexp, fc.array(target, { minLength: 4, maxLength: 8 }), (pattern, targets) => {
      const tree = parseUrl(`<${pattern.replaceAll('(?<n>', '(')}>`)
      const native = matchByJavaScript(tree)
      const machine = matchByMachine(tree)
      const eager = matchByMachine(tree, 1)
      for (const text of targets) {
        const expected = machine(text, new Budget())
        assert.deepEqual(eager(text, new Budget()), expected)
        if (native !== undefined) assert.deepEqual(native.match(text, new Budget()), expected)
      }
    }),
    { numRuns: 500 },
  )
})

test('ordinary patterns are left to JavaScript for targets of any usual length', () => {
  for (const url of [
    'http://h/<.*>',
    'http://h/users/<[0-9]+>/posts/<[^/]+>',
    'http://<[^/]+>/api/<.*>',
    'http://h/<(?!admin).*>',
    'http://h/admin<(/.*)?>',
    'http://h/<[a-z-]+(/[^/]+)?\\.(js|css|png)>',
  ]) {
    assert.ok((matchByJavaScript(parseUrl(url))?.longest ?? 0) >= 500, url)
  }
})
