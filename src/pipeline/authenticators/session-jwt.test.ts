import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createTestGate, type TestRule } from '../../../test/support/gate.ts'
import { makeJwk, publicHalf } from '../../../test/support/jwks.ts'
import { requestView } from '../../../test/support/request-view.ts'
import { signJwt } from '../../../test/support/sign-jwt.ts'
import { sendJson, startStub, testOutbound } from '../../../test/support/stub-service.ts'
import { createTestClock } from '../../../test/support/test-clock.ts'
import { createKeySets } from '../../credentials/key-sets.ts'
import { createDocumentReader } from '../../credentials/read-document.ts'
import { createTokenVerifiers } from '../../credentials/token-verifier.ts'
import type { Session } from '../../sessions/contract.ts'
import type { RuleLogin } from '../deps.ts'

const KEY = makeJwk('key', 'RS256')
const NOW = 1_800_000_000

const CLAIMS = { iss: 'https://id.example', sub: 'sub-of-token', aud: ['client'], exp: NOW + 60, scope: 'openid email' }

function sessionOf(
  accessToken: string,
  claims: Session['claims'] = { sub: 'ada', username: 'ada@example.com' },
): Session {
  return {
    id: 'public-id',
    subject: 'ada',
    provider: 'demo',
    issuer: 'https://id.example',
    claims,
    tokens: {
      accessToken,
      idToken: 'id-token',
      refreshToken: undefined,
      accessTokenExpiresAt: undefined,
      scope: undefined,
    },
    createdAt: 0,
    expiresAt: Number.MAX_SAFE_INTEGER,
    lifetimeEndsAt: Number.MAX_SAFE_INTEGER,
    lastSeenAt: 0,
    longestIdleMs: 0,
    isRemembered: false,
    authTime: undefined,
    acr: undefined,
    amr: undefined,
    sid: undefined,
  }
}

async function decide(
  t: TestContext,
  session: Session | undefined,
  config: Readonly<Record<string, unknown>> = {},
  rule: TestRule = {},
) {
  const stub = await startStub(t, sendJson({ keys: [publicHalf(KEY)] }))
  const clock = createTestClock(NOW * 1000)
  const reader = createDocumentReader(testOutbound(t, 1000))
  const verifiers = createTokenVerifiers({ keySets: createKeySets({ reader, clock }) })
  const ruleLogin: RuleLogin = {
    finisher: () => () => Promise.reject(new Error('not here')),
    beginner: () => () => Promise.reject(new Error('not here')),
    ender: () => () => Promise.reject(new Error('not here')),
    isNavigation: () => true,
    reader: {
      readTicket: (header) => (header.includes('ticket') ? 'ticket' : undefined),
      open: () => session,
      whyEnded: () => undefined,
      observeIdle() {},
      toPrincipal: () => ({ subject: '', extra: {} }),
      withoutOwnCookies: (header) => header,
      clearCookie: '',
    },
  }
  const gate = createTestGate({
    rules: [{ authenticators: [{ handler: 'session_jwt', config: { jwks_urls: [stub.origin], ...config } }], ...rule }],
    deps: { clock, verifiers, ruleLogin },
    settings: { authenticators: { session_jwt: { enabled: true }, anonymous: { enabled: true } } },
  })
  return gate.decide(requestView({ headers: [['Cookie', 'ticket=1']] }))
}

test('the claims of the token, and beside them what no claim can overwrite', async (t) => {
  const token = signJwt(KEY, { ...CLAIMS, username: 'mallory', access_token: 'x', IG_SESSION_ID: 'y', groups: ['a'] })
  const decision = await decide(t, sessionOf(token))
  assert.ok(decision.granted)
  const { subject, extra, headers, sessionId } = decision.exchange
  assert.equal(subject, 'sub-of-token')
  assert.equal(sessionId, 'public-id')
  assert.deepEqual(extra, {
    iss: 'https://id.example',
    aud: ['client'],
    exp: NOW + 60,
    groups: ['a'],
    scp: ['openid', 'email'],
    sub: 'ada',
    username: 'ada@example.com',
    name: 'ada@example.com',
    IG_SESSION_ID: 'public-id',
    wso2_session_id: 'public-id',
    id_token: 'id-token',
    access_token: token,
  })
  assert.deepEqual(
    [...headers],
    [
      ['Ig_session_id', ['public-id']],
      ['Sub', ['ada']],
      ['Username', ['ada@example.com']],
    ],
  )
})

test('a session without a user name gives an empty one', async (t) => {
  const decision = await decide(t, sessionOf(signJwt(KEY, CLAIMS), { sub: 'ada', username: 7 }))
  assert.ok(decision.granted)
  assert.equal(decision.exchange.extra?.['username'], '')
  assert.deepEqual(decision.exchange.headers.get('Username'), [''])
})

test('a token that the rule does not take is 401, as with jwt', async (t) => {
  const cases: [name: string, token: string, config: Readonly<Record<string, unknown>>][] = [
    ['expired', signJwt(KEY, { ...CLAIMS, exp: NOW }), {}],
    ['of another key', signJwt(makeJwk('key', 'RS256'), CLAIMS), {}],
    ['of another audience', signJwt(KEY, CLAIMS), { target_audience: ['other'] }],
    ['of another issuer', signJwt(KEY, CLAIMS), { trusted_issuers: ['https://other.example'] }],
    ['without a scope', signJwt(KEY, CLAIMS), { required_scope: ['profile'], scope_strategy: 'exact' }],
    ['of another algorithm', signJwt(KEY, CLAIMS), { allowed_algorithms: ['ES256'] }],
    ['from the future', signJwt(KEY, { ...CLAIMS, iat: NOW + 120 }), {}],
  ]
  for (const [name, token, config] of cases) {
    const decision = await decide(t, sessionOf(token), config)
    assert.ok(!decision.granted, name)
    assert.equal(decision.error.code, 'ERR_CREDENTIALS_INVALID', name)
  }
})

test('a clock of the provider that is a little ahead is borne', async (t) => {
  assert.ok((await decide(t, sessionOf(signJwt(KEY, { ...CLAIMS, iat: NOW + 30, nbf: NOW + 30 })))).granted)
})

test('without a session, or with a token of another kind, the next authenticator is asked', async (t) => {
  for (const session of [undefined, sessionOf('opaque'), sessionOf(''), sessionOf('a.b.c.d.e')]) {
    const decision = await decide(
      t,
      session,
      {},
      {
        authenticators: [{ handler: 'session_jwt', config: { jwks_urls: ['https://id.example/jwks'] } }, 'anonymous'],
      },
    )
    assert.ok(decision.granted)
    assert.equal(decision.exchange.subject, 'anonymous')
  }
})
