import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestGate } from '../../../test/support/gate.ts'
import { requestView } from '../../../test/support/request-view.ts'
import type { Decision } from '../../kernel/gate.ts'
import type { HandlerReference } from '../../kernel/rule.ts'

async function decide(
  authenticators: readonly (string | HandlerReference)[],
  authorization?: string,
): Promise<Decision> {
  const headers: [string, string][] = authorization === undefined ? [] : [['Authorization', authorization]]
  return createTestGate({ rules: [{ authenticators }] }).decide(requestView({ headers }))
}

test('noop lets everybody in as nobody', async () => {
  const decision = await decide(['noop'], 'Bearer x')
  assert.ok(decision.granted)
  assert.equal(decision.exchange.subject, '')
  assert.equal(decision.exchange.extra, undefined)
})

test('Annex B 4: anonymous is for requests without Authorization, whose empty value is none', async () => {
  const decision = await decide(['anonymous'])
  assert.ok(decision.granted)
  assert.equal(decision.exchange.subject, 'anonymous')
  assert.ok((await decide(['anonymous'], '')).granted)
  const refused = await decide(['anonymous'], 'x')
  assert.ok(!refused.granted)
  assert.equal(refused.error.code, 'ERR_CREDENTIALS_INVALID')
  assert.equal(
    refused.reply.body,
    '{"error":{"code":401,"status":"Unauthorized","request":"request-1","message":"The request could not be authorized"}}\n',
  )
})

test('V-071: a malformed Authorization is a refusal', async () => {
  for (const value of ['Bearer %E0%A4%A', 'Bearer %', 'Bearer', 'é'])
    assert.ok(!(await decide(['anonymous'], value)).granted)
})

test('the subject of anonymous can be configured', async () => {
  const decision = await decide([{ handler: 'anonymous', config: { subject: 'guest' } }])
  assert.ok(decision.granted)
  assert.equal(decision.exchange.subject, 'guest')
})

test('V-088: an OPTIONS request needs credentials like any other', async () => {
  const gate = createTestGate({ rules: [{ authenticators: ['unauthorized'] }] })
  const decision = await gate.decide(requestView({ method: 'OPTIONS' }))
  assert.ok(!decision.granted)
})

test('unauthorized ends the search', async () => {
  const decision = await decide(['unauthorized', 'anonymous'])
  assert.ok(!decision.granted)
  assert.equal(decision.reply.status, 401)
  assert.equal(decision.exchange.at?.handler, 'unauthorized')
})
