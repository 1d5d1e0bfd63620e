import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import type { RefreshOutcome, Session } from '../sessions/contract.ts'
import { callbackUrl, type LoginRigOptions, startLogin } from '../../test/support/login-rig.ts'
import { startMockProvider } from '../../test/support/mock-provider.ts'
import { eventually } from '../../test/support/eventually.ts'
import { Visitor } from '../../test/support/visitor.ts'

/** Somebody who is signed in, and the function under test. */
async function start(t: TestContext, options: LoginRigOptions = {}) {
  const provider = await startMockProvider(t)
  const rig = await startLogin(t, [provider], { ...options, login: { timeoutMs: 300, ...options.login } })
  provider.now = rig.clock.now
  const visitor = new Visitor()
  await visitor.go(await callbackUrl(visitor, rig))
  const ticket = visitor.cookie('127.0.0.1', 'oathkeeper')!
  const session = (await rig.login.reader.open(ticket))!
  const refresh = (changes: Partial<Session> = {}) => rig.login.refresh({ ...session, ...changes }, () => true)
  return { provider, rig, visitor, session, refresh }
}

function assertRefreshed(outcome: RefreshOutcome): asserts outcome is Extract<RefreshOutcome, { kind: 'refreshed' }> {
  assert.equal(outcome.kind, 'refreshed', JSON.stringify(outcome))
}

test('a refresh gives new tokens and new claims, sent once and in the body', async (t) => {
  const { provider, rig, session, refresh } = await start(t)
  provider.switches.claims = (claims) => ({ ...claims, email: 'new@example.com' })
  const outcome = await refresh()
  assertRefreshed(outcome)
  assert.notEqual(outcome.tokens.accessToken, session.tokens.accessToken)
  assert.notEqual(outcome.tokens.refreshToken, session.tokens.refreshToken)
  assert.equal(outcome.tokens.accessTokenExpiresAt, rig.clock.now() + 300_000)
  assert.equal(outcome.claims?.['email'], 'new@example.com')
  const request = provider.asked('/token').at(-1)
  assert.deepEqual([...request!.form.keys()], ['grant_type', 'refresh_token'])
  assert.equal(request!.query.size, 0)
})

test('V-026: a claim that the provider takes away is gone with the refresh', async (t) => {
  const { provider, refresh } = await start(t)
  provider.switches.claims = (claims) => ({ ...claims, email: undefined })
  const outcome = await refresh()
  assertRefreshed(outcome)
  assert.equal(outcome.claims?.['email'], undefined)
})

test('what the answer leaves out stays as it was', async (t) => {
  const { provider, session, refresh } = await start(t)
  provider.switches.token = (body) => ({ access_token: body['access_token'], token_type: 'Bearer' })
  const outcome = await refresh()
  assertRefreshed(outcome)
  assert.equal(outcome.claims, undefined)
  assert.equal(outcome.tokens.idToken, session.tokens.idToken)
  assert.equal(outcome.tokens.refreshToken, session.tokens.refreshToken)
  assert.equal(outcome.tokens.scope, session.tokens.scope)
})

const rejecting: Record<string, (claims: Record<string, unknown>) => Record<string, unknown>> = {
  'another sub': (claims) => ({ ...claims, sub: 'bob' }),
  'another issuer': (claims) => ({ ...claims, iss: 'https://evil.test' }),
  'another audience': (claims) => ({ ...claims, aud: 'other' }),
  'another nonce': (claims) => ({ ...claims, nonce: 'x' }),
  'an end in the past': (claims) => ({ ...claims, exp: 1 }),
}
for (const [name, claims] of Object.entries(rejecting)) {
  test(`B-14: a refreshed ID token with ${name} ends the session`, async (t) => {
    const { provider, refresh } = await start(t)
    provider.switches.claims = claims
    assert.equal((await refresh()).kind, 'rejected')
  })
}

test('B-14: a refreshed ID token with a wrong signature ends the session', async (t) => {
  const { provider, refresh } = await start(t)
  provider.switches.key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  assert.equal((await refresh()).kind, 'rejected')
})

test('A-32: a refused refresh token ends the session, and nothing of it is in the reason', async (t) => {
  const { provider, session, refresh } = await start(t)
  await refresh()
  const outcome = await refresh()
  assert.deepEqual(outcome, { kind: 'rejected', detail: 'the token endpoint refused: invalid_grant' })
  assert.equal(provider.asked('/token').length, 3)
  assert.ok(!JSON.stringify(outcome).includes(session.tokens.refreshToken!))
})

for (const [name, route, code] of [
  ['silent', () => {}, 'ERR_PROVIDER_TIMEOUT'],
  [
    'broken',
    (_: unknown, response: { writeHead(status: number): { end(): void } }) => response.writeHead(500).end(),
    'ERR_PROVIDER_UNAVAILABLE',
  ],
  [
    'talking nonsense',
    (_: unknown, response: { end(text: string): void }) => response.end('<html>'),
    'ERR_PROVIDER_RESPONSE_INVALID',
  ],
] as const) {
  test(`a provider that is ${name} at a refresh is a failure that passes, asked once`, async (t) => {
    const { provider, refresh } = await start(t)
    const before = provider.asked('/token').length
    provider.switches.routes = { '/token': route as never }
    const outcome = await refresh()
    assert.equal(outcome.kind === 'failed' && outcome.error.code, code)
    assert.equal(provider.asked('/token').length, before + 1)
  })
}

test('a client that the provider does not know any more is a failure that passes: people stay', async (t) => {
  const { provider, refresh } = await start(t)
  provider.switches.tokenStatus = 401
  provider.switches.token = () => ({ error: 'invalid_client' })
  assert.equal((await refresh()).kind, 'failed')
})

test('while the keys cannot be had the new tokens are kept and the new ID token is left aside', async (t) => {
  const { provider, rig, session } = await start(t)
  provider.switches.routes = { '/jwks': (_request, response) => void response.writeHead(500).end() }
  const restarted = await startLogin(t, [provider], { clock: rig.clock })
  const outcome = await restarted.login.refresh(session, () => true)
  assertRefreshed(outcome)
  assert.equal(outcome.claims, undefined)
  assert.equal(outcome.tokens.idToken, session.tokens.idToken)
  assert.notEqual(outcome.tokens.refreshToken, session.tokens.refreshToken)
})

test('UserInfo is read anew with a refresh, also where there is no new ID token', async (t) => {
  const { provider, refresh } = await start(t, { provider: { userinfo: true } })
  provider.switches.userinfo = () => ({ sub: 'alice', groups: ['new'] })
  provider.switches.token = (body) => ({ ...body, id_token: undefined })
  const outcome = await refresh()
  assertRefreshed(outcome)
  assert.deepEqual(
    [outcome.claims?.['groups'], outcome.claims?.['nickname'], outcome.claims?.['sub']],
    [['new'], undefined, 'alice'],
  )
})

test('a refresh token that may not be sent any more is not sent', async (t) => {
  const { provider, rig, session } = await start(t)
  const before = provider.asked('/token').length
  assert.deepEqual(await rig.login.refresh(session, () => false), { kind: 'withheld' })
  assert.equal(provider.asked('/token').length, before)
  assert.equal((await rig.login.refresh(session, () => true)).kind, 'refreshed')
})

const passing: Record<string, readonly [status: number, error: string, retryAfter?: string, retryAfterMs?: number]> = {
  'that the client is unknown': [401, 'invalid_client'],
  'that it is down for a while': [400, 'temporarily_unavailable'],
  'that there were too many requests': [429, 'invalid_grant', '30', 30_000],
  'that it is in maintenance': [503, 'server_error', '120', 120_000],
}
for (const [name, [status, error, retryAfter, retryAfterMs]] of Object.entries(passing)) {
  test(`a provider that says ${name} does not refuse the refresh token`, async (t) => {
    const { provider, refresh } = await start(t)
    provider.switches.routes = {
      '/token': (_request, response) =>
        response
          .writeHead(status, { 'content-type': 'application/json', ...(retryAfter && { 'retry-after': retryAfter }) })
          .end(JSON.stringify({ error })),
    }
    const outcome = await refresh()
    assert.deepEqual([outcome.kind, outcome.kind === 'failed' && outcome.retryAfterMs], ['failed', retryAfterMs])
  })
}

test('B-12: UserInfo that speaks of somebody else at a refresh ends the session; one that is down does not', async (t) => {
  const { provider, refresh } = await start(t, { provider: { userinfo: true } })
  provider.switches.routes = { '/userinfo': (_request, response) => void response.writeHead(500).end() }
  const outcome = await refresh()
  assertRefreshed(outcome)
  assert.equal(outcome.claims, undefined)
  provider.switches.routes = {}
  provider.switches.userinfo = () => ({ sub: 'bob' })
  assert.equal((await refresh({ tokens: outcome.tokens })).kind, 'rejected')
})

test('a session of a provider that is not configured any more is not refreshed', async (t) => {
  const { provider, refresh } = await start(t)
  const before = provider.asked('/token').length
  assert.equal((await refresh({ provider: 'gone' })).kind, 'rejected')
  assert.equal((await refresh({ issuer: 'https://elsewhere.example' })).kind, 'rejected')
  assert.equal(provider.asked('/token').length, before)
})

test('max_age is about the moment of the login: a later refresh is none', async (t) => {
  const { provider, rig, refresh } = await start(t, { provider: { authorizationParams: { max_age: '60' } } })
  const then = Math.floor(rig.clock.now() / 1000)
  rig.clock.advance(1_800_000)
  provider.switches.claims = (claims) => ({ ...claims, auth_time: then })
  assert.equal((await refresh()).kind, 'refreshed')
})

test('A-32: 50 requests at once when the token is due cause one refresh', async (t) => {
  const { provider, rig, visitor } = await start(t)
  const before = provider.asked('/token').length
  rig.clock.advance(250_000)
  const answers = await Promise.all(Array.from({ length: 50 }, () => visitor.go(rig.url('/x'))))
  assert.ok(answers.every(({ status }) => status === 200))
  await eventually(
    () => rig.login.reader.open(visitor.cookie('127.0.0.1', 'oathkeeper')!),
    (session) => (session?.tokens.accessTokenExpiresAt ?? 0) > rig.clock.now() + 60_000,
    2000,
  )
  assert.equal(provider.asked('/token').length, before + 1)
})
