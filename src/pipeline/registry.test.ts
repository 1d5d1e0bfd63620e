import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestRegistry, makeRule, type TestRule, type TestSettings } from '../../test/support/gate.ts'
import type { HandlerKind } from '../kernel/handlers.ts'
import { BUILTIN_HANDLERS } from './builtin.ts'

function problemsOf(rule: TestRule, settings: TestSettings = {}): string[] {
  const { problems } = createTestRegistry({}, settings).compileRule(makeRule(rule))
  return problems.map(({ path, message, ruleId }) => {
    assert.equal(ruleId, rule.id ?? 'rule')
    return `${path}: ${message}`
  })
}

test('a good rule has no problems', () => {
  assert.deepEqual(problemsOf({}), [])
  assert.deepEqual(problemsOf({ upstream: '' }), [])
})

/** The handlers of a kind as messages list them. */
const known = (kind: HandlerKind): string =>
  `[${BUILTIN_HANDLERS.flatMap((handler) => (handler.kind === kind ? [handler.type] : [])).join(' ')}]`

test('an unknown handler is named with those that there are', () => {
  assert.deepEqual(
    problemsOf({ authenticators: ['anonymous', 'nope'], authorizer: 'no', mutators: ['none'], errors: ['nix'] }),
    [
      `authenticators[1].handler: Value "nope" of "authenticators[1]" is not in list of supported authenticators: ${known('authenticators')}`,
      `authorizer.handler: Value "no" of "authorizer.handler" is not in list of supported authorizers: ${known('authorizers')}`,
      `mutators[0].handler: Value "none" of "mutators[0]" is not in list of supported mutators: ${known('mutators')}`,
      `errors[0].handler: Value "nix" of "errors[0]" is not in list of supported error handlers: ${known('errors')}`,
    ],
  )
  assert.match(known('authorizers'), /^\[allow deny/)
})

test('what Oathkeeper asks of a rule is told in its words', () => {
  const registry = createTestRegistry()
  const rule = makeRule({ authenticators: [], mutators: [], authorizer: '', upstream: 'upstream.example' })
  const paths = registry.compileRule({ ...rule, match: undefined }).problems
  assert.deepEqual(
    paths.map(({ path, message }) => [path, message]),
    [
      ['match', 'Value "match" is empty but must be set.'],
      [
        'upstream.url',
        'Value "upstream.example" of "upstream.url" is not a valid url: parse "upstream.example": invalid URI for request',
      ],
      ['authenticators', 'Value of "authenticators" must be set and can not be an empty array.'],
      ['authorizer.handler', 'Value of "authorizer.handler" can not be empty.'],
      ['mutators', 'Value of "mutators" must be set and can not be an empty array.'],
    ],
  )
  assert.deepEqual(problemsOf({ url: '' }), ['match.url: Value "" of "match.url" field must not be empty.'])
})

test('a disabled handler says which switch', () => {
  const settings = { authorizers: { allow: { enabled: false } } }
  assert.deepEqual(problemsOf({}, settings), [
    'authorizer.handler: Authorizer "allow" is disabled per configuration. Set authorizers.allow.enabled to true.',
  ])
})

test('a configuration is strict, and every mistake in it has its place', () => {
  const authenticators = [{ handler: 'anonymous', config: { nope: 1, subject: 5 } }]
  const errors = [{ handler: 'json', config: { when: [{}, { error: ['teapot'] }] } }]
  assert.deepEqual(
    problemsOf({ authenticators, errors }).map((line) => line.replace(/: .*/, '')),
    ['authenticators[0].config.subject', 'authenticators[0].config.nope', 'errors[0].config.when[1].error[0]'],
  )
})

test('the reason of a wrong configuration is Oathkeeper’s', async () => {
  const registry = createTestRegistry()
  const { plan } = registry.compileRule(makeRule({ authenticators: [{ handler: 'anonymous', config: { nope: 1 } }] }))
  assert.throws(() => plan.authenticators[0]?.run({} as never), {
    message: 'authenticator matching this route is misconfigured or disabled',
    reason:
      'Configuration for authenticator "anonymous" could not be validated: additional property nope is not allowed',
  })
})

test('handlers without configuration ignore what they are given', () => {
  const config = { anything: true }
  assert.deepEqual(
    problemsOf({
      authenticators: [{ handler: 'noop', config }],
      authorizer: { handler: 'allow', config },
      mutators: [{ handler: 'noop', config }],
    }),
    [],
  )
})

test('the rule’s configuration lies on the global one, which lies on the defaults', () => {
  const settings = {
    mutators: { header: { enabled: true, config: { headers: { 'X-Global': 'g', 'X-Both': 'g' } } } },
  }
  const mutators = [{ handler: 'header', config: { headers: { 'X-Both': 'r', 'X-Rule': 'r' } } }]
  const { plan, problems } = createTestRegistry({}, settings).compileRule(makeRule({ mutators }))
  assert.deepEqual(problems, [])
  const exchange = { headers: new Map<string, string[]>(), mirrorsHeaders: false }
  void plan.mutators[0]?.run(exchange as never)
  assert.deepEqual(Object.fromEntries(exchange.headers), { 'X-Global': ['g'], 'X-Both': ['r'], 'X-Rule': ['r'] })
})

test('a mistake that comes from the global configuration says so', () => {
  const settings = { mutators: { header: { enabled: true, config: { headers: { 'X Y': 'v' } } } } }
  assert.deepEqual(problemsOf({ mutators: ['header'] }, settings), [
    'mutators[0].config.headers.X Y: "X Y" is not the name of a header (set in mutators.header.config.headers.X Y)',
  ])
})

test('H-08: a handler called __proto__ or constructor is unknown, a key of that name is no secret door', () => {
  for (const handler of ['__proto__', 'constructor', 'toString']) {
    assert.match(problemsOf({ authorizer: handler })[0] ?? '', /is not in list of supported authorizers/)
  }
  const config = JSON.parse('{"__proto__": {"subject": "admin"}}') as Record<string, unknown>
  assert.match(problemsOf({ authenticators: [{ handler: 'anonymous', config }] })[0] ?? '', /__proto__ is not allowed/)
})

test('rules that use a handler alike share its step', () => {
  const registry = createTestRegistry()
  const stepOf = (config?: Record<string, unknown>): unknown =>
    registry.compileRule(makeRule({ authenticators: [{ handler: 'anonymous', config }] })).plan.authenticators[0]?.run
  assert.equal(stepOf(), stepOf())
  assert.equal(stepOf({ subject: 'a' }), stepOf({ subject: 'a' }))
  assert.notEqual(stepOf({ subject: 'a' }), stepOf({ subject: 'b' }))
})

test('a fallback list with mistakes has problems at the keys of the configuration', () => {
  const errors = { json: { enabled: true, config: { nope: 1 } }, redirect: { enabled: false } }
  const fallback = ['redirect', 'json', 'nope']
  const { problems } = createTestRegistry({}, { errors, fallback }).compileFallback()
  assert.deepEqual(problems, [
    {
      path: 'errors.fallback[0]',
      message: 'Fallback error handler "redirect" was requested but is disabled or unknown.',
    },
    { path: 'errors.handlers.json.config.nope', message: 'additional property nope is not allowed' },
    { path: 'errors.fallback[2]', message: 'Fallback error handler "nope" was requested but is disabled or unknown.' },
  ])
})
