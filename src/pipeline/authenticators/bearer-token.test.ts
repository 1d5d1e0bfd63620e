import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createTestGate } from '../../../test/support/gate.ts'
import { requestView, type ViewParts } from '../../../test/support/request-view.ts'
import { sendJson, startStub, type StubAnswer, testOutbound } from '../../../test/support/stub-service.ts'

async function startRig(t: TestContext, answer: StubAnswer = sendJson({ sub: 'alice' })) {
  const stub = await startStub(t, answer)
  const outbound = testOutbound(t)
  const ask = async (parts: ViewParts, config: Record<string, unknown> = {}) => {
    const gate = createTestGate({
      rules: [
        {
          authenticators: [
            {
              handler: 'bearer_token',
              config: { check_session_url: `${stub.origin}/check`, preserve_path: true, ...config },
            },
            'noop',
          ],
        },
      ],
      settings: { authenticators: { bearer_token: { enabled: true }, noop: { enabled: true } } },
      deps: { outbound },
    })
    const decision = await gate.decide(requestView(parts))
    return decision.granted ? decision.exchange.subject : decision.error.code
  }
  return { ask, stub }
}

const bearing = (authorization: string): ViewParts => ({ headers: [['Authorization', authorization]] })

test('A-26: the scheme is compared without regard to case; the header is sent as it came', async (t) => {
  const { ask, stub } = await startRig(t)
  for (const scheme of ['Bearer', 'bearer', 'bEaReR']) assert.equal(await ask(bearing(`${scheme} tok`)), 'alice')
  assert.deepEqual(
    stub.calls.map(({ headers }) => headers['authorization']),
    ['Bearer tok', 'bearer tok', 'bEaReR tok'],
  )
})

test('what carries no bearer token is for the next authenticator', async (t) => {
  const { ask, stub } = await startRig(t)
  for (const value of [
    '',
    'Bearer',
    'Bearer ',
    'Basic eDp5',
    'Bearertok',
    'Bearer\ttok',
    ' tok',
    'tok',
    'Bearer,tok',
  ]) {
    assert.equal(await ask(bearing(value)), '', value)
  }
  assert.equal(await ask({}), '')
  assert.equal(stub.calls.length, 0)
})

test('A-24: a token in the query or a cookie counts only where it is configured', async (t) => {
  const { ask, stub } = await startRig(t)
  const everywhere: ViewParts = {
    rawQuery: 'access_token=tok&t=tok',
    headers: [
      ['Cookie', 't=tok'],
      ['X-Token', 'tok'],
    ],
  }
  assert.equal(await ask(everywhere), '')
  for (const token_from of [{ query_parameter: 't' }, { cookie: 't' }, { header: 'x-token' }]) {
    assert.equal(await ask(everywhere, { token_from }), 'alice')
    assert.equal(await ask({}, { token_from }), '')
  }
  // Only `Authorization` is sent unasked.
  assert.deepEqual(
    stub.calls.map(({ headers }) => [headers['x-token'], headers['cookie']]),
    [
      [undefined, undefined],
      [undefined, undefined],
      [undefined, undefined],
    ],
  )
})

const config = (header: string) => ({ token_from: { header }, prefix: 'Bearer ' })

test('only `header: Authorization` in this spelling has a scheme in front', async (t) => {
  const { ask } = await startRig(t)
  assert.equal(await ask(bearing('Bearer tok'), config('Authorization')), '')
  assert.equal(await ask(bearing('Bearer tok'), config('authorization')), 'alice')
})

test('a token without the prefix is for the next authenticator', async (t) => {
  const { ask } = await startRig(t)
  assert.equal(await ask(bearing('Bearer ory_tok'), { prefix: 'ory_' }), 'alice')
  assert.equal(await ask(bearing('Bearer ORY_tok'), { prefix: 'ory_' }), '')
})

test('the subject is at `sub` where nothing else is said', async (t) => {
  const { ask } = await startRig(t, sendJson({ sub: 'by sub', subject: 'by subject', id: 'by id' }))
  assert.equal(await ask(bearing('Bearer x')), 'by sub')
  assert.equal(await ask(bearing('Bearer x'), { subject_from: '' }), 'by sub')
  assert.equal(await ask(bearing('Bearer x'), { subject_from: 'id' }), 'by id')
})

test('V-071: no malformed token makes it throw', async (t) => {
  const { ask } = await startRig(t, sendJson({}, 401))
  for (const token of ['%E0%A4%A', '%', '\u00e9', 'a b', '=', '..', 'x'.repeat(10_000)]) {
    assert.equal(await ask(bearing(`Bearer ${token}`)), 'ERR_CREDENTIALS_INVALID')
    const inQuery = await ask({ rawQuery: `t=${token}` }, { token_from: { query_parameter: 't' } })
    // A pair that cannot be decoded is not there.
    assert.equal(inQuery, token.startsWith('%') ? '' : 'ERR_CREDENTIALS_INVALID')
  }
})

test('token_from takes exactly one place', async (t) => {
  const { ask } = await startRig(t)
  for (const token_from of [{}, { header: 'a', cookie: 'b' }, { header: 1 }, { body: 'x' }, [], 'header']) {
    assert.equal(await ask(bearing('Bearer x'), { token_from }), 'ERR_HANDLER_MISCONFIGURED')
  }
  assert.equal(await ask(bearing('Bearer x'), { token_from: null }), 'alice')
})
