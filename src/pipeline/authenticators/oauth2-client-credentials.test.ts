import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createTestGate } from '../../../test/support/gate.ts'
import { requestView } from '../../../test/support/request-view.ts'
import {
  faultyAnswers,
  sendJson,
  startStub,
  type StubAnswer,
  testOutbound,
} from '../../../test/support/stub-service.ts'
import { createTestClock } from '../../../test/support/test-clock.ts'
import { createClientLogins } from '../../credentials/client-logins.ts'
import type { Decision } from '../../kernel/gate.ts'

type Config = Record<string, unknown>

async function startRig(t: TestContext, answer: StubAnswer = GRANT, timeoutMs?: number) {
  const stub = await startStub(t, answer)
  const clock = createTestClock()
  const clientLogins = createClientLogins({ outbound: testOutbound(t, timeoutMs), clock })
  const gateOf = (...configs: Config[]) =>
    createTestGate({
      rules: configs.map((config, index) => ({
        url: `http://app.example/${index}`,
        authenticators: [
          { handler: 'oauth2_client_credentials', config: { token_url: `${stub.origin}/token`, ...config } },
          'noop',
        ],
      })),
      settings: { authenticators: { oauth2_client_credentials: { enabled: true }, noop: { enabled: true } } },
      deps: { clientLogins, clock },
    })
  const ask = async (authorization: string, config: Config = {}) => decide(gateOf(config), authorization)
  return { stub, clock, gateOf, ask }
}

async function decide(gate: ReturnType<typeof createTestGate>, authorization: string, rule = 0): Promise<Decision> {
  return gate.decide(requestView({ path: `/${rule}`, headers: [['Authorization', authorization]] }))
}

const GRANT = sendJson({ access_token: 'token', expires_in: 60 })
const basic = (pair: string | Buffer) => `Basic ${Buffer.from(pair).toString('base64')}`

const outcome = (decision: Decision) => (decision.granted ? decision.exchange.subject : decision.error.code)

test('a client that is granted a token is the subject', async (t) => {
  const { ask, stub } = await startRig(t)
  const decision = await ask(basic('client:secret'), { required_scope: ['read', 'write'] })
  assert.ok(decision.granted)
  assert.deepEqual([decision.exchange.subject, decision.exchange.extra], ['client', undefined])
  const { method, url, body, headers } = stub.calls[0] ?? assert.fail()
  assert.deepEqual([method, url, body], ['POST', '/token', 'grant_type=client_credentials&scope=read+write'])
  assert.equal(headers['authorization'], basic('client:secret'))
})

test('what is no Basic credential is for the next authenticator', async (t) => {
  const { ask, stub } = await startRig(t)
  for (const value of [
    '',
    'Basic',
    'Basic ',
    'Basic !!!',
    'Basic Y2xpZW50',
    'Basic Yzpz ',
    `${basic('a:b')}=`,
    basic('no colon'),
    'Bearer x',
    'Basic YTpi\tx',
  ]) {
    assert.equal(outcome(await ask(value)), '', value)
  }
  assert.equal(stub.calls.length, 0)
})

test('A-26: the scheme is compared without regard to case', async (t) => {
  const { ask } = await startRig(t)
  for (const scheme of ['basic', 'BASIC']) {
    assert.equal(outcome(await ask(basic('client:secret').replace('Basic', scheme))), 'client')
  }
})

test('A-20 V-071: id and secret are form-decoded, sent form-encoded, and refused where that cannot be', async (t) => {
  const { ask, stub } = await startRig(t)
  assert.equal(outcome(await ask(basic('a%3Ab+c:p%25:q'))), 'a:b c')
  assert.equal(stub.calls[0]?.headers['authorization'], basic('a%3Ab+c:p%25%3Aq'))
  assert.equal(outcome(await ask(basic(Buffer.from([0xff, 0x3a, 0xc3, 0xa9])))), '\udcff')
  assert.equal(stub.calls[1]?.headers['authorization'], basic('%FF:%C3%A9'))
  for (const pair of ['%:secret', 'client:%zz', '%E0%A4%A:x']) {
    assert.equal(outcome(await ask(basic(pair))), 'ERR_CREDENTIALS_INVALID', pair)
  }
})

for (const [what, answer, code] of [
  ['401', sendJson({ error: 'invalid_client' }, 401), 'ERR_CREDENTIALS_INVALID'],
  ['400', sendJson({ error: 'invalid_scope' }, 400), 'ERR_CREDENTIALS_INVALID'],
  ['403 without a body', sendJson('', 403), 'ERR_CREDENTIALS_INVALID'],
  ['200 with an error', sendJson({ error: 'invalid_client', access_token: 'x' }), 'ERR_CREDENTIALS_INVALID'],
  ['a redirect', sendJson({ access_token: 'x' }, 302, { location: '/' }), 'ERR_CREDENTIALS_INVALID'],
  ['200 without a token', sendJson({}), 'ERR_TOKEN_ENDPOINT_UNAVAILABLE'],
  ['200 with an empty token', sendJson({ access_token: '' }), 'ERR_TOKEN_ENDPOINT_UNAVAILABLE'],
  ['200 with a token that is no text', sendJson({ access_token: true }), 'ERR_TOKEN_ENDPOINT_UNAVAILABLE'],
  ['200 with a list', sendJson([]), 'ERR_TOKEN_ENDPOINT_UNAVAILABLE'],
  ['404', sendJson({}, 404), 'ERR_TOKEN_ENDPOINT_NOT_FOUND'],
  ['429', sendJson({}, 429), 'ERR_RATE_LIMITED'],
  ['500', sendJson({}, 500), 'ERR_TOKEN_ENDPOINT_FAILED'],
  ['502', sendJson({}, 502), 'ERR_CREDENTIALS_INVALID'],
  ['503', sendJson({}, 503), 'ERR_TOKEN_ENDPOINT_UNAVAILABLE'],
  ['504', sendJson({}, 504), 'ERR_TOKEN_ENDPOINT_TIMEOUT'],
] as const) {
  test(`${what} of the token endpoint is ${code}`, async (t) => {
    const { ask } = await startRig(t, answer)
    assert.equal(outcome(await ask(basic('client:secret'))), code)
  })
}

test('a token in a form is a token, a member in another case too', async (t) => {
  const { ask, stub } = await startRig(t, (_call, response) => {
    response.writeHead(200, { 'content-type': 'application/x-www-form-urlencoded' }).end('access_token=x&expires_in=60')
  })
  assert.equal(outcome(await ask(basic('client:secret'))), 'client')
  stub.answer = sendJson({ Access_Token: 'x' })
  assert.equal(outcome(await ask(basic('client:secret'))), 'client')
})

test('the cache holds who was accepted, by id and secret together, at most as long as the token is good', async (t) => {
  const { gateOf, stub, clock } = await startRig(t)
  const gate = gateOf({ cache: { enabled: true, ttl: '10m' } })
  for (let i = 0; i < 3; i++) assert.equal(outcome(await decide(gate, basic('client:secret'))), 'client')
  assert.equal(stub.calls.length, 1)
  stub.answer = sendJson({}, 401)
  for (const pair of ['client:Secret', 'client:secret:', 'client:', 'clien:tsecret', 'client%3A:secret']) {
    assert.equal(outcome(await decide(gate, basic(pair))), 'ERR_CREDENTIALS_INVALID', pair)
  }
  clock.advance(59_999)
  assert.equal(outcome(await decide(gate, basic('client:secret'))), 'client')
  clock.advance(1)
  assert.equal(outcome(await decide(gate, basic('client:secret'))), 'ERR_CREDENTIALS_INVALID')
})

test('the ttl ends it earlier, and a no is not cached', async (t) => {
  const { gateOf, stub, clock } = await startRig(t)
  const gate = gateOf({ cache: { enabled: true, ttl: '10s' } })
  assert.equal(outcome(await decide(gate, basic('client:secret'))), 'client')
  clock.advance(10_000)
  stub.answer = sendJson({}, 401)
  for (let i = 0; i < 2; i++)
    assert.equal(outcome(await decide(gate, basic('client:secret'))), 'ERR_CREDENTIALS_INVALID')
  assert.equal(stub.calls.length, 3)
})

test('FM-29: no more clients are kept than max_tokens', async (t) => {
  const { gateOf, stub } = await startRig(t)
  const gate = gateOf({ cache: { enabled: true, max_tokens: 2 } })
  for (const id of ['a', 'b', 'c', 'c', 'b', 'a']) assert.equal(outcome(await decide(gate, basic(`${id}:x`))), id)
  assert.equal(stub.calls.length, 4)
})

test('V-001: who is accepted for some scopes is asked again for others, and at another endpoint', async (t) => {
  const { gateOf, stub } = await startRig(t)
  const cache = { enabled: true }
  const gate = gateOf(
    { cache, required_scope: ['a'] },
    { cache, required_scope: ['a', 'b'] },
    { cache, token_url: `${stub.origin}/2` },
  )
  for (const rule of [0, 1, 2, 0, 1, 2])
    assert.equal(outcome(await decide(gate, basic('client:secret'), rule)), 'client')
  assert.equal(stub.calls.length, 3)
})

test('V-049: equal credentials at the same time are one call, different ones never are', async (t) => {
  const { gateOf, stub } = await startRig(t, (call, response) => {
    setTimeout(() => GRANT(call, response), 20)
  })
  const gate = gateOf({})
  const pairs = ['a%3Ab:c', 'a:b%3Ac', 'a:b%3Ac']
  const subjects = await Promise.all(pairs.map(async (pair) => outcome(await decide(gate, basic(pair)))))
  assert.deepEqual(subjects, ['a:b', 'a', 'a'])
  assert.equal(stub.calls.length, 2)
})

test('FM-32 A-34 V-047: whatever fails at the endpoint refuses, in time, and is not followed', async (t) => {
  const canary = await startStub(t, GRANT)
  const { ask, stub } = await startRig(t, GRANT, 150)
  for (const [what, answer] of faultyAnswers(`${canary.origin}/elsewhere`)) {
    stub.answer = answer
    const started = performance.now()
    const decision = await ask(basic('client:topsecret'))
    assert.ok(!decision.granted, what)
    assert.match(decision.error.code, /^ERR_(TOKEN_ENDPOINT|CREDENTIALS)/, what)
    assert.ok(!JSON.stringify([decision.error.detail, decision.reply]).includes('topsecret'), what)
    assert.ok(performance.now() - started < 1000, what)
  }
  assert.equal(canary.calls.length, 0)
})

test('V-072: what cannot work is a problem of the rule', async (t) => {
  const { ask } = await startRig(t)
  for (const config of [
    { token_url: 'file:///x' },
    { cache: { ttl: 'x' } },
    { cache: { max_tokens: 1.5 } },
    { required_scope: 'a' },
  ]) {
    assert.equal(outcome(await ask(basic('a:b'), config)), 'ERR_HANDLER_MISCONFIGURED')
  }
  assert.equal(outcome(await ask(basic('a:b'), { cache: { enabled: true, max_tokens: -1 } })), 'a')
})
