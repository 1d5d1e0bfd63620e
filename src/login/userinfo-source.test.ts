import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { callbackUrl, startLogin } from '../../test/support/login-rig.ts'
import { startMockProvider } from '../../test/support/mock-provider.ts'
import { Visitor } from '../../test/support/visitor.ts'
import type { Session } from '../sessions/contract.ts'

/** Somebody who is signed in at a provider with UserInfo. */
async function start(t: TestContext, userinfo = true) {
  const provider = await startMockProvider(t)
  const rig = await startLogin(t, [provider], { provider: { userinfo }, login: { timeoutMs: 300 } })
  provider.now = rig.clock.now
  const visitor = new Visitor()
  await visitor.go(await callbackUrl(visitor, rig))
  const session = (await rig.login.reader.open(visitor.cookie('127.0.0.1', 'oathkeeper') ?? ''))!
  const read = (changes: Partial<Session> = {}) => rig.login.userinfo.read({ ...session, ...changes })
  return { provider, rig, session, read }
}

test('UserInfo is joined as at the login: what the ID token says stands', async (t) => {
  const { provider, session, read } = await start(t)
  provider.switches.userinfo = (claims) => ({ ...claims, groups: ['new'], nickname: undefined })
  const outcome = await read()
  assert.ok(outcome.kind === 'read')
  const { groups, nickname, email, nonce } = outcome.claims
  assert.deepEqual([groups, nickname, email], [['new'], undefined, 'alice@example.com'])
  assert.equal(nonce, session.claims['nonce'])
  assert.equal(provider.asked('/userinfo').at(-1)?.headers.authorization, `Bearer ${session.tokens.accessToken}`)
})

test('the nonce of the login stays when a refreshed ID token is without', async (t) => {
  const { session, read } = await start(t)
  const outcome = await read({ tokens: { ...session.tokens, idToken: '' }, claims: session.claims })
  assert.ok(outcome.kind === 'read')
  const claims = { sub: 'alice' }
  const idToken = `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`
  const without = await read({ tokens: { ...session.tokens, idToken } })
  assert.ok(without.kind === 'read')
  assert.equal(without.claims['nonce'], session.claims['nonce'])
})

test('only claims that come from UserInfo are read again', async (t) => {
  const [withIt, without] = [await start(t), await start(t, false)]
  assert.equal(withIt.rig.login.userinfo.isRead('demo'), true)
  assert.equal(withIt.rig.login.userinfo.isRead('gone'), false)
  assert.equal(without.rig.login.userinfo.isRead('demo'), false)
})

test('B-12: UserInfo that speaks of somebody else is told apart from one that cannot be read', async (t) => {
  const { provider, read } = await start(t)
  provider.switches.userinfo = () => ({ sub: 'bob' })
  assert.deepEqual(await read(), { kind: 'rejected', detail: 'UserInfo speaks of another sub' })
  provider.switches.userinfo = () => ({})
  assert.equal((await read()).kind, 'failed')
})

for (const [name, status, retryAfter, expected] of [
  ['down', 503, '120', { retryAfterMs: 120_000, isTokenRefused: false }],
  ['refusing the token', 401, undefined, { retryAfterMs: undefined, isTokenRefused: true }],
  ['refusing the scope', 403, undefined, { retryAfterMs: undefined, isTokenRefused: false }],
] as const) {
  test(`UserInfo that is ${name} is a failure that passes`, async (t) => {
    const { provider, session, read } = await start(t)
    provider.switches.routes = {
      '/userinfo': (_request, response) =>
        response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter }).end('{}'),
    }
    const { kind, ...rest } = await read()
    const detail = `provider "demo": UserInfo answered with status ${status}`
    assert.deepEqual([kind, rest], ['failed', { detail, ...expected }])
    assert.ok(!JSON.stringify(rest).includes(session.tokens.accessToken))
  })
}

test('an access token goes to the provider that gave it and to no other', async (t) => {
  const { provider, read } = await start(t)
  const before = provider.asked('/userinfo').length
  assert.equal((await read({ issuer: 'https://elsewhere.example' })).kind, 'failed')
  assert.equal((await read({ provider: 'gone' })).kind, 'failed')
  assert.equal(provider.asked('/userinfo').length, before)
})
