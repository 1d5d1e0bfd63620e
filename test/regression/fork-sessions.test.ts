import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type MockProvider, startMockProvider } from '../support/mock-provider.ts'
import {
  accessTokenClaims,
  giveJwtAccessTokens,
  type RuleLoginRigOptions,
  startRuleLogin,
  type Told,
} from '../support/rule-login-rig.ts'
import { signJwt } from '../support/sign-jwt.ts'
import { createUnreliableStore } from '../support/unreliable-store.ts'
import { Visitor } from '../support/visitor.ts'

// As fork-login.test.ts: sessions, cookies, headers and the logout.

async function start(t: TestContext, options: RuleLoginRigOptions = {}, bend: (mock: MockProvider) => void = () => {}) {
  const mock = await startMockProvider(t)
  giveJwtAccessTokens(mock)
  bend(mock)
  const rig = await startRuleLogin(t, mock, options)
  return { mock, rig, visitor: new Visitor() }
}

async function startSignedIn(...args: Parameters<typeof start>) {
  const started = await start(...args)
  assert.equal((await started.visitor.follow(started.rig.url('/home'))).status, 200)
  return started
}

const ticketOf = (visitor: Visitor): string | undefined => visitor.cookie('127.0.0.1', 'IG_SESSION_ID')

test('fork 13 to 15: a session ends on the server, with its tokens', async (t) => {
  const { rig, visitor } = await startSignedIn(t)
  rig.clock.advance(300_000)
  assert.equal((await visitor.go(rig.url('/home'))).status, 302)
  rig.clock.advance(60_000)
  assert.equal(rig.store.sizes.sessions, 0)
})

test('fork 21, E-04, V-056: no header sets a session, and none of the names that are ours gets past', async (t) => {
  const { rig, visitor } = await startSignedIn(t)
  const ticket = ticketOf(visitor) ?? ''
  const forged = {
    ig_session_id: ticket,
    'ig-session-id': ticket,
    'x-wso2_session_id': 'kept',
    wso2_session_id: ticket,
    sub: 'root',
    username: 'root',
  }
  const answer = await new Visitor().go(rig.url('/open'), { headers: forged })
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.setCookies, [])
  const { subject, headers, forwarded } = JSON.parse(answer.text) as Told
  assert.equal(subject, 'anonymous')
  assert.deepEqual(headers, {})
  const names = Object.keys(forwarded).map((name) => name.toLowerCase())
  for (const name of ['ig_session_id', 'ig-session-id', 'wso2_session_id', 'sub', 'username']) {
    assert.ok(!names.includes(name), name)
  }
  assert.ok(names.includes('x-wso2_session_id'))
})

test('fork 22, A-16: the cookie request_url leads nobody anywhere', async (t) => {
  const { rig, visitor } = await start(t, {
    callbackErrors: [{ handler: 'redirect', config: { to: 'request_url' } }],
  })
  const answer = await visitor.go(rig.url('/callback?code=a&state=b'), {
    headers: { cookie: 'request_url=https://evil.test/' },
  })
  assert.equal(answer.status, 400)
  assert.equal(answer.headers['location'], undefined)
  assert.doesNotMatch(answer.text, /evil/)
  const begun = await visitor.follow(rig.url('/home'), {
    headers: { 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https', 'x-forwarded-uri': '//evil.test/' },
  })
  assert.equal(begun.url, rig.url('/home'))
})

test('fork 23: a claim upstream_url or request_url steers nothing', async (t) => {
  const { rig, visitor } = await start(t, {}, (mock) => {
    const jwk = { ...mock.keys.privateKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256' }
    giveJwtAccessTokens(mock, (body) => ({
      ...body,
      access_token: signJwt(jwk, {
        ...accessTokenClaims(mock),
        upstream_url: 'http://evil.test',
        request_url: 'http://evil.test',
        set_cookie: { name: 'x', value: 'y' },
      }),
    }))
  })
  const arrival = await visitor.follow(rig.url('/home'))
  assert.equal(arrival.status, 200)
  assert.deepEqual(arrival.setCookies, [])
  assert.equal((JSON.parse(arrival.text) as Told).extra['upstream_url'], 'http://evil.test')
})

test('fork 24, H-06: what the application is told of the session opens nothing', async (t) => {
  const { rig, visitor } = await startSignedIn(t)
  const { headers } = JSON.parse((await visitor.go(rig.url('/home'))).text) as Told
  const id = headers['Ig_session_id'] ?? ''
  assert.match(id, /^[A-Za-z0-9_-]{22}$/)
  const answer = await new Visitor().go(rig.url('/home'), { headers: { cookie: `IG_SESSION_ID=${id}` } })
  assert.equal(answer.status, 302)
})

test('fork 25, V-082: the session cookie stays here, and so do those of the fork', async (t) => {
  const { rig } = await start(t)
  const { withoutOwnCookies } = rig.login.reader
  const all = 'a=1; IG_SESSION_ID=x; wso2_session_id=y; IG_SESSION_ID-login-abc=z; b=2'
  assert.equal(withoutOwnCookies(all), 'a=1; b=2')
  assert.equal(withoutOwnCookies('__Host-IG_SESSION_ID-login-abc=z; IG_SESSION_ID=x'), undefined)
  assert.equal(withoutOwnCookies('MY_IG_SESSION_ID=x'), 'MY_IG_SESSION_ID=x')
})

test('fork 26, D-04: cookies are Secure where the redirect URL is https, and only there', async (t) => {
  const { rig, visitor } = await start(t)
  const plain = await visitor.go(rig.url('/home'))
  assert.match(
    plain.setCookies[0] ?? '',
    /^IG_SESSION_ID-login-[\w-]{8}=.*; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600$/,
  )
  const https = await start(t, {
    begin: { redirect_url: 'https://app.example/callback' },
    callback: { redirect_url: 'https://app.example/callback' },
  })
  const secure = await https.visitor.go(https.rig.url('/home'))
  assert.match(
    secure.setCookies[0] ?? '',
    /^__Host-IG_SESSION_ID-login-.*; Path=\/; HttpOnly; Secure; SameSite=Lax; Max-Age=600$/,
  )
  assert.match(secure.headers['strict-transport-security'] ?? '', /max-age/)
})

test('fork 27: a page sets no cookie; the login alone does', async (t) => {
  const { rig, visitor } = await startSignedIn(t)
  const ticket = ticketOf(visitor)
  for (let i = 0; i < 3; i++) assert.deepEqual((await visitor.go(rig.url('/home'))).setCookies, [])
  assert.equal(ticketOf(visitor), ticket)
})

test('fork 29, C-04: another site cannot log anybody out; the person is asked, and can say yes', async (t) => {
  const { rig, visitor } = await startSignedIn(t)
  const foreign: Readonly<Record<string, string>>[] = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'image', 'sec-fetch-mode': 'no-cors' },
    { 'sec-fetch-site': '', referer: 'https://evil.test/' },
  ]
  for (const headers of foreign) {
    const answer = await visitor.go(rig.url('/logout'), { headers })
    assert.equal(answer.status, 403, JSON.stringify(headers))
    assert.equal((await visitor.go(rig.url('/home'))).status, 200)
  }
  assert.equal((await visitor.go(rig.url('/logout?confirm=guessed'), { headers: foreign[0] ?? {} })).status, 403)
  const asked = await visitor.go(rig.url('/logout'), { headers: foreign[0] ?? {} })
  const link = /href="([^"]+)">Sign out/.exec(asked.text)?.[1] ?? ''
  const out = await visitor.go(new URL(link, rig.origin).href, { headers: { 'sec-fetch-site': '' } })
  assert.equal(out.status, 302)
  assert.equal(ticketOf(visitor), undefined)
})

test('fork 29: a link on a page of ours logs out, in browsers that vouch for it and in those that only say where they were', async (t) => {
  const vouched = await startSignedIn(t)
  const headers = { 'sec-fetch-site': 'same-origin' }
  assert.equal((await vouched.visitor.go(vouched.rig.url('/logout'), { headers })).status, 302)
  const { rig, visitor } = await startSignedIn(t)
  const old = await visitor.go(rig.url('/logout'), { headers: { 'sec-fetch-site': '', referer: rig.url('/home') } })
  assert.equal(old.status, 302)
})

test('fork 30, C-03, V-009: the session is over when the answer leaves, and a store that is down is no success', async (t) => {
  let store: { down: boolean } = { down: false }
  const { rig, visitor } = await startSignedIn(t, { wrapStore: (real) => (store = createUnreliableStore(real)) })
  const before = visitor.copy()
  store.down = true
  const failed = await visitor.go(rig.url('/logout'))
  assert.equal(failed.status, 503)
  assert.equal(ticketOf(visitor), undefined)
  store.down = false
  assert.equal((await before.go(rig.url('/home'))).status, 302, 'the ticket is refused here all the same')
})

test('fork 30: a logout revokes the tokens where the provider can be told', async (t) => {
  const revoked = Promise.withResolvers<string>()
  const { mock, rig, visitor } = await startSignedIn(t, {}, (provider) => {
    provider.switches.discovery = (document) => ({ ...document, revocation_endpoint: `${provider.issuer}/revoke` })
    provider.switches.routes = {
      '/revoke': (request, response) => {
        revoked.resolve(request.headers.authorization ?? '')
        response.end()
      },
    }
  })
  await visitor.go(rig.url('/logout'))
  assert.match(await revoked.promise, /^Basic /)
  const [asked] = mock.asked('/revoke')
  assert.equal(asked?.form.get('token_type_hint'), 'access_token')
  assert.ok(mock.given.includes(asked?.form.get('token') ?? ''))
})
