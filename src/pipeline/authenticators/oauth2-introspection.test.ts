import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createTestGate } from '../../../test/support/gate.ts'
import { requestView, type ViewParts } from '../../../test/support/request-view.ts'
import {
  faultyAnswers,
  sendJson,
  startStub,
  type StubAnswer,
  testOutbound,
} from '../../../test/support/stub-service.ts'
import { createTestClock } from '../../../test/support/test-clock.ts'
import { createIntrospections } from '../../credentials/introspections.ts'
import type { Decision } from '../../kernel/gate.ts'

type Config = Record<string, unknown>

async function startRig(t: TestContext, answer: StubAnswer, timeoutMs?: number) {
  const stub = await startStub(t, answer)
  const clock = createTestClock(1_800_000_000_000)
  const introspections = createIntrospections({ outbound: testOutbound(t, timeoutMs), clock })
  const gateOf = (...configs: Config[]) =>
    createTestGate({
      rules: configs.map((config, index) => ({
        url: `http://app.example/${index}`,
        authenticators: [
          { handler: 'oauth2_introspection', config: { introspection_url: `${stub.origin}/introspect`, ...config } },
          'anonymous',
        ],
      })),
      settings: { authenticators: { oauth2_introspection: { enabled: true }, anonymous: { enabled: true } } },
      deps: { introspections, clock },
    })
  const ask = async (token: string, config: Config = {}, parts: ViewParts = {}) =>
    decide(gateOf(config), token, 0, parts)
  return { stub, clock, gateOf, ask }
}

async function decide(
  gate: ReturnType<typeof createTestGate>,
  token: string,
  rule = 0,
  parts: ViewParts = {},
): Promise<Decision> {
  return gate.decide(requestView({ path: `/${rule}`, headers: [['Authorization', `Bearer ${token}`]], ...parts }))
}

const NOW = 1_800_000_000
const ACTIVE = {
  active: true,
  sub: 'alice',
  scope: 'read write',
  aud: ['api'],
  iss: 'https://iss.example',
  exp: NOW + 60,
}
const CACHE: Config = { cache: { enabled: true, ttl: '60s' } }

function granted(decision: Decision) {
  assert.ok(decision.granted, decision.granted ? '' : `${decision.error.code} ${decision.error.detail}`)
  const { subject, extra } = decision.exchange
  return { subject, extra }
}

function refused(decision: Decision) {
  assert.ok(!decision.granted)
  return [decision.error.code, decision.error.reason]
}

test('subject and extra come from an active token', async (t) => {
  const answer = { ...ACTIVE, username: 'al', client_id: 'c1', ext: { role: 'admin', scope: 'forged' }, other: 1 }
  const { ask, stub } = await startRig(t, sendJson(answer))
  assert.deepEqual(granted(await ask('tok')), {
    subject: 'alice',
    extra: { role: 'admin', username: 'al', client_id: 'c1', scope: 'read write', aud: ['api'] },
  })
  const { method, url, body, headers } = stub.calls[0] ?? assert.fail()
  assert.deepEqual([method, url, body], ['POST', '/introspect', 'scope=&token=tok'])
  const { connection: _, host: __, 'content-length': ___, ...sent } = headers
  assert.deepEqual(sent, { 'content-type': 'application/x-www-form-urlencoded', 'accept-encoding': 'identity' })
})

test('a member that is missing or null is empty, and an audience alone is a list', async (t) => {
  const { ask, stub } = await startRig(t, sendJson({ active: true, sub: null, ext: null, scope: null, exp: null }))
  assert.deepEqual(granted(await ask('tok')), { subject: '', extra: { username: '', client_id: '', scope: '' } })
  stub.answer = sendJson({ Active: true, SUB: 'alice', aud: 'api' })
  assert.deepEqual(granted(await ask('tok')), {
    subject: 'alice',
    extra: { username: '', client_id: '', scope: '', aud: ['api'] },
  })
})

test('without a token, or one with the prefix, the next authenticator is asked', async (t) => {
  const { ask, stub } = await startRig(t, sendJson(ACTIVE))
  assert.equal(granted(await ask('', {}, { headers: [] })).subject, 'anonymous')
  assert.ok(!(await ask('tok', { prefix: 'ory_' })).granted)
  assert.equal(stub.calls.length, 0)
  assert.equal(granted(await ask('ory_tok', { prefix: 'ory_' })).subject, 'alice')
})

test('a token is sent as it is, whatever it holds', async (t) => {
  const { ask, stub } = await startRig(t, sendJson(ACTIVE))
  for (const token of ['a&scope=admin', 'a b+c%20', '\u00c3\u00a9', '\u00e9']) await ask(token)
  assert.deepEqual(
    stub.calls.map(({ body }) => new URLSearchParams(body).get('token')),
    ['a&scope=admin', 'a b+c%20', 'é', '\ufffd'],
  )
})

for (const [what, answer, config, expected] of [
  [
    'a refresh token',
    { ...ACTIVE, token_use: 'refresh_token' },
    {},
    ['ERR_ACCESS_FORBIDDEN', 'Use of introspected token is not an access token but "refresh_token"'],
  ],
  ['an inactive token', { active: false }, {}, ['ERR_CREDENTIALS_INVALID', 'Access token is not active']],
  ['a token without `active`', {}, {}, ['ERR_CREDENTIALS_INVALID', 'Access token is not active']],
  ['an expired token', { ...ACTIVE, exp: NOW - 1 }, {}, ['ERR_CREDENTIALS_INVALID', 'Access token expired']],
  ['a negative expiry', { ...ACTIVE, exp: -1 }, {}, ['ERR_CREDENTIALS_INVALID', 'Access token expired']],
  [
    'another audience',
    ACTIVE,
    { target_audience: ['api', 'two'] },
    ['ERR_ACCESS_FORBIDDEN', 'Token audience is not intended for target audience two'],
  ],
  [
    'another issuer',
    ACTIVE,
    { trusted_issuers: ['https://two.example'] },
    ['ERR_ACCESS_FORBIDDEN', 'Token issuer does not match any trusted issuer'],
  ],
  [
    'a scope that is not granted',
    ACTIVE,
    { required_scope: ['read', 'admin'], scope_strategy: 'exact' },
    ['ERR_ACCESS_FORBIDDEN', 'Scope admin was not granted'],
  ],
] as const) {
  test(`${what} is refused`, async (t) => {
    const { ask } = await startRig(t, sendJson(answer))
    assert.deepEqual(refused(await ask('tok', config)), expected)
  })
}

for (const [what, answer] of Object.entries({
  'active as a text': { active: 'true' },
  'active as a number': { active: 1 },
  'a subject that is no text': { ...ACTIVE, sub: 7 },
  'a scope that is a list': { ...ACTIVE, scope: ['read'] },
  'an expiry that is a text': { ...ACTIVE, exp: String(NOW + 60) },
  'an audience of null': { ...ACTIVE, aud: null },
  'an audience with a number': { ...ACTIVE, aud: ['api', 1] },
  'ext that is a list': { ...ACTIVE, ext: [] },
  'a list': [ACTIVE],
  null: null,
})) {
  test(`${what} is an answer that cannot be used`, async (t) => {
    const { ask } = await startRig(t, sendJson(answer))
    assert.deepEqual(refused(await ask('tok'))[0], 'ERR_INTROSPECTION_FAILED')
  })
}

test('with scope_strategy none the server is told the scopes, else it is not', async (t) => {
  const { ask, stub } = await startRig(t, sendJson(ACTIVE))
  await ask('tok', { required_scope: ['read', 'write'] })
  await ask('tok', { required_scope: ['read'], scope_strategy: 'wildcard' })
  assert.deepEqual(
    stub.calls.map(({ body }) => body),
    ['scope=read+write&token=tok', 'token=tok'],
  )
})

test('headers are those of the configuration, the content type is ours', async (t) => {
  const { ask, stub } = await startRig(t, sendJson(ACTIVE))
  const config = {
    introspection_request_headers: { 'x-one': '1', 'Content-Type': 'text/plain', 'X-Forwarded-Host': 'fixed' },
    preserve_host: true,
  }
  await ask('tok', config, { receivedHost: 'gateway.example' })
  const { headers } = stub.calls[0] ?? assert.fail()
  assert.deepEqual(
    [headers['x-one'], headers['content-type'], headers['x-forwarded-host'], headers['cookie']],
    ['1', 'application/x-www-form-urlencoded', 'gateway.example', undefined],
  )
  const withPassword = stub.origin.replace('http://', 'http://us:pa@')
  await ask('tok', { introspection_url: withPassword })
  assert.equal(stub.calls[1]?.headers['authorization'], `Basic ${Buffer.from('us:pa').toString('base64')}`)
})

test('V-001: a cached token has the scopes, audience and issuer that it has, for every rule', async (t) => {
  const { gateOf, stub } = await startRig(t, sendJson(ACTIVE))
  const gate = gateOf(
    { ...CACHE, required_scope: ['read'], scope_strategy: 'exact' },
    { ...CACHE, required_scope: ['admin'], scope_strategy: 'exact' },
    { ...CACHE, target_audience: ['two'] },
    { ...CACHE, trusted_issuers: ['https://two.example'] },
  )
  granted(await decide(gate, 'tok', 0))
  for (const rule of [1, 2, 3]) assert.equal(refused(await decide(gate, 'tok', rule))[0], 'ERR_ACCESS_FORBIDDEN')
  assert.equal(stub.calls.length, 1)
  assert.ok(!(gate.decide(requestView({ path: '/0', headers: [['Authorization', 'Bearer tok']] })) instanceof Promise))
})

test('V-001: what the server says for some scopes is never cached', async (t) => {
  const { gateOf, stub } = await startRig(t, ({ body }, response) => {
    response.end(JSON.stringify({ ...ACTIVE, active: new URLSearchParams(body).get('scope') === 'read' }))
  })
  const gate = gateOf({ ...CACHE, required_scope: ['read'] }, { ...CACHE, required_scope: ['write'] }, CACHE)
  granted(await decide(gate, 'tok', 0))
  granted(await decide(gate, 'tok', 0))
  for (const rule of [1, 2]) refused(await decide(gate, 'tok', rule))
  assert.equal(stub.calls.length, 4)
})

test('V-002: a token that is cached of one endpoint is asked for at another', async (t) => {
  const { gateOf, stub } = await startRig(t, sendJson(ACTIVE))
  const other = await startStub(t, sendJson({ active: false }))
  const gate = gateOf(
    CACHE,
    { ...CACHE, introspection_url: other.origin },
    { ...CACHE, introspection_url: `${stub.origin}/introspect?realm=two` },
    { ...CACHE, introspection_request_headers: { 'X-Realm': 'two' } },
    { ...CACHE, preserve_host: true },
  )
  granted(await decide(gate, 'tok', 0))
  assert.equal(refused(await decide(gate, 'tok', 1))[0], 'ERR_CREDENTIALS_INVALID')
  assert.equal(other.calls.length, 1)
  for (const rule of [2, 3, 4]) granted(await decide(gate, 'tok', rule))
  assert.equal(stub.calls.length, 4)
})

test('V-124: like tokens have their own answers', async (t) => {
  const { gateOf } = await startRig(t, ({ body }, response) => {
    response.end(JSON.stringify({ ...ACTIVE, sub: new URLSearchParams(body).get('token') }))
  })
  const gate = gateOf(CACHE)
  for (let round = 0; round < 2; round++) {
    for (const token of ['tok-1', 'tok-2', 'tok-1|', '|tok-1']) {
      assert.equal(granted(await decide(gate, token)).subject, token)
    }
  }
})

test('A-27 FM-32: a cached yes ends with its time and with the token, also while the server is down', async (t) => {
  const { gateOf, stub, clock } = await startRig(t, sendJson({ ...ACTIVE, exp: NOW + 90 }))
  const gate = gateOf({ cache: { enabled: true, ttl: '60s' } }, { cache: { enabled: true } })
  granted(await decide(gate, 'tok', 0))
  stub.answer = (_call, response) => void response.writeHead(503).end()
  clock.advance(59_000)
  granted(await decide(gate, 'tok', 0))
  clock.advance(1_000)
  assert.equal(refused(await decide(gate, 'tok', 0))[0], 'ERR_INTROSPECTION_FAILED')
  granted(await decide(gate, 'tok', 1))
  clock.advance(31_000)
  assert.deepEqual(refused(await decide(gate, 'tok', 1)), ['ERR_CREDENTIALS_INVALID', 'Access token expired'])
})

test('without a ttl and an expiry a yes is good for an hour at most', async (t) => {
  const { gateOf, stub, clock } = await startRig(t, sendJson({ active: true, sub: 'alice' }))
  const gate = gateOf({ cache: { enabled: true } })
  granted(await decide(gate, 'tok'))
  clock.advance(3_599_000)
  granted(await decide(gate, 'tok'))
  assert.equal(stub.calls.length, 1)
  clock.advance(1_000)
  granted(await decide(gate, 'tok'))
  assert.equal(stub.calls.length, 2)
})

test('a no is not cached', async (t) => {
  const { gateOf, stub } = await startRig(t, sendJson({ active: false }))
  const gate = gateOf(CACHE)
  for (let i = 0; i < 2; i++) refused(await decide(gate, 'tok'))
  stub.answer = sendJson(ACTIVE)
  granted(await decide(gate, 'tok'))
  assert.equal(stub.calls.length, 3)
})

test('FM-29: no more answers are kept than max_cost', async (t) => {
  const { gateOf, stub } = await startRig(t, sendJson(ACTIVE))
  const gate = gateOf({ cache: { enabled: true, ttl: '60s', max_cost: 2 } })
  for (const token of ['a', 'b', 'c', 'c', 'b', 'a']) granted(await decide(gate, token))
  assert.deepEqual(
    stub.calls.map(({ body }) => new URLSearchParams(body).get('token')),
    ['a', 'b', 'c', 'a'],
  )
})

test('V-049: equal tokens at the same time are one call, different ones never are', async (t) => {
  const { gateOf, stub } = await startRig(t, ({ body }, response) => {
    const sub = new URLSearchParams(body).get('token')
    setTimeout(() => response.end(JSON.stringify({ active: true, sub })), 20)
  })
  const gate = gateOf({})
  const tokens = ['a', 'a', 'a","b', 'b', 'a', 'null']
  const subjects = await Promise.all(tokens.map(async (token) => granted(await decide(gate, token)).subject))
  assert.deepEqual(subjects, tokens)
  assert.equal(stub.calls.length, 4)
})

test('429 reaches the client', async (t) => {
  const { ask } = await startRig(t, sendJson({}, 429, { 'Retry-After': '3' }))
  const decision = await ask('tok')
  assert.ok(!decision.granted)
  assert.equal(decision.error.code, 'ERR_RATE_LIMITED')
  assert.deepEqual(decision.error.headers, [['Retry-After', '3']])
})

test('FM-32 A-34 V-047 V-114: whatever fails at the endpoint refuses, in time, and is not followed', async (t) => {
  const canary = await startStub(t, sendJson(ACTIVE))
  const { ask, stub } = await startRig(t, sendJson(ACTIVE), 150)
  for (const [what, answer] of faultyAnswers(`${canary.origin}/elsewhere`)) {
    stub.answer = answer
    const started = performance.now()
    assert.equal(refused(await ask('tok'))[0], 'ERR_INTROSPECTION_FAILED', what)
    assert.ok(performance.now() - started < 1000, what)
  }
  assert.equal(canary.calls.length, 0)
  stub.answer = sendJson(ACTIVE)
  granted(await ask('tok'))
})

test('retry is tried again where it is configured', async (t) => {
  const { ask, stub } = await startRig(t, sendJson({}, 503))
  refused(await ask('tok'))
  assert.equal(stub.calls.length, 1)
  refused(await ask('tok', { retry: { max_delay: '1ms' } }))
  assert.equal(stub.calls.length, 6)
})

const PRE_AUTHORIZATION = {
  enabled: true,
  client_id: 'gate',
  client_secret: 'p:%+ &é',
  scope: ['introspect'],
  audience: 'a',
}

async function startPreAuthorized(t: TestContext, token: StubAnswer, timeoutMs?: number) {
  const tokens = await startStub(t, token)
  const rig = await startRig(
    t,
    ({ headers }, response) => {
      const isKnown = /^Bearer own-\d+$/.test(String(headers['authorization']))
      response.writeHead(isKnown ? 200 : 401).end(JSON.stringify(ACTIVE))
    },
    timeoutMs,
  )
  const config = { pre_authorization: { ...PRE_AUTHORIZATION, token_url: `${tokens.origin}/token` } }
  return { ...rig, tokens, config, gate: rig.gateOf(config) }
}

test('A-20: calls carry a token of the gateway, fetched once and renewed before it ends', async (t) => {
  let issued = 0
  const { gate, tokens, stub, clock } = await startPreAuthorized(t, (call, response) => {
    sendJson({ access_token: `own-${++issued}`, expires_in: 60 })(call, response)
  })
  await Promise.all([decide(gate, 'a'), decide(gate, 'b')])
  granted(await decide(gate, 'c'))
  const [first] = tokens.calls
  assert.equal(tokens.calls.length, 1)
  assert.equal(first?.body, 'audience=a&grant_type=client_credentials&scope=introspect')
  const basic = Buffer.from(String(first?.headers['authorization']).slice(6), 'base64').toString()
  assert.equal(basic, 'gate:p%3A%25%2B+%26%C3%A9')
  clock.advance(51_000)
  granted(await decide(gate, 'd'))
  assert.deepEqual(
    stub.calls.map(({ headers }) => headers['authorization']),
    ['Bearer own-1', 'Bearer own-1', 'Bearer own-1', 'Bearer own-2'],
  )
})

test('a server that takes the client in the form only gets it there, and is remembered', async (t) => {
  const { gate, tokens, clock } = await startPreAuthorized(t, (call, response) => {
    const isInForm = new URLSearchParams(call.body).get('client_secret') === PRE_AUTHORIZATION.client_secret
    sendJson(isInForm ? { access_token: 'own-1', expires_in: 60 } : { error: 'invalid_client' }, isInForm ? 200 : 401)(
      call,
      response,
    )
  })
  granted(await decide(gate, 'a'))
  clock.advance(60_000)
  granted(await decide(gate, 'b'))
  assert.deepEqual(
    tokens.calls.map(({ headers }) => headers['authorization'] !== undefined),
    [true, false, false],
  )
})

test('a token of the gateway that is refused is fetched anew', async (t) => {
  const answers = ['expired', 'own-1']
  const { gate } = await startPreAuthorized(t, (call, response) =>
    sendJson({ access_token: answers.shift() })(call, response),
  )
  assert.equal(refused(await decide(gate, 'a'))[0], 'ERR_INTROSPECTION_FAILED')
  granted(await decide(gate, 'a'))
})

test('FM-32: without a token of the gateway nobody is let in, and its secret is in no answer', async (t) => {
  for (const [what, answer] of faultyAnswers('http://127.0.0.1:1/')) {
    const { gate, stub } = await startPreAuthorized(t, answer, 100)
    const decision = await decide(gate, 'a')
    assert.ok(!decision.granted, what)
    assert.equal(decision.error.code, 'ERR_INTROSPECTION_FAILED', what)
    assert.equal(stub.calls.length, 0)
    assert.ok(!JSON.stringify([decision.error, decision.reply]).includes('p:%'), what)
  }
})

test('V-072: what cannot work is a problem of the rule', async (t) => {
  const { ask } = await startRig(t, sendJson(ACTIVE))
  for (const config of [
    { introspection_url: 'ftp://x/' },
    { pre_authorization: { enabled: true } },
    { pre_authorization: { enabled: true, client_id: 'a', client_secret: 'b' } },
    { introspection_request_headers: { 'X-A': 1 } },
    { cache: { enabled: true, ttl: '1.5s' } },
    { cache: { max_cost: '1' } },
    { retry: { give_up_after: 'soon' } },
  ]) {
    assert.equal(refused(await ask('tok', config))[0], 'ERR_HANDLER_MISCONFIGURED', JSON.stringify(config))
  }
  granted(await ask('tok', { pre_authorization: { client_id: 'a' }, cache: { enabled: true, max_cost: -1 } }))
})
