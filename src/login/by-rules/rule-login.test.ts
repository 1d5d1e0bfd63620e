import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { withParams } from '../../../test/support/login-rig.ts'
import { type MockProvider, startMockProvider } from '../../../test/support/mock-provider.ts'
import {
  callbackUrl,
  giveJwtAccessTokens,
  type RuleLoginRigOptions,
  startRuleLogin,
  type Told,
} from '../../../test/support/rule-login-rig.ts'
import { requestView } from '../../../test/support/request-view.ts'
import { Visitor } from '../../../test/support/visitor.ts'
import { GateError } from '../../kernel/errors.ts'

async function start(t: TestContext, options: RuleLoginRigOptions = {}, bend: (mock: MockProvider) => void = () => {}) {
  const mock = await startMockProvider(t)
  giveJwtAccessTokens(mock)
  bend(mock)
  const rig = await startRuleLogin(t, mock, options)
  return { mock, rig, visitor: new Visitor() }
}

const told = (text: string): Told => JSON.parse(text) as Told

test('a person logs in and arrives at the page asked for, whose application is told who it is', async (t) => {
  const { mock, rig, visitor } = await start(t)
  const arrival = await visitor.follow(rig.url('/home/reports?month=10&q=a%20b'))
  assert.equal(arrival.url, rig.url('/home/reports?month=10&q=a%20b'))
  const { subject, extra, headers } = told(arrival.text)
  assert.equal(subject, 'alice')
  assert.equal(extra['username'], 'alice@example.com')
  assert.equal(extra['name'], 'alice@example.com')
  assert.equal(extra['sub'], 'alice')
  assert.equal(extra['access_token'], mock.given.at(-1))
  assert.ok(mock.given.includes(String(extra['id_token'])))
  assert.equal(extra['IG_SESSION_ID'], extra['wso2_session_id'])
  assert.deepEqual(headers, {
    Ig_session_id: extra['IG_SESSION_ID'],
    Sub: 'alice',
    Username: 'alice@example.com',
  })
})

test('A-04 A-09 A-31: the request has PKCE with S256, a nonce, a state, and nothing of the page that began it', async (t) => {
  const { mock, rig, visitor } = await start(t, { begin: { use_pkce: false } })
  await visitor.follow(rig.url('/home?scope=admin&prompt=none&state=mine'))
  const [{ query } = { query: new URLSearchParams() }] = mock.asked('/authorize')
  assert.deepEqual([...query.keys()].sort(), [
    'client_id',
    'code_challenge',
    'code_challenge_method',
    'nonce',
    'redirect_uri',
    'response_type',
    'scope',
    'state',
  ])
  assert.equal(query.get('scope'), 'openid profile email')
  assert.equal(query.get('code_challenge_method'), 'S256')
  assert.equal(query.get('redirect_uri'), rig.url('/callback'))
  assert.match(query.get('state') ?? '', /^[A-Za-z0-9_-]{32}$/)
})

test('the form with the whole request in `to`: its parameters go along, its state does not', async (t) => {
  const mock = await startMockProvider(t)
  const rig = await startRuleLogin(t, mock, {
    begin: (origin) => ({
      oidc_authorization_url: undefined,
      client_id: undefined,
      redirect_url: undefined,
      to: `${mock.issuer}/authorize?response_type=code&client_id=${mock.clientId}&redirect_uri=${origin}/callback&scope=openid%20email&state=randomstate&nonce=fixed&prompt=login`,
    }),
  })
  const begun = await new Visitor().go(rig.url('/home'))
  const { origin, pathname, searchParams } = new URL(begun.headers['location'] ?? '')
  assert.equal(origin + pathname, `${mock.issuer}/authorize`)
  assert.equal(searchParams.get('prompt'), 'login')
  assert.equal(searchParams.get('scope'), 'openid email')
  assert.notEqual(searchParams.get('state'), 'randomstate')
  assert.notEqual(searchParams.get('nonce'), 'fixed')
})

test('an authorization URL that has a query keeps it', async (t) => {
  const { mock } = await start(t)
  const rig = await startRuleLogin(t, mock, {
    begin: { oidc_authorization_url: `${mock.issuer}/authorize?audience=api&state=x` },
  })
  const begun = await new Visitor().go(rig.url('/home'))
  const { searchParams } = new URL(begun.headers['location'] ?? '')
  assert.equal(searchParams.get('audience'), 'api')
  assert.notEqual(searchParams.get('state'), 'x')
})

test('the session ends with the access token where there is no refresh token', async (t) => {
  const { rig, visitor } = await start(t)
  await visitor.follow(rig.url('/home'))
  rig.clock.advance(299_000)
  assert.equal((await visitor.go(rig.url('/home'))).status, 200)
  rig.clock.advance(2000)
  const { status, setCookies } = await visitor.go(rig.url('/home'))
  assert.equal(status, 302)
  assert.ok(
    setCookies.some((line) => line.startsWith('IG_SESSION_ID=;')),
    'the stale ticket is removed',
  )
})

test('a provider that says nothing of its lifetime gives an hour', async (t) => {
  const { rig, visitor } = await start(t, {}, (mock) => {
    giveJwtAccessTokens(mock, (body) => ({ ...body, expires_in: undefined }))
  })
  await visitor.follow(rig.url('/home'))
  const session = await rig.login.reader.open(visitor.cookie('127.0.0.1', 'IG_SESSION_ID') ?? '')
  assert.equal(session?.expiresAt, rig.clock.now() + 3_600_000)
})

test('with a refresh token the session goes on and has a new access token', async (t) => {
  const { mock, rig, visitor } = await start(t, {}, (provider) => {
    giveJwtAccessTokens(provider, (body) => ({ ...body, refresh_token: 'set below' }))
  })
  const bent = mock.switches.token
  mock.switches.token = (body, form) => ({ ...(bent?.(body, form) as object), refresh_token: body['refresh_token'] })
  mock.now = () => rig.clock.now()
  const first = told((await visitor.follow(rig.url('/home'))).text)
  rig.clock.advance(290_000)
  await visitor.go(rig.url('/home'))
  assert.equal(mock.asked('/token').length, 2)
  rig.clock.advance(20_000)
  const later = await visitor.go(rig.url('/home'))
  assert.equal(later.status, 200)
  assert.notEqual(told(later.text).extra['access_token'], first.extra['access_token'])
})

test('client_secret_post, and no method at all, are what is sent', async (t) => {
  const post = await start(t, { callback: { token_endpoint_auth_method: 'client_secret_post' } })
  await post.visitor.follow(post.rig.url('/home'))
  const [request] = post.mock.asked('/token')
  assert.equal(request?.headers.authorization, undefined)
  assert.equal(request?.form.get('client_secret'), post.mock.clientSecret)
  const none = await start(t, { callback: { token_endpoint_auth_method: 'none', client_secret: undefined } })
  await none.visitor.follow(none.rig.url('/home'))
  const [open] = none.mock.asked('/token')
  assert.equal(open?.headers.authorization, undefined)
  assert.equal(open?.form.get('client_secret'), null)
  assert.equal(open?.form.get('client_id'), none.mock.clientId)
})

test('the authorizer of the callback is asked before there is a session', async (t) => {
  const { rig, visitor } = await start(t, { authorizer: 'deny' })
  const back = await visitor.go(await callbackUrl(visitor, rig))
  assert.equal(back.status, 403)
  assert.equal(rig.store.sizes.sessions, 0)
  assert.equal(visitor.cookie('127.0.0.1', 'IG_SESSION_ID'), undefined)
})

test('on the decision API the gateway is given the same redirects and cookies', async (t) => {
  const { mock, rig, visitor } = await start(t, { front: 'decision' })
  const begun = await visitor.go(rig.url('/home'))
  assert.equal(begun.status, 302)
  assert.ok(begun.headers['location']?.startsWith(`${mock.issuer}/authorize?`))
  const arrival = await visitor.follow(rig.url('/home'))
  assert.equal(arrival.status, 200)
  assert.equal(told(arrival.text).subject, 'alice')
})

test('FM-04: a store that is down: nobody is sent to the provider, nobody is let in, and cookies stay', async (t) => {
  const { createUnreliableStore } = await import('../../../test/support/unreliable-store.ts')
  let down: { down: boolean } = { down: false }
  const { mock, rig, visitor } = await start(t, {
    wrapStore: (store) => (down = createUnreliableStore(store)),
  })
  await visitor.follow(rig.url('/home'))
  const ticket = visitor.cookie('127.0.0.1', 'IG_SESSION_ID')
  const asked = mock.asked('/authorize').length
  down.down = true
  const answer = await visitor.go(rig.url('/home'))
  assert.equal(answer.status, 503)
  assert.notEqual(answer.headers['retry-after'], undefined)
  const fresh = await new Visitor().go(rig.url('/home'))
  assert.equal(fresh.status, 503)
  assert.equal(mock.asked('/authorize').length, asked)
  assert.equal(visitor.cookie('127.0.0.1', 'IG_SESSION_ID'), ticket)
  down.down = false
  assert.equal((await visitor.go(rig.url('/home'))).status, 200)
})

test('a callback whose rule no page begins logins for tells the operator', async (t) => {
  const { rig, visitor } = await start(t, { callback: { redirect_url: 'http://127.0.0.1:1/other' } })
  const { status } = await visitor.go(rig.url('/home'))
  assert.equal(status, 500)
  assert.ok(rig.log.some(({ fields }) => String(fields['detail']).includes('no rule has the authenticator callback')))
})

test('C-01: the logout URL keeps its query, and has the ID token, the client and the configured target', async (t) => {
  const { mock } = await start(t)
  const rig = await startRuleLogin(t, mock, { end: { oidc_logout_url: `${mock.issuer}/logout?ui=de` } })
  const visitor = new Visitor()
  await visitor.follow(rig.url('/home'))
  const out = await visitor.go(rig.url('/logout?post_logout_redirect_uri=https://evil.test'))
  assert.equal(out.status, 302)
  const { origin, pathname, searchParams } = new URL(out.headers['location'] ?? '')
  assert.equal(origin + pathname, `${mock.issuer}/logout`)
  assert.equal(searchParams.get('ui'), 'de')
  assert.ok(mock.given.includes(searchParams.get('id_token_hint') ?? ''))
  assert.equal(searchParams.get('client_id'), mock.clientId)
  assert.equal(searchParams.get('post_logout_redirect_uri'), rig.url('/home'))
  assert.equal(visitor.cookie('127.0.0.1', 'IG_SESSION_ID'), undefined)
})

test('who has no session is sent to the provider to log out all the same', async (t) => {
  const { mock, rig, visitor } = await start(t)
  const out = await visitor.go(rig.url('/logout'), { headers: { 'sec-fetch-site': 'cross-site' } })
  assert.equal(out.status, 302)
  const { searchParams } = new URL(out.headers['location'] ?? '')
  assert.equal(searchParams.get('id_token_hint'), null)
  assert.equal(mock.asked('/logout').length, 0)
})

test('a script that logs out is told so', async (t) => {
  const { rig, visitor } = await start(t)
  await visitor.follow(rig.url('/home'))
  const answer = await visitor.go(rig.url('/logout'), {
    headers: { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', accept: '*/*' },
  })
  assert.deepEqual([answer.status, answer.text], [200, '{"signed_out":true}\n'])
})

test('A-22 A-23: hostile callbacks are 400 and say nothing back', async (t) => {
  const { mock, rig, visitor } = await start(t)
  const back = await callbackUrl(visitor, rig)
  for (const query of [
    '',
    '?code=a',
    '?state=s',
    '?code=a&code=b&state=s',
    '?code=%00&state=s',
    '?%zz',
    '?__proto__=1',
  ]) {
    const answer = await visitor.go(rig.url(`/callback${query}`))
    assert.equal(answer.status, 400, query)
    assert.doesNotMatch(answer.text, /__proto__|%zz/)
  }
  assert.equal((await visitor.go(withParams(back, { state: 'x'.repeat(32) }))).status, 400)
  assert.equal(mock.asked('/token').length, 0)
  assert.equal((await visitor.follow(back)).status, 200)
})

test('two pages that begin logins with other scopes get what each asks for', async (t) => {
  const { mock, rig } = await start(t, { begin: { scopes: ['openid'] } })
  const { clientId, issuer } = mock
  const options = {
    clientId,
    redirectUrl: rig.url('/callback'),
    authorizationUrl: `${issuer}/authorize`,
    authorizationParams: {},
  }
  const begin = rig.login.beginner({ ...options, scopes: ['openid', 'email'] })
  const request = requestView({ host: new URL(rig.origin).host })
  const reply = await begin({ request, error: new GateError('ERR_CREDENTIALS_INVALID'), hasStaleTicket: false })
  const location = new Map(reply.headers).get('Location') ?? ''
  assert.equal(new URL(location).searchParams.get('scope'), 'openid email')
  const begun = await new Visitor().go(rig.url('/home'))
  assert.equal(new URL(begun.headers['location'] ?? '').searchParams.get('scope'), 'openid')
})

test('a session of the fork is left where it is when the browser could not be told of its new ticket', async (t) => {
  const taken: string[] = []
  const takeForkSession = (id: string) => {
    taken.push(id)
    return Promise.resolve(undefined)
  }
  const headers = { cookie: `IG_SESSION_ID=${'a'.repeat(32)}` }
  const script = { ...headers, 'sec-fetch-mode': 'cors', accept: 'application/json' }
  const decision = await start(t, { front: 'decision', takeForkSession })
  assert.equal((await decision.visitor.go(decision.rig.url('/home'), { headers: script })).status, 401)
  const proxy = await start(t, { takeForkSession })
  await proxy.visitor.go(proxy.rig.url('/home'), { headers: { ...headers, 'sec-websocket-key': 'x' } })
  assert.deepEqual(taken, [])
  await proxy.visitor.go(proxy.rig.url('/home'), { headers: script })
  await decision.visitor.go(decision.rig.url('/home'), { headers })
  assert.equal(taken.length, 2)
})

test('A-14, V-070: the callback of one client takes no login of another', async (t) => {
  const { mock, rig, visitor } = await start(t)
  const begun = await visitor.go(rig.url('/home'))
  const authorized = await visitor.go(begun.headers['location'] ?? '')
  const back = new URL(authorized.headers['location'] ?? '')
  const other = await startRuleLogin(t, mock, {
    callback: { client_id: 'another', token_url: `${mock.issuer}/elsewhere` },
  })
  const answer = await visitor.go(other.url(back.pathname + back.search))
  assert.equal(answer.status, 400)
  assert.equal(mock.asked('/elsewhere').length, 0)
  assert.equal((await visitor.follow(back.href)).status, 200)
})
