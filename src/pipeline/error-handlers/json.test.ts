import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TEST_DEPS } from '../../../test/support/gate.ts'
import { requestView } from '../../../test/support/request-view.ts'
import { GateError } from '../../kernel/errors.ts'
import { Exchange } from '../../kernel/exchange.ts'
import type { Reply } from '../../kernel/reply.ts'
import { json } from './json.ts'

async function respond(error: GateError, config: Record<string, unknown> = {}, requestId = ''): Promise<Reply> {
  const parsed = json.schema?.parse(config)
  assert.ok(parsed)
  const step = json.compile(parsed, TEST_DEPS, { matchingStrategy: 'regexp' })
  return step.respond({ error, exchange: new Exchange(requestView({ requestId }), 'rule', []) })
}

test('an error is one sentence for its status unless verbose is asked', async () => {
  const error = new GateError('ERR_RULE_NOT_FOUND', { reason: 'why' })
  assert.deepEqual(await respond(error), {
    status: 404,
    headers: [
      ['Content-Type', 'application/json'],
      ['Cache-Control', 'no-store'],
    ],
    body: '{"error":{"code":404,"status":"Not Found","message":"The requested resource could not be found"}}\n',
  })
  assert.equal(
    (await respond(error, { verbose: true }, 'id-1')).body,
    '{"error":{"code":404,"status":"Not Found","request":"id-1","reason":"why","message":"Requested url does not match any rules"}}\n',
  )
})

test('a status without a sentence keeps the message and not the reason', async () => {
  const body = (await respond(new GateError('ERR_SESSION_STORE_UNAVAILABLE', { reason: 'inner' }))).body
  assert.equal(
    body,
    '{"error":{"code":503,"status":"Service Unavailable","message":"The session store could not be asked"}}\n',
  )
})

test('H-12: neither a stack nor what the operator is told reaches the client', async () => {
  const error = new GateError('ERR_INTERNAL', { cause: new Error('inner'), detail: 'secret detail' })
  for (const verbose of [true, false]) {
    const { body } = await respond(error, { verbose })
    assert.ok(!body.includes('inner') && !body.includes('detail') && !body.includes('.ts'), body)
  }
})

test('what could end a script is escaped as Go escapes it', async () => {
  const error = new GateError('ERR_INTERNAL', { message: '<script>&\u2028' })
  const { body } = await respond(error, { verbose: true })
  assert.ok(body.includes('"\\u003cscript\\u003e\\u0026\\u2028"'), body)
})
