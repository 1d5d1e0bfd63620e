import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ErrorCode } from '../../kernel/catalogue.ts'
import { GateError } from '../../kernel/errors.ts'
import type { Matcher } from '../../kernel/matcher.ts'
import { Budget } from '../patterns/budget.ts'
import { type CompiledPattern, compilePattern, type MatchingStrategy } from '../patterns/compile.ts'
import { createMatcher, type IndexedRule } from './matcher.ts'

function rules(urls: Record<string, string>, strategy: MatchingStrategy = 'regexp'): IndexedRule<string>[] {
  return Object.entries(urls).map(([plan, url]) => ({ methods: ['GET'], pattern: compilePattern(url, strategy), plan }))
}

function answer(matcher: Matcher<string>, host: string, path: string, scheme = 'http', method = 'GET') {
  try {
    return matcher.match(method, scheme, host, path).plan
  } catch (cause) {
    if (cause instanceof GateError) return cause.code
    throw cause
  }
}

test('one rule that matches is given with what its groups captured', () => {
  const matcher = createMatcher(rules({ user: 'http://h/users/<[0-9]+>/<(?<n>a)|(b)>', other: 'http://h/users' }))
  assert.deepEqual(matcher.match('GET', 'http', 'h', '/users/7/b'), {
    plan: 'user',
    captureGroups: ['7', 'b', 'b', ''],
  })
  assert.deepEqual(matcher.match('GET', 'http', 'h', '/users'), { plan: 'other', captureGroups: [] })
})

test('none is not found, several are an error, whatever their order', () => {
  const matcher = createMatcher(rules({ all: 'http://h/<.*>', two: 'http://h/two' }))
  assert.equal(answer(matcher, 'h', '/one'), 'all')
  assert.equal(answer(matcher, 'h', '/two'), 'ERR_RULE_AMBIGUOUS')
  assert.equal(answer(matcher, 'g', '/one'), 'ERR_RULE_NOT_FOUND')
  assert.equal(answer(createMatcher([]), 'h', '/'), 'ERR_RULE_NOT_FOUND')
})

test('a pattern that cannot be evaluated fails the request, and is no match', () => {
  const matcher = createMatcher(rules({ hard: 'http://h/<(\\w+)(\\w+)\\2\\1-x>' }))
  assert.equal(answer(matcher, 'h', `/${'ab'.repeat(4000)}`), 'ERR_RULE_MATCH_FAILED')
})

test('methods are compared without regard to case, and none matches an empty list', () => {
  const pattern = compilePattern('http://h/a', 'regexp')
  const matcher = createMatcher([
    { methods: ['get', 'PROPFIND'], pattern, plan: 'read' },
    { methods: ['Post'], pattern, plan: 'write' },
    { methods: [], pattern, plan: 'never' },
  ])
  const by = (method: string) => answer(matcher, 'h', '/a', 'http', method)
  assert.deepEqual(['GET', 'get', 'POST', 'propfind', 'HEAD', 'OPTIONS', ''].map(by), [
    'read',
    'read',
    'write',
    'read',
    'ERR_RULE_NOT_FOUND',
    'ERR_RULE_NOT_FOUND',
    'ERR_RULE_NOT_FOUND',
  ])
})

test('a method that a rule names twice is one', () => {
  const matcher = createMatcher([{ methods: ['GET', 'get'], pattern: compilePattern('http://h/', 'glob'), plan: 'x' }])
  assert.equal(answer(matcher, 'h', '/'), 'x')
})

test('scheme, host and path are compared as they are written', () => {
  const matcher = createMatcher(rules({ a: 'http://app.example/a', tls: 'https://app.example/a' }))
  assert.equal(answer(matcher, 'app.example', '/a'), 'a')
  assert.equal(answer(matcher, 'app.example', '/a', 'https'), 'tls')
  assert.equal(answer(matcher, 'app.example', '/A'), 'ERR_RULE_NOT_FOUND')
  assert.equal(answer(matcher, 'app.example', '/a', 'HTTP'), 'ERR_RULE_NOT_FOUND')
  assert.equal(answer(matcher, 'app.example', ''), 'ERR_RULE_NOT_FOUND')
})

const SPELLINGS = ['ADMIN.Example.Test', 'admin.example.test.', 'admin.example.test:80', 'Admin.Example.Test.:80']
for (const host of SPELLINGS) {
  test(`V-029: ${host} does not get around the rule of admin.example.test`, () => {
    const urls = { admin: 'http://admin.example.test/<.*>', any: 'http://<(?!admin\\.).*>/<.*>' }
    const matcher = createMatcher(rules(urls))
    assert.equal(answer(matcher, 'admin.example.test', '/x'), 'admin')
    assert.match(answer(matcher, host, '/x'), /^(admin|ERR_RULE_NOT_FOUND)$/)
    assert.equal(answer(matcher, 'other.test', '/x'), 'any')
    assert.equal(answer(matcher, 'OTHER.test', '/x'), 'any')
  })
}

test('V-029: a rule written for one spelling of a host matches that spelling', () => {
  const matcher = createMatcher(rules({ port: 'https://h:443/<.*>', upper: 'http://App.Example/<.*>' }))
  assert.equal(answer(matcher, 'h:443', '/x', 'https'), 'port')
  assert.equal(answer(matcher, 'App.Example', '/x'), 'upper')
  assert.equal(answer(matcher, 'app.example', '/x'), 'ERR_RULE_NOT_FOUND')
})

test('V-014: what follows a question mark is no part of what is matched', () => {
  const matcher = createMatcher(rules({ status: 'http://h/api/<.*>/status' }))
  assert.equal(answer(matcher, 'h', '/api/x/status'), 'status')
  assert.equal(answer(matcher, 'h', '/api/private/x'), 'ERR_RULE_NOT_FOUND')
})

test('V-116: rules that look alike when joined are kept apart', () => {
  const matcher = createMatcher(
    rules({ one: 'http://h:3100/1/private', two: 'http://h:31001/private', three: 'http://h/3100/private' }),
  )
  assert.equal(answer(matcher, 'h:3100', '/1/private'), 'one')
  assert.equal(answer(matcher, 'h:31001', '/private'), 'two')
  assert.equal(answer(matcher, 'h', '/3100/private'), 'three')
})

test('the index gives what a look at every rule gives', () => {
  const piece = fc.constantFrom(
    '<.*>',
    '<[a-z]+>',
    '<a|b>',
    '<.*>/x',
    'a',
    'b',
    'ab',
    'a/b',
    'x',
    '<(/.*)?>',
    '<>',
    'é',
    '\n',
  )
  const url = fc
    .tuple(
      fc.constantFrom('http://h', 'http<s?>://h', '<.*>://h', 'http://<.*>', '<https?>://<[^/]+>', 'http://h<:1?>'),
      fc.array(piece, { maxLength: 3 }),
    )
    .map(([origin, pieces]) => [origin, ...pieces].join('/'))
  const path = fc
    .array(fc.constantFrom('a', 'b', 'ab', 'x', 'c', 'é', ''), { maxLength: 4 })
    .map((parts) => `/${parts.join('/')}`)
  fc.assert(
    fc.property(
      fc.array(url, { minLength: 1, maxLength: 30 }),
      fc.array(fc.tuple(path, fc.boolean()), { minLength: 5, maxLength: 10 }),
      (urls, paths) => {
        const all = rules(Object.fromEntries(urls.map((each, i) => [`r${i}`, each])))
        const matcher = createMatcher(all)
        for (const [clean, endsInNewline] of paths) {
          const target = endsInNewline ? `${clean}\n` : clean
          const found = all.filter(({ pattern }) => pattern.match(`http://h${target}`, new Budget()) !== undefined)
          const expected = found.length > 1 ? 'ERR_RULE_AMBIGUOUS' : (found[0]?.plan ?? 'ERR_RULE_NOT_FOUND')
          assert.equal(answer(matcher, 'h', target), expected, `${target} in ${urls.join(' ')}`)
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('rules about RPC methods match nothing but RPC, by the scheme rpc', () => {
  const http = rules({ http: 'https://h/<.*>' }).map((rule) => ({ ...rule, methods: ['GET', 'POST'] }))
  const rpc = { methods: ['POST'], pattern: compilePattern('rpc://h/pkg.Service/<Read.*>', 'regexp'), isRpc: true }
  const matcher = createMatcher([{ ...rpc, plan: 'rpc' }])
  assert.deepEqual(matcher.match('POST', 'https', 'h', '/pkg.Service/ReadAll', true), {
    plan: 'rpc',
    captureGroups: ['ReadAll'],
  })
  const refused: Parameters<typeof matcher.match>[] = [
    ['POST', 'https', 'h', '/pkg.Service/ReadAll'],
    ['POST', 'rpc', 'h', '/pkg.Service/ReadAll'],
    ['GET', 'https', 'h', '/pkg.Service/ReadAll', true],
    ['POST', 'https', 'h', '/pkg.Service/Write', true],
    ['POST', 'https', 'g', '/pkg.Service/ReadAll', true],
  ]
  for (const args of refused) assert.throws(() => matcher.match(...args), { code: 'ERR_RULE_NOT_FOUND' })
  // An RPC is HTTP as well: saying that a request is one does not get around the rule that it meets as HTTP.
  const both = createMatcher([...http, { ...rpc, plan: 'rpc' }])
  assert.equal(both.match('POST', 'https', 'h', '/pkg.Service/Write', true).plan, 'http')
  assert.equal(both.match('POST', 'https', 'h', '/pkg.Service/ReadAll').plan, 'http')
  assert.throws(() => both.match('POST', 'https', 'h', '/pkg.Service/ReadAll', true), { code: 'ERR_RULE_AMBIGUOUS' })
})

test('V-029: another spelling of an authority does not get around the rule of an RPC', () => {
  const patterns = rules({ strict: 'rpc://h/<.*>', lax: 'rpc://<.*:443>/<.*>' })
  const matcher = createMatcher(patterns.map((rule) => ({ ...rule, methods: ['POST'], isRpc: true })))
  assert.equal(matcher.match('POST', 'https', 'h', '/a/b', true).plan, 'strict')
  assert.throws(() => matcher.match('POST', 'https', 'h:443', '/a/b', true), { code: 'ERR_RULE_NOT_FOUND' })
  assert.equal(matcher.match('POST', 'https', 'x:443', '/a/b', true).plan, 'lax')
})

const SHAPES: Record<string, (i: number) => string> = {
  'a path of its own': (i) => `http://h/svc${i}/<.*>`,
  'a host of its own': (i) => `https://tenant${i}.example/<.*>`,
  'a wildcard for the host': (i) => `http<s?>://<[^/]+>/svc${i}/<.*>`,
  'a wildcard before what differs': (i) => `http://h/<[^/]+>/svc${i}/<.*>`,
  'no wildcard': (i) => `http://h/a/b/svc${i}`,
  'a wildcard scheme': (i) => `<https?>://tenant${i}.example/<.*>`,
}

for (const [shape, urlOf] of Object.entries(SHAPES)) {
  test(`a request is held against a few of 2,000 rules that have ${shape}`, () => {
    let looks = 0
    const counted = (pattern: CompiledPattern): CompiledPattern => ({
      ...pattern,
      match(target, budget) {
        looks++
        return pattern.match(target, budget)
      },
    })
    const urls = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`r${i}`, urlOf(i)]))
    const all = rules(urls).map((rule) => ({ ...rule, pattern: counted(rule.pattern) }))
    const matcher = createMatcher(all)
    const address = urlOf(1234)
      .replaceAll('<[^/]+>', 'h')
      .replaceAll('<.*>', 'x')
      .replace(/<s\?>/, 's')
      .replace('<https?>', 'https')
    const [, scheme = '', host = '', path = ''] = /^(\w+):\/\/([^/]+)(.*)$/.exec(address) ?? []
    assert.equal(answer(matcher, host, path, scheme), 'r1234')
    assert.ok(looks <= 5, `${looks} rules were looked at`)
  })
}

test('every code that matching ends with is one of three', () => {
  const codes: readonly ErrorCode[] = ['ERR_RULE_NOT_FOUND', 'ERR_RULE_AMBIGUOUS', 'ERR_RULE_MATCH_FAILED']
  const matcher = createMatcher(rules({ a: 'http://h/<.*>', b: 'http://<.*>/a', c: 'http://h/<(\\w+)\\1{3,}x>' }))
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), (host, path) => {
      const given = answer(matcher, host, `/${path}`)
      assert.ok(['a', 'b', 'c'].includes(given) || codes.some((code) => code === given), given)
    }),
  )
})
