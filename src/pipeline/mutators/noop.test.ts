import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestGate } from '../../../test/support/gate.ts'
import { requestView } from '../../../test/support/request-view.ts'
import { LOGIN_ENTRY, openedSession, sessionReader } from '../../../test/support/sessions.ts'
import type { Decision } from '../../kernel/gate.ts'
import type { HandlerReference } from '../../kernel/rule.ts'

async function decide(
  front: 'proxy' | 'decision',
  mutators: readonly (string | HandlerReference)[],
  headers: readonly (readonly [string, string])[],
): Promise<Decision> {
  const deps = { sessions: sessionReader(() => openedSession()), login: LOGIN_ENTRY }
  return createTestGate({ rules: [{ mutators }], deps }).decide(requestView({ front, headers }))
}

test('Annex B 5: on the decision API the answer carries the request’s headers', async () => {
  const decision = await decide(
    'decision',
    ['noop'],
    [
      ['x-foo', '1'],
      ['X-FOO', '2'],
      ['Connection', 'close'],
      ['Content-Length', '0'],
      ['Host', 'api'],
    ],
  )
  assert.ok(decision.granted)
  assert.deepEqual(Object.fromEntries(decision.exchange.headers), { 'X-Foo': ['1', '2'] })
})

test('on the proxy it leaves everything as it is', async () => {
  const decision = await decide('proxy', ['noop'], [['X-Foo', '1']])
  assert.ok(decision.granted)
  assert.equal(decision.exchange.headers.size, 0)
  assert.equal(decision.exchange.request.headers.get('x-foo'), '1')
})

test('the session cookie is not echoed', async () => {
  const decision = await decide(
    'decision',
    ['noop'],
    [
      ['Cookie', 'session=ticket; a=1'],
      ['Cookie', 'session=ticket'],
    ],
  )
  assert.ok(decision.granted)
  assert.deepEqual(decision.exchange.headers.get('Cookie'), ['a=1'])
})

const header = (name: string): HandlerReference => ({
  handler: 'header',
  config: { headers: { [name]: 'ours' } },
})

test('what an earlier mutator set wins over the echo, and what a later one sets shows in the request', async () => {
  const decision = await decide(
    'decision',
    [header('X-Early'), 'noop', header('X-Late')],
    [
      ['X-Early', 'client'],
      ['X-Late', 'client'],
      ['X-Other', 'client'],
    ],
  )
  assert.ok(decision.granted)
  assert.deepEqual(Object.fromEntries(decision.exchange.headers), {
    'X-Other': ['client'],
    'X-Early': ['ours'],
    'X-Late': ['ours'],
  })
  assert.equal(decision.exchange.request.headers.get('x-late'), 'ours')
})
