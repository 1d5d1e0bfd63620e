import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { accept, refuse } from '../../test/support/config.ts'

const DAY = 86_400_000

const withProvider = (session: string, more = '') =>
  `login: { base_url: "https://app.example", providers: [ { id: a, issuer: https://id.example, client_id: a, session: { ${session} } } ] }
${more}`

const providerSession = (t: TestContext, session: string) =>
  accept(t, withProvider(session)).config.login?.providers[0]?.session

const redis = (ttl: string) => `session_store: { type: redis, redis: { addr: "a:1", ttl: ${ttl} } }\n`

test('a provider may have lifetimes of its own, and say where its ceiling is', (t) => {
  assert.deepEqual(
    providerSession(t, 'lifetime: 8h, idle_timeout: 30m, ceiling_from: token_response.refresh_expires_in'),
    {
      lifetimeMs: 28_800_000,
      idleTimeout: 1_800_000,
      ceilingFrom: ['token_response.refresh_expires_in'],
    },
  )
  assert.equal(providerSession(t, 'idle_timeout: off')?.idleTimeout, 'off')
  assert.deepEqual(providerSession(t, 'ceiling_from: []')?.ceilingFrom, [])
  assert.deepEqual(
    providerSession(t, 'ceiling_from: [ claims.exp, "claims.https://id\\\\.example/end" ]')?.ceilingFrom,
    ['claims.exp', 'claims.https://id\\.example/end'],
  )
})

test('what is no lifetime and no path is refused', (t) => {
  const refused = (session: string) => refuse(t, withProvider(session)).join('\n')
  assert.match(refused('lifetime: 0s'), /providers\[0\]\.session\.lifetime: must be at least 1s/)
  assert.match(refused('lifetime: 401d'), /session\.lifetime: must be at most 400d/)
  assert.match(refused('idle_timeout: never'), /session\.idle_timeout: must be/)
  assert.match(refused('ceiling_from: session_expiry'), /session\.ceiling_from.*below claims or token_response/)
  assert.match(refused('ceiling_from: [ "claims." ]'), /session\.ceiling_from/)
  assert.match(refused('max_age: 1h'), /session\.max_age/)
})

test('remember_me is off until it is enabled, and lasts 30 days without an idle timeout', (t) => {
  const read = (keys: string) => accept(t, `session: { remember_me: { ${keys} } }`).config.session.rememberMe
  assert.deepEqual(read(''), { enabled: false, asks: false, lifetimeMs: 30 * DAY, idleTimeout: 'off' })
  assert.deepEqual(read('enabled: true, ask: true, lifetime: 90d, idle_timeout: 14d'), {
    enabled: true,
    asks: true,
    lifetimeMs: 90 * DAY,
    idleTimeout: 14 * DAY,
  })
  assert.match(
    refuse(t, 'session: { lifetime: 2d, remember_me: { enabled: true, lifetime: 1d } }').join(),
    /^config\.yaml:1: session\.remember_me\.lifetime: must not be shorter than session\.lifetime/,
  )
  assert.match(
    accept(t, 'session: { remember_me: { ask: true } }')
      .warnings.map(({ message }) => message)
      .join(),
    /has no effect without remember_me\.enabled/,
  )
})

test('no lifetime is longer than a ttl that is given', (t) => {
  const message = /must not be longer than session_store\.redis\.ttl/
  assert.match(refuse(t, withProvider('lifetime: 2d', redis('24h'))).join(), message)
  assert.match(refuse(t, `${redis('24h')}session: { remember_me: { enabled: true } }`).join(), message)
  accept(t, withProvider('lifetime: 1d', redis('24h')))
  accept(t, `${redis('24h')}session: { remember_me: { lifetime: 90d } }`)
  accept(t, `${redis('30d')}session: { lifetime: 1d, remember_me: { enabled: true } }`)
})
