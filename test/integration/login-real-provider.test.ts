import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { decodeJwt } from 'jose'
import type { ProviderOptions } from '../../src/login/options.ts'
import { startLogin } from '../support/login-rig.ts'
import { confirmLogout, type RealProvider, signInAs, startRealProvider } from '../support/real-provider.ts'
import { Visitor } from '../support/visitor.ts'

async function start(t: TestContext, changes: Partial<ProviderOptions> = {}) {
  const started: RealProvider[] = []
  const rig = await startLogin(t, async (origin) => {
    const provider = await startRealProvider(t, origin)
    started.push(provider)
    return [provider.options(changes)]
  })
  return { rig, visitor: new Visitor(), provider: started[0]! }
}

test('oidc-provider: a person logs in with a form and arrives at what was asked for', async (t) => {
  const { rig, visitor } = await start(t)
  const form = await visitor.follow(rig.url('/reports?month=10'))
  const arrival = await signInAs(visitor, form, 'mei')
  assert.equal(arrival.url, rig.url('/reports?month=10'))
  const { subject, extra } = JSON.parse(arrival.text)
  assert.equal(subject, 'mei')
  assert.equal(decodeJwt(extra.id_token).sub, 'mei')
})

test('oidc-provider: UserInfo joins the claims', async (t) => {
  const { rig, visitor } = await start(t, { userinfo: true })
  const arrival = await signInAs(visitor, await visitor.follow(rig.url('/x')), 'mei')
  assert.equal(JSON.parse(arrival.text).extra.name, '名前 明')
})

test('oidc-provider: two tabs that log in at once both arrive, the second without a form', async (t) => {
  const { rig, visitor } = await start(t)
  const [one, two] = [await visitor.follow(rig.url('/one')), await visitor.follow(rig.url('/two'))]
  assert.equal((await signInAs(visitor, two, 'ada')).url, rig.url('/two'))
  const second = await signInAs(visitor, one, 'ada')
  assert.equal(second.url, rig.url('/one'))
  assert.equal(second.status, 200)
})

test('oidc-provider: who goes back without signing in gets a page that offers to start again', async (t) => {
  const { rig, visitor } = await start(t)
  const arrival = await signInAs(visitor, await visitor.follow(rig.url('/x')), 'nobody')
  assert.equal(arrival.status, 400)
  assert.match(arrival.text, /You were not signed in/)
  assert.match(arrival.text, /login\?return_to=http%3A%2F%2F127\.0\.0\.1%3A\d+%2Fx">Start again/)
})

test('oidc-provider: logging out ends it here and there', async (t) => {
  const { rig, visitor } = await start(t)
  await signInAs(visitor, await visitor.follow(rig.url('/x')), 'ada')
  const question = await visitor.submit(rig.url('/.oathkeeper/logout'), {})
  const over = await confirmLogout(visitor, question)
  assert.match(over.url, new RegExp(`^${rig.origin}/\\.oathkeeper/signed-out\\?state=`))
  assert.match(over.text, /You are signed out/)
  const again = await visitor.follow(rig.url('/x'))
  assert.match(again.text, /<form method="post" action="\/sign-in\//, 'the provider asks who it is')
})

test('oidc-provider: tokens are refreshed, and a refresh token that was used is refused', async (t) => {
  const { rig, visitor } = await start(t)
  await signInAs(visitor, await visitor.follow(rig.url('/x')), 'ada')
  const session = (await rig.login.reader.open(visitor.cookie('127.0.0.1', 'oathkeeper') ?? ''))!
  assert.ok(session.tokens.refreshToken !== undefined)
  const first = await rig.login.refresh(session, () => true)
  assert.equal(first.kind, 'refreshed')
  const second = await rig.login.refresh(session, () => true)
  assert.deepEqual(second, { kind: 'rejected', detail: 'the token endpoint refused: invalid_grant' })
})

test('oidc-provider: a logout there ends the session here, and no other one of the person', async (t) => {
  const { rig, visitor: laptop, provider } = await start(t)
  const phone = new Visitor()
  for (const visitor of [laptop, phone]) await signInAs(visitor, await visitor.follow(rig.url('/x')), 'ada')
  await confirmLogout(laptop, await laptop.follow(`${provider.issuer}/session/end`))
  assert.ok(rig.log.some(({ fields: { reason } }) => reason === 'backchannel'))
  assert.equal((await laptop.go(rig.url('/x'))).status, 302)
  assert.equal((await phone.go(rig.url('/x'))).status, 200)
})
