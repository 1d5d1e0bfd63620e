import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestGate, makeRule, createTestRegistry } from '../../test/support/gate.ts'
import { requestView } from '../../test/support/request-view.ts'
import { GateError } from '../kernel/errors.ts'
import { Exchange } from '../kernel/exchange.ts'
import type { Decision } from '../kernel/gate.ts'
import { defineAuthenticator, defineAuthorizer, defineMutator } from './define.ts'
import { createGate } from './gate.ts'

/** Handlers that answer later, and a mutator that tells what it sees. */
const slow = defineAuthenticator({
  type: 'slow',
  schema: undefined,
  compile: () => async (exchange) => {
    await Promise.resolve()
    exchange.subject = 'slow'
    return exchange.request.headers.has('x-mine')
  },
})
const later = defineAuthorizer({ type: 'later', schema: undefined, compile: () => () => Promise.resolve() })
const broken = defineAuthorizer({
  type: 'broken',
  schema: undefined,
  compile: () => () => {
    throw new TypeError('no such thing')
  },
})
const mark = defineMutator({
  type: 'mark',
  schema: undefined,
  compile: () => ({
    ownedHeaders: ['X-User'],
    run: async (exchange) => {
      await Promise.resolve()
      exchange.headers.set('X-Seen', [String(exchange.request.headers.get('x-user'))])
    },
  }),
})
const more = [slow, later, broken, mark]
const settings = {
  authenticators: { anonymous: { enabled: true }, unauthorized: { enabled: true }, slow: { enabled: true } },
  authorizers: {
    allow: { enabled: true },
    deny: { enabled: true },
    later: { enabled: true },
    broken: { enabled: true },
  },
  mutators: { noop: { enabled: true }, mark: { enabled: true } },
}

test('a rule whose steps are all local is decided at once', () => {
  const decision = createTestGate({ rules: [{}] }).decide(requestView())
  assert.ok(!(decision instanceof Promise))
  assert.ok(decision.granted)
  assert.equal(decision.upstream?.origin, 'http://upstream.example:80')
})

test('a step that answers later is waited for, in its place', async () => {
  const rules = [{ authenticators: ['slow', 'anonymous'], authorizer: 'later', mutators: ['mark', 'noop'] }]
  const gate = createTestGate({ rules, settings, more })
  const mine = await gate.decide(requestView({ headers: [['X-Mine', '1']] }))
  assert.ok(mine.granted)
  assert.equal(mine.exchange.subject, 'slow')
  assert.equal(mine.exchange.at?.handler, 'noop')
  const other = await gate.decide(requestView())
  assert.ok(other.granted)
  assert.equal(other.exchange.subject, 'anonymous')
})

test('V-015 V-046 V-056: what the mutators set is taken from the client in every spelling, after authorization', async () => {
  const gate = createTestGate({ rules: [{ mutators: ['mark', 'noop'] }], settings, more })
  const names = ['X-User', 'x-user', 'X_User', 'X.User', 'x-USER', 'X-_User', 'X-User-Id', 'X-Users', 'XUser']
  const request = requestView({ headers: names.map((name) => [name, 'admin'] as const) })
  const decision = await gate.decide(request)
  assert.ok(decision.granted)
  assert.deepEqual(
    [...request.headers].map(([name]) => name),
    ['X-_User', 'X-User-Id', 'X-Users', 'XUser'],
  )
  assert.deepEqual(decision.exchange.headers.get('X-Seen'), ['undefined'])
})

test('a refused request says where it failed', async () => {
  const cases: [rule: Parameters<typeof makeRule>[0], reasonId: string, handler: string, status: number][] = [
    [{ authenticators: ['unauthorized'] }, 'authentication_handler_error', 'unauthorized', 401],
    [{ authenticators: ['slow'] }, 'authentication_handler_no_match', '', 401],
    [{ authorizer: 'deny' }, 'authorization_handler_error', 'deny', 403],
    [{ authorizer: 'broken' }, 'authorization_handler_error', 'broken', 500],
    [{ authenticators: [] }, 'authentication_handler_missing', '', 500],
    [{ authenticators: ['nope'] }, 'unknown_authentication_handler', 'nope', 500],
    [{ authorizer: 'nope' }, 'unknown_authorization_handler', 'nope', 500],
    [{ mutators: [] }, 'mutation_handler_missing', '', 500],
    [{ mutators: ['cookie'] }, 'invalid_mutation_handler', 'cookie', 500],
  ]
  for (const [rule, reasonId, handler, status] of cases) {
    const gate = createTestGate({ rules: [rule ?? {}], settings, more })
    const decision = await gate.decide(requestView())
    assert.ok(!decision.granted, reasonId)
    assert.deepEqual(
      [decision.exchange.at?.reasonId, decision.exchange.at?.handler, decision.reply.status],
      [reasonId, handler, status],
    )
  }
})

test('H-15: a rule with a mistake in it may refuse and never grants', async () => {
  const cases: Parameters<typeof makeRule>[0][] = [
    { authenticators: ['anonymous', 'nope'] },
    { authenticators: ['anonymous', { handler: 'session', config: undefined }] },
    { errors: ['nope'] },
    { errors: [{ handler: 'redirect', config: {} }] },
    { upstream: 'not a url' },
    { mutators: ['noop', 'nope'] },
  ]
  for (const rule of cases) {
    const decision = await createTestGate({ rules: [rule ?? {}], settings }).decide(requestView())
    assert.ok(!decision.granted, JSON.stringify(rule))
    assert.equal(decision.reply.status, 500)
  }
  const refusing = createTestGate({ rules: [{ authenticators: ['unauthorized', 'nope'] }] })
  const decision = await refusing.decide(requestView())
  assert.ok(!decision.granted)
  assert.equal(decision.reply.status, 401)
})

test('H-12: what nobody foresaw is a 500 without a word about it', async () => {
  const gate = createTestGate({ rules: [{ authorizer: 'broken' }], settings, more })
  const decision = await gate.decide(requestView())
  assert.ok(!decision.granted)
  assert.equal(decision.error.code, 'ERR_INTERNAL')
  assert.ok(!decision.reply.body.includes('no such thing'))
})

test('Annex B 1 and 2: without a rule the fallback answers 404', async () => {
  const plain = await createTestGate({ rules: [] }).decide(requestView({ requestId: '' }))
  assert.ok(!plain.granted)
  assert.equal(
    plain.reply.body,
    '{"error":{"code":404,"status":"Not Found","message":"The requested resource could not be found"}}\n',
  )
  const errors = { json: { enabled: true, config: { verbose: true } } }
  const verbose = await createTestGate({ rules: [], settings: { errors } }).decide(requestView({ requestId: '' }))
  assert.ok(!verbose.granted)
  assert.equal(
    verbose.reply.body,
    '{"error":{"code":404,"status":"Not Found","message":"Requested url does not match any rules"}}\n',
  )
  assert.equal(verbose.exchange.ruleId, '')
  assert.equal(verbose.exchange.at, undefined)
})

test('a failure after the grant is answered by the rule that granted, whatever was swapped since', async () => {
  const registry = createTestRegistry()
  const quiet = registry.compileFallback().fallback
  const plan = registry.compileRule(makeRule({ errors: ['www_authenticate'] })).plan
  let state = { matcher: { match: () => ({ plan, captureGroups: [] }) }, fallback: quiet }
  const gate = createGate({ current: () => state })
  const granted = await gate.decide(requestView())
  state = { ...state, matcher: { match: () => assert.fail('no second look-up') } }
  const refused = await gate.refuse(granted.exchange, new GateError('ERR_UPSTREAM_UNDEFINED'))
  assert.ok(!refused.granted)
  assert.equal(refused.reply.status, 401)
  const unknown = await gate.refuse(new Exchange(requestView(), '', []), new GateError('ERR_REQUEST_MALFORMED'))
  assert.ok(!unknown.granted)
  assert.equal(unknown.reply.status, 400)
})

test('H-11: every decision is told once', async () => {
  const told: Decision[] = []
  const gate = createTestGate({
    rules: [{}, { url: 'http://app.example/slow', authenticators: ['slow'] }],
    settings,
    more,
    onDecision: (decision, tookMs) => {
      assert.ok(tookMs >= 0)
      told.push(decision)
    },
  })
  const made = [
    await gate.decide(requestView()),
    await gate.decide(requestView({ path: '/slow' })),
    await gate.decide(requestView({ path: '/none' })),
  ]
  assert.deepEqual(told, made)
})

/** An authenticator that answers by itself, as the callback of a login does. */
const answering = defineAuthenticator({
  type: 'answering',
  schema: undefined,
  compile: () => (exchange) => {
    exchange.subject = 'visitor'
    exchange.respond = () => {
      if (exchange.request.headers.has('x-fails')) throw new GateError('ERR_SESSION_STORE_UNAVAILABLE')
      return { status: 302, headers: [['Location', '/there']], body: '' }
    }
    return true
  },
})
const answeringSettings = { ...settings, authenticators: { answering: { enabled: true } } }

test('an authenticator may answer the request itself: no mutator runs, no upstream is named', async () => {
  const rules = [{ authenticators: ['answering'], mutators: ['mark'] }]
  const gate = createTestGate({ rules, settings: answeringSettings, more: [...more, answering] })
  const decision = await gate.decide(requestView())
  assert.ok(decision.granted)
  assert.equal(decision.upstream, undefined)
  assert.equal(decision.reply?.status, 302)
  assert.equal(decision.exchange.headers.size, 0)
})

test('what an authenticator would answer is not made unless the authorizer agrees', async () => {
  const rules = [{ authenticators: ['answering'], authorizer: 'deny' }]
  const gate = createTestGate({ rules, settings: answeringSettings, more: [...more, answering] })
  const decision = await gate.decide(requestView())
  assert.ok(!decision.granted)
  assert.equal(decision.error.code, 'ERR_ACCESS_FORBIDDEN')
})

test('H-15: a rule with a mistake in it lets no authenticator answer', async () => {
  const rules = [{ authenticators: ['answering'], mutators: ['nope'] }]
  const gate = createTestGate({ rules, settings: answeringSettings, more: [...more, answering] })
  const decision = await gate.decide(requestView())
  assert.ok(!decision.granted)
  assert.equal(decision.reply.status, 500)
})

test('an answer that fails is answered by the error handlers', async () => {
  const gate = createTestGate({
    rules: [{ authenticators: ['answering'] }],
    settings: answeringSettings,
    more: [...more, answering],
  })
  const decision = await gate.decide(requestView({ headers: [['X-Fails', '1']] }))
  assert.ok(!decision.granted)
  assert.equal(decision.reply.status, 503)
})
