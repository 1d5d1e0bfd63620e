import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type LoginRigOptions, startLogin } from '../../test/support/login-rig.ts'
import { startMockProvider } from '../../test/support/mock-provider.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { Visitor } from '../../test/support/visitor.ts'
import type { ProviderSessionOptions } from './options.ts'
import { createCeilingReader, UnreadableCeilingError, withoutTokens } from './session-limits.ts'

const MINUTE = 60_000
const HOUR = 3_600_000
const NOW = 1_700_000_000_000

const NO_LIMITS: ProviderSessionOptions = { lifetimeMs: undefined, idleTimeout: undefined, ceilingFrom: [] }

async function start(t: TestContext, own: Partial<ProviderSessionOptions>, options: LoginRigOptions = {}) {
  const clock = createTestClock(NOW)
  const provider = await startMockProvider(t, { now: () => clock.now() })
  const rig = await startLogin(t, [provider], {
    clock,
    lifetimeMs: 10 * HOUR,
    ...options,
    provider: { session: { ...NO_LIMITS, ...own }, ...options.provider },
  })
  const visitor = new Visitor()
  const open = async () => rig.login.reader.open(visitor.cookie('127.0.0.1', 'oathkeeper') ?? '')
  const logIn = async () => {
    const arrival = await visitor.follow(rig.url('/x'))
    assert.equal(arrival.status, 200, arrival.text)
    const session = await open()
    assert.ok(session !== undefined)
    return { session, endsIn: session.expiresAt - clock.now(), lifetime: session.lifetimeEndsAt - clock.now() }
  }
  return { clock, provider, rig, visitor, open, logIn }
}

test('a ceiling is a time, or seconds from now; the earliest of several counts', () => {
  const read = (claims: Readonly<Record<string, unknown>>, tokenResponse: Readonly<Record<string, unknown>> = {}) =>
    createCeilingReader(['claims.session_expiry', 'token_response.refresh_expires_in'])({ claims, tokenResponse }, NOW)
  assert.equal(read({ session_expiry: 1_700_000_060 }), NOW + MINUTE)
  assert.equal(read({ session_expiry: 1_700_000_060.9 }), NOW + MINUTE)
  assert.equal(read({}, { refresh_expires_in: 60 }), NOW + MINUTE)
  assert.equal(read({}, { refresh_expires_in: '60' }), NOW + MINUTE)
  assert.equal(read({ session_expiry: 1_700_000_060 }, { refresh_expires_in: 30 }), NOW + MINUTE / 2)
  assert.equal(read({}, { refresh_expires_in: 0 }), undefined)
  assert.equal(read({ session_expiry: null }), undefined)
  assert.equal(read({}), undefined)
  for (const value of [-1, 'soon', '', true, {}, [], 1_700_000_000_000_000, '1e3', '-1']) {
    assert.throws(() => read({ session_expiry: value }), UnreadableCeilingError, JSON.stringify(value))
  }
})

test('a path may lead anywhere in the claims', () => {
  const read = createCeilingReader(['claims.https://id\\.example/session.ends.0'])
  const claims = { 'https://id.example/session': { ends: [1_700_000_060] } }
  assert.equal(read({ claims, tokenResponse: {} }, NOW), NOW + MINUTE)
  assert.equal(read({ claims: undefined, tokenResponse: {} }, NOW), undefined)
})

test('no token is among what is looked at', () => {
  const response = { access_token: 'a', refresh_token: 'b', id_token: 'c', expires_in: 3, other_token: 'd' }
  assert.deepEqual(withoutTokens(response), { expires_in: 3 })
})

test('a provider’s own lifetime and idle timeout hold for its sessions', async (t) => {
  const { clock, logIn, open } = await start(t, { lifetimeMs: HOUR, idleTimeout: 5 * MINUTE })
  assert.deepEqual((await logIn()).lifetime, HOUR)
  clock.advance(4 * MINUTE)
  assert.ok(await open())
  await new Promise((done) => setImmediate(done))
  clock.advance(5 * MINUTE + 1)
  assert.equal(await open(), undefined)
})

test('a session ends when the provider says so, and never after its lifetime', async (t) => {
  const { provider, logIn, clock, open } = await start(t, { ceilingFrom: ['claims.session_expiry'] })
  const say = (ms: number) => {
    provider.switches.claims = (claims) => ({ ...claims, session_expiry: Math.floor((clock.now() + ms) / 1000) })
    provider.switches.token = (body) => ({ ...body, refresh_token: undefined })
  }
  say(20 * HOUR)
  const { endsIn, lifetime } = await logIn()
  assert.deepEqual([endsIn, lifetime], [10 * HOUR, 10 * HOUR])
  clock.advance(11 * HOUR)
  say(30 * MINUTE)
  assert.equal((await logIn()).endsIn, 30 * MINUTE)
  clock.advance(30 * MINUTE)
  assert.equal(await open(), undefined)
})

test('a ceiling that cannot be read, or is past, lets nobody in', async (t) => {
  const { provider, rig, visitor, clock } = await start(t, { ceilingFrom: ['claims.session_expiry'] })
  for (const [value, detail] of [
    ['soon', /^claims\.session_expiry is not a number of seconds$/],
    [Math.floor(clock.now() / 1000) - 1, /its session is over already/],
  ] as const) {
    provider.switches.claims = (claims) => ({ ...claims, session_expiry: value })
    const arrival = await visitor.follow(rig.url('/x'))
    assert.equal(arrival.status, 400)
    assert.match(arrival.text, /You were not signed in/)
    assert.match(String(rig.log.at(-1)?.fields['detail']), detail)
  }
  assert.equal(rig.store.sizes.sessions, 0)
})

test('each refresh says the ceiling anew; one that says nothing, or nothing that can be read, changes nothing', async (t) => {
  const { provider, rig, logIn, clock } = await start(t, {
    ceilingFrom: ['token_response.refresh_expires_in', 'claims.session_expiry'],
  })
  provider.switches.token = (body) => ({ ...body, refresh_expires_in: 1800 })
  const { session, endsIn } = await logIn()
  assert.equal(endsIn, 30 * MINUTE)
  let current = session
  const refresh = async () => {
    const outcome = await rig.login.refresh(current, () => true)
    assert.equal(outcome.kind, 'refreshed')
    current = { ...current, tokens: outcome.tokens }
    return outcome.expiresAt === undefined ? undefined : outcome.expiresAt - clock.now()
  }
  clock.advance(10 * MINUTE)
  assert.equal(await refresh(), 30 * MINUTE)
  provider.switches.token = (body) => ({ ...body, id_token: undefined })
  assert.equal(await refresh(), undefined)
  provider.switches.token = (body) => ({ ...body, refresh_expires_in: 'soon' })
  assert.equal(await refresh(), undefined)
})

test('nothing that a provider says beside its tokens is kept', async (t) => {
  const { provider, logIn } = await start(t, {})
  provider.switches.token = (body) => ({ ...body, others: 'x', note: 'y' })
  const { session } = await logIn()
  assert.deepEqual(Object.keys(session.tokens).sort(), [
    'accessToken',
    'accessTokenExpiresAt',
    'idToken',
    'refreshToken',
    'scope',
  ])
})

test('a persistent cookie lives as long as refreshes may make the session last', async (t) => {
  const cookie = { name: undefined, domain: undefined, path: '/', sameSite: 'lax', persistent: true } as const
  const { provider, visitor, rig } = await start(
    t,
    { ceilingFrom: ['token_response.refresh_expires_in'] },
    { login: { cookie } },
  )
  const maxAge = async (refreshToken: string | undefined) => {
    provider.switches.token = (body) => ({ ...body, refresh_expires_in: 1800, refresh_token: refreshToken })
    const begun = await visitor.go(rig.url('/.oathkeeper/login'))
    const authorized = await visitor.go(begun.headers['location'] ?? '')
    const { setCookies } = await visitor.go(authorized.headers['location'] ?? '')
    return /^oathkeeper=.*; Max-Age=(\d+)/.exec(setCookies.find((line) => line.startsWith('oathkeeper=')) ?? '')?.[1]
  }
  assert.equal(await maxAge('refresh'), '36000')
  assert.equal(await maxAge(undefined), '1800')
})
