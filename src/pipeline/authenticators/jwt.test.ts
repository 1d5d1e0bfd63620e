import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createTestGate } from '../../../test/support/gate.ts'
import { makeJwk, publicHalf } from '../../../test/support/jwks.ts'
import { requestView } from '../../../test/support/request-view.ts'
import { signJwt } from '../../../test/support/sign-jwt.ts'
import { faultyAnswers, sendJson, startStub, testOutbound } from '../../../test/support/stub-service.ts'
import { createTestClock } from '../../../test/support/test-clock.ts'
import { createKeySets } from '../../credentials/key-sets.ts'
import { createDocumentReader } from '../../credentials/read-document.ts'
import { createTokenVerifiers } from '../../credentials/token-verifier.ts'
import type { Decision } from '../../kernel/gate.ts'
import type { RequestView } from '../../kernel/request.ts'

const KEY = makeJwk('key', 'ES256')
const JWKS = { keys: [publicHalf(KEY)] }

async function startRig(t: TestContext) {
  const stub = await startStub(t, sendJson(JWKS))
  const clock = createTestClock(1_800_000_000_000)
  const reader = createDocumentReader(testOutbound(t, 200))
  const verifiers = createTokenVerifiers({ keySets: createKeySets({ reader, clock }) })
  const gateOf = (...configs: Record<string, unknown>[]) =>
    createTestGate({
      rules: configs.map((config, index) => ({
        url: `http://app.example/${index}`,
        authenticators: [
          { handler: 'jwt', config: { jwks_urls: [stub.origin], allowed_algorithms: ['ES256'], ...config } },
          'anonymous',
        ],
      })),
      settings: { authenticators: { jwt: { enabled: true }, anonymous: { enabled: true } } },
      deps: { verifiers, clock },
    })
  const gate = gateOf({})
  const ask = async (token: string, config?: Record<string, unknown>): Promise<Decision> =>
    (config === undefined ? gate : gateOf(config)).decide(bearing(token, '/0'))
  return { stub, clock, ask, gateOf }
}

const bearing = (token: string, path: string): RequestView =>
  requestView({ path, headers: [['Authorization', `Bearer ${token}`]] })

const NOW = 1_800_000_000

const token = (claims: object, header: object = {}) => signJwt(KEY, claims, { ...header })

function granted(decision: Decision) {
  assert.ok(decision.granted, decision.granted ? '' : String(decision.error.detail))
  const { subject, extra } = decision.exchange
  return { subject, extra }
}

function refusal(decision: Decision): string {
  assert.ok(!decision.granted)
  assert.equal(decision.error.code, 'ERR_CREDENTIALS_INVALID')
  return decision.error.reason ?? ''
}

test('the claims of a good token are the extra, scopes under `scp`', async (t) => {
  const { ask } = await startRig(t)
  const claims = { sub: 'alice', iss: 'i', aud: 'a', exp: NOW + 60, iat: NOW, nbf: NOW, roles: ['x'] }
  assert.deepEqual(granted(await ask(token(claims))), { subject: 'alice', extra: { ...claims, scp: [] } })
})

for (const [what, scopes, expected, rest] of [
  ['a text', { scope: 'read write' }, ['read', 'write'], {}],
  ['a list', { scopes: ['read', 7] }, ['read', ''], {}],
  ['scp first', { scp: 'a', scope: 'b' }, ['a'], { scope: 'b' }],
  ['an empty text', { scope: '' }, [], {}],
  ['neither', { scp: null }, [], {}],
] as const) {
  test(`scopes may be ${what}`, async (t) => {
    const { ask } = await startRig(t)
    assert.deepEqual(granted(await ask(token(scopes))).extra, { ...rest, scp: expected })
  })
}

test('what is no token of three parts is for the next authenticator', async (t) => {
  const { ask, gateOf, stub } = await startRig(t)
  for (const other of ['opaque', 'a.b', 'a.b.c.d', 'a.b.c.d.e', '....']) {
    const decision = await ask(other, { token_from: { header: 'X-Token' } })
    assert.ok(!decision.granted)
  }
  const gate = gateOf({ token_from: { header: 'X-Token' } })
  const decision = await gate.decide(requestView({ path: '/0', headers: [['X-Token', 'a.b.c.d.e']] }))
  assert.equal(granted(decision).subject, 'anonymous')
  assert.equal(stub.calls.length, 0)
})

test('a token of three parts that is not good ends the search, whatever comes next', async (t) => {
  const { ask } = await startRig(t)
  for (const bad of ['a.b.c', '..', token({ sub: 'x' }).replace(/.{8}$/, 'AAAAAAAA'), token({}, { kid: 'other' })]) {
    refusal(await ask(bad))
  }
})

for (const [what, claims] of Object.entries({
  'exp in the past': { exp: NOW - 1 },
  'exp now': { exp: NOW },
  'exp that was never': { exp: 0 },
  'exp as a text': { exp: String(NOW + 60) },
  'exp null': { exp: null },
  'exp negative': { exp: -1 },
  'exp 1e300': { exp: 1e300 },
  'exp in milliseconds': { exp: (NOW + 60) * 1000 },
  'nbf in the future': { nbf: NOW + 60 },
  'nbf as a list': { nbf: [NOW] },
  'iat in the future': { iat: NOW + 60 },
  'iat as a boolean': { iat: true },
})) {
  test(`V-043 B-07: ${what} is refused`, async (t) => {
    const { ask } = await startRig(t)
    assert.match(
      refusal(await ask(token({ sub: 'alice', ...claims }))),
      /exp|nbf|iat|expired|valid yet|before it was issued/,
    )
  })
}

test('times may have fractions', async (t) => {
  const { ask } = await startRig(t)
  granted(await ask(token({ exp: NOW + 1.5, iat: NOW - 0.5, nbf: NOW + 0.9 })))
})

test('A-27: a token expires although it was verified before', async (t) => {
  const { ask, clock } = await startRig(t)
  const good = token({ exp: NOW + 60 })
  granted(await ask(good))
  clock.advance(60_000)
  refusal(await ask(good))
})

test('V-034 V-001: every rule has its own audience, issuer and scopes, also for a token that is remembered', async (t) => {
  const { gateOf } = await startRig(t)
  const gate = gateOf(
    {},
    { target_audience: ['api', 'two'] },
    { trusted_issuers: ['https://other.example'] },
    { required_scope: ['write'], scope_strategy: 'exact' },
    { required_scope: ['read'], scope_strategy: 'exact' },
    { required_scope: ['read'] },
  )
  const good = token({ aud: ['api'], iss: 'https://iss.example', scope: 'read' })
  for (let round = 0; round < 2; round++) {
    granted(await gate.decide(bearing(good, '/0')))
    assert.match(refusal(await gate.decide(bearing(good, '/1'))), /target audience two/)
    assert.match(refusal(await gate.decide(bearing(good, '/2'))), /trusted issuer/)
    assert.match(refusal(await gate.decide(bearing(good, '/3'))), /required scope "write"/)
    granted(await gate.decide(bearing(good, '/4')))
    assert.match(refusal(await gate.decide(bearing(good, '/5'))), /scope strategy/)
  }
})

for (const [what, aud] of Object.entries({
  missing: undefined,
  'an empty text': '',
  'an empty list': [],
  another: ['other'],
  'a nested list': [['api']],
  'a number among them': ['api', 1],
  'an object': { api: true },
  'a text that holds it': 'api other',
})) {
  test(`V-043 V-126: an audience that is ${what} is refused where one is required`, async (t) => {
    const { ask } = await startRig(t)
    assert.match(refusal(await ask(token({ aud }), { target_audience: ['api'] })), /target audience api/)
  })
}

test('a subject that is no text is nobody', async (t) => {
  const { ask } = await startRig(t)
  for (const sub of [42, null, ['a'], { a: 1 }]) assert.equal(granted(await ask(token({ sub }))).subject, '')
})

test('FM-30: key servers that fail refuse in time, and are no part of the answer', async (t) => {
  for (const [what, answer] of faultyAnswers('http://127.0.0.1:1/')) {
    const { ask, stub } = await startRig(t)
    stub.answer = answer
    const started = performance.now()
    const reason = refusal(await ask(token({ sub: 'alice' })))
    assert.equal(reason, 'There are no keys to verify it with.', what)
    assert.ok(performance.now() - started < 1500, what)
  }
})

test('no part of a token is in a reason or a detail', async (t) => {
  const { ask } = await startRig(t)
  for (const bad of ['secretpart.b.c', token({ sub: 'secretpart', exp: 1 }), token({}, { kid: 'secretpart' })]) {
    const decision = await ask(bad)
    assert.ok(!decision.granted)
    const { reason, detail, message } = decision.error
    assert.ok(!JSON.stringify([reason, detail, message, decision.reply]).includes('secretpart'))
  }
})

test('V-072: what cannot work is a problem of the rule', async (t) => {
  const { ask } = await startRig(t)
  for (const config of [
    { jwks_urls: ['ftp://host/jwks.json'] },
    { jwks_ttl: 'nonsense' },
    { jwks_max_wait: '' },
    { allowed_algorithms: ['none'] },
    { scope_strategy: 'loose' },
    { jwks_urls: undefined },
  ]) {
    const decision = await ask(token({}), config)
    assert.ok(!decision.granted)
    assert.equal(decision.error.code, 'ERR_HANDLER_MISCONFIGURED', JSON.stringify(config))
  }
  granted(await ask(token({}), { jwks_ttl: '-1s', jwks_max_wait: '1.5s', token_from: null }))
})
