import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestGate, type TestGateOptions, type TestRule } from '../../test/support/gate.ts'
import { requestView } from '../../test/support/request-view.ts'
import { GateError } from '../kernel/errors.ts'
import type { Reply } from '../kernel/reply.ts'
import { defineAuthorizer, defineErrorHandler } from './define.ts'

const when = (...error: string[]): { readonly when: readonly unknown[] } => ({ when: [{ error }] })

async function refuse(rule: TestRule, options: Omit<TestGateOptions, 'rules'> = {}): Promise<Reply> {
  const decision = await createTestGate({ rules: [{ authorizer: 'deny', ...rule }], ...options }).decide(
    requestView({ requestId: '' }),
  )
  assert.ok(!decision.granted)
  return decision.reply
}

test('the one responsible handler of the rule answers', async () => {
  const errors = [
    { handler: 'redirect', config: { to: '/login', ...when('unauthorized') } },
    { handler: 'www_authenticate', config: when('forbidden') },
  ]
  assert.equal((await refuse({ errors })).status, 401)
})

test('two responsible handlers are 500, with the reason even where errors are not verbose', async () => {
  const reply = await refuse({ errors: ['json', 'www_authenticate'] })
  assert.equal(reply.status, 500)
  assert.equal(
    JSON.parse(reply.body).error.reason,
    'Found more than one error handlers to be responsible for this request. This is a configuration error that needs to be resolved by the system administrator."',
  )
})

test('without a responsible handler of the rule the first of the fallback list that is responsible answers', async () => {
  const settings = {
    errors: {
      json: { enabled: true },
      redirect: { enabled: true, config: { to: '/login', ...when('unauthorized') } },
      www_authenticate: { enabled: true, config: when('forbidden') },
    },
    fallback: ['redirect', 'www_authenticate', 'json'],
  }
  assert.equal((await refuse({}, { settings })).status, 401)
  assert.equal((await refuse({ errors: [{ handler: 'json', config: when('not_found') }] }, { settings })).status, 401)
})

test('a global condition holds for a rule that names the handler without one', async () => {
  const handlers = { json: { enabled: true }, www_authenticate: { enabled: true, config: when('unauthorized') } }
  const settings = { errors: handlers }
  assert.equal((await refuse({ errors: ['www_authenticate'] }, { settings })).status, 403)
})

test('nobody responsible at all is 500', async () => {
  const errors = { json: { enabled: true, config: when('unauthorized') } }
  const reply = await refuse({}, { settings: { errors } })
  assert.equal(reply.status, 500)
  assert.match(JSON.parse(reply.body).error.reason, /^Unable to handle HTTP request because no matching error handling/)
})

test('a fallback handler that is disabled or unknown is 500 when it is its turn', async () => {
  const handlers = { json: { enabled: true, config: when('forbidden') }, redirect: { enabled: false } }
  for (const id of ['redirect', 'nope']) {
    const first = await refuse({}, { settings: { errors: handlers, fallback: [id, 'json'] } })
    assert.equal(first.status, 500)
    assert.match(JSON.parse(first.body).error.reason, new RegExp(`^Fallback error handler "${id}" was requested`))
    const behind = await refuse({}, { settings: { errors: handlers, fallback: ['json', id] } })
    assert.equal(behind.status, 403)
  }
})

test('a disabled handler of the rule is noticed when it is its turn to answer', async () => {
  const handlers = { json: { enabled: true }, redirect: { enabled: false } }
  const settings = { errors: handlers }
  const reply = await refuse({ errors: [{ handler: 'redirect', config: { to: '/x' } }] }, { settings })
  assert.equal(reply.status, 500)
  assert.equal(
    reply.body,
    '{"error":{"code":500,"status":"Internal Server Error","reason":"Error handler \\"redirect\\" is disabled per configuration.","message":"error handler matching this route is misconfigured or disabled"}}\n',
  )
  const other = await refuse(
    { errors: [{ handler: 'redirect', config: { to: '/x', ...when('unauthorized') } }] },
    { settings },
  )
  assert.equal(other.status, 403)
})

test('H-12: a handler that fails, at once or later, is a 500 that says only which', async () => {
  const broken = defineErrorHandler({
    type: 'broken',
    schema: undefined,
    compile: () => ({
      precedence: 'sole',
      matches: () => true,
      respond: () => {
        throw new Error('inner')
      },
    }),
  })
  const late = defineErrorHandler({
    type: 'late',
    schema: undefined,
    compile: () => ({ precedence: 'sole', matches: () => true, respond: () => Promise.reject(new Error('inner')) }),
  })
  const handlers = { json: { enabled: true }, broken: { enabled: true }, late: { enabled: true } }
  for (const id of ['broken', 'late']) {
    const reply = await refuse({ errors: [id] }, { more: [broken, late], settings: { errors: handlers } })
    assert.equal(reply.status, 500)
    assert.equal(JSON.parse(reply.body).error.reason, `Unable to execute error handler "${id}".`)
  }
})

/** An error that brings a page of its own, as those of a login do. */
const paged = defineAuthorizer({
  type: 'paged',
  schema: undefined,
  compile: () => () => {
    throw new GateError('ERR_LOGIN_FAILED', { page: { status: 400, headers: [['X-Page', '1']], body: 'a page' } })
  },
})

test('the page of an error stands between the handlers of the rule and the fallback list', async () => {
  const options = { more: [paged], settings: { authorizers: { paged: { enabled: true } } } }
  const rule = { authorizer: 'paged', errors: [{ handler: 'redirect', config: { to: '/x', ...when('unauthorized') } }] }
  assert.equal((await refuse(rule, options)).body, 'a page')
  const own = { authorizer: 'paged', errors: [{ handler: 'redirect', config: { to: '/x' } }] }
  assert.equal((await refuse(own, options)).status, 302)
})
