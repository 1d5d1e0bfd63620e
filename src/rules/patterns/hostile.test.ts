import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Budget, EvaluationError } from './budget.ts'
import { compileGlob } from './glob/glob.ts'
import { compileRegexp } from './regexp/regexp.ts'

/** Longer than any target that a request's headers leave room for. */
const SIZE = 8192
/** Of this process, so that a busy machine does not matter. Twice what is promised, for a cold start on a slow one. */
const CPU_LIMIT_MS = 100

const REGEXPS = [
  '<[a-z]+>*',
  '<(a+)+>$',
  '<(a|a)*>b',
  '<(a|aa)+>',
  '<(a*)*b>',
  '<([a-z]+)*>x',
  `<${'a?'.repeat(30)}${'a'.repeat(30)}>`,
  `<${'(a?)'.repeat(30)}${'a'.repeat(30)}>`,
  '<.*><.*><.*>x',
  '<.*>a<.*>b<.*>c<.*>d',
  '<(.*)(.*)(.*)(.*)(.*)(.*)>x',
  '<(\\w*)(\\w*)\\2\\1x>',
  '<(?!.*x)(a+)+>y',
  '<(?=(a+)+b).*>',
  '<((a|b|ab)*)*c>',
  '<(?:(?:a{1,5}){1,5}){1,5}>x',
  '<(?:[a-z]{1,100}){1,100}>x',
  '<(?i)(a+)+>x',
  '<\\p{L}+\\p{L}+\\p{L}+>1',
  '<(?:(?=.*b)a)*>c',
  '<(x+x+)+>y',
  '<(.*?,){11}P>',
  '<(?:a{1,1000}){1,3}>b',
  '<(?:.+.+)+=.+>',
]
const GLOBS = [
  '<**a**a**a**a**b>',
  `<${'*a'.repeat(20)}>`,
  `<${'**a'.repeat(20)}b>`,
  `<${'?*'.repeat(20)}>x`,
  `<${'{*a,*b}'.repeat(10)}>`,
  `<${'[!a]**'.repeat(15)}1>`,
  `<${'{a*,{b*,{a*,{b*,c}}}}'.repeat(6)}>`,
]
const TARGETS = ['a', 'ab', '(', '[', '{', '!', 'x', 'é', 'a/', 'a.', '1,', '😀']
  .map((unit) => unit.repeat(Math.ceil(SIZE / unit.length)).slice(0, SIZE))
  .concat(`${'a'.repeat(SIZE - 1)}\n`)

function checkBounded(match: (target: string, budget: Budget) => unknown, url: string): void {
  match('warm', new Budget())
  for (const target of TARGETS) {
    const before = process.cpuUsage()
    try {
      match(target, new Budget())
    } catch (cause) {
      assert.ok(cause instanceof EvaluationError, String(cause))
    }
    const { user, system } = process.cpuUsage(before)
    const tookMs = (user + system) / 1000
    assert.ok(tookMs < CPU_LIMIT_MS, `${url} took ${tookMs} ms on ${target.slice(0, 4)}…`)
  }
}

for (const url of REGEXPS) {
  test(`V-128, F-34: the regular expression ${url.slice(0, 40)} is bounded on hostile targets`, () => {
    checkBounded(compileRegexp(url), url)
  })
}

for (const url of GLOBS) {
  test(`V-128: the glob ${url.slice(0, 40)} is bounded on hostile targets`, () => {
    checkBounded(compileGlob(url), url)
  })
}

test('V-128: nested repetitions without back-references are answered, not given up', () => {
  for (const url of ['<(a+)+>$', '<(a|a)*>b', '<(a*)*b>', '<(x+x+)+>y', '<(.*?,){11}P>', '<.*><.*><.*>z']) {
    const match = compileRegexp(url)
    for (const target of TARGETS) assert.equal(match(target, new Budget()), undefined, url)
  }
})

test('F-34: one budget bounds the work of all patterns together', () => {
  const match = compileRegexp('<(\\w+)(\\w+)\\2\\1-x>')
  const budget = new Budget()
  const target = 'ab'.repeat(SIZE / 2)
  assert.throws(() => match(target, budget), EvaluationError)
  assert.throws(() => match(target, budget), EvaluationError)
  budget.reset()
  assert.deepEqual(match('ababx', budget), undefined)
})

test('V-118: odd characters in rules are refused in words or compiled, never a crash', () => {
  for (const unit of [
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '!',
    '\\',
    '*',
    '?',
    '|',
    '^',
    '-',
    ',',
    '(?',
    '[:',
    '\\p{',
    '(?<',
    'é',
  ]) {
    for (const times of [1, 2, 500]) {
      const url = `h/<${unit.repeat(times)}>`
      for (const compile of [compileRegexp, compileGlob]) {
        try {
          const match: (target: string, budget: Budget) => unknown = compile(url)
          match(`h/${unit.repeat(times)}`, new Budget())
        } catch (cause) {
          assert.match((cause as Error).name, /^(PatternError|EvaluationError)$/, `${url}: ${String(cause)}`)
        }
      }
    }
  }
})

test('V-118: patterns nested without end, or larger than an engine takes, are refused or run', () => {
  for (const url of [`<${'('.repeat(5000)}${')'.repeat(5000)}>`, `<${'(?:a|'.repeat(1000)}b${')'.repeat(1000)}>`]) {
    assert.throws(() => compileRegexp(url), /nested more than 200 deep/)
  }
  assert.throws(() => compileGlob(`<${'{a,'.repeat(1000)}>`), /nested more than 200 deep/)
  const large = compileRegexp(`<(?:${Array.from({ length: 5000 }, (_, i) => `word${i}`).join('|')})>`)
  assert.deepEqual(large('word4999', new Budget()), ['word4999'])
  assert.deepEqual(compileRegexp('<(?:ab){2,100000}c>')('ababc', new Budget()), ['ababc'])
  assert.deepEqual(compileRegexp(`<${'[a-z]{1,1000}'.repeat(40)}>`)('x'.repeat(60), new Budget()), ['x'.repeat(60)])
})
