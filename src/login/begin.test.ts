import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { callbackUrl, type LoginRigOptions, providerOptions, startLogin } from '../../test/support/login-rig.ts'
import { startMockProvider } from '../../test/support/mock-provider.ts'
import { createUnreliableStore, type UnreliableStore } from '../../test/support/unreliable-store.ts'
import { Visitor } from '../../test/support/visitor.ts'
import { HeaderList } from '../kernel/headers.ts'
import { codeChallenge, createTransaction } from './transaction.ts'
import { createReturnTargets } from './return-target.ts'

async function start(t: TestContext, options: LoginRigOptions = {}) {
  const provider = await startMockProvider(t)
  const rig = await startLogin(t, [provider], options)
  const visitor = new Visitor()
  const begin = (query = '', headers: Record<string, string> = {}) =>
    visitor.go(rig.url(`/.oathkeeper/login${query}`), { headers })
  return { provider, rig, visitor, begin }
}

const sent = (location: string | undefined) => new URL(location ?? '').searchParams

test('A-04: A-09: E-13: the request carries PKCE S256, state and nonce, and what is configured', async (t) => {
  const { provider, rig, begin } = await start(t, {
    provider: { authorizationParams: { prompt: 'login', 'x y': 'é&=' } },
  })
  const answer = await begin('?return_to=/x')
  assert.equal(answer.status, 302)
  assert.ok(answer.headers['location']?.startsWith(`${provider.issuer}/authorize?`))
  const { state, nonce, code_challenge: challenge, ...rest } = Object.fromEntries(sent(answer.headers['location']))
  assert.match(state ?? '', /^[\w-]{32}$/)
  assert.match(nonce ?? '', /^[\w-]{32}$/)
  assert.match(challenge ?? '', /^[\w-]{43}$/)
  assert.deepEqual(rest, {
    prompt: 'login',
    'x y': 'é&=',
    response_type: 'code',
    client_id: 'client',
    redirect_uri: rig.url('/.oathkeeper/callback'),
    scope: 'openid profile email',
    code_challenge_method: 'S256',
  })
  assert.equal(answer.headers['cache-control'], 'no-store')
})

test('openid is asked for where the scopes lack it, and a query of the endpoint stays', async (t) => {
  const { provider, begin } = await start(t, { provider: { scopes: ['email'] } })
  provider.switches.discovery = (document) => ({
    ...document,
    authorization_endpoint: `${provider.issuer}/authorize?tenant=a%20b`,
  })
  const params = sent((await begin()).headers['location'])
  assert.equal(params.get('scope'), 'openid email')
  assert.equal(params.get('tenant'), 'a b')
})

test('A-05: the verifier is sent with the code and belongs to the challenge', async (t) => {
  const { provider, rig, visitor } = await start(t)
  await visitor.go(await callbackUrl(visitor, rig))
  const [token] = provider.asked('/token')
  const [authorization] = provider.asked('/authorize')
  const verifier = token?.form.get('code_verifier') ?? ''
  assert.match(verifier, /^[A-Za-z0-9._~-]{43,128}$/)
  assert.equal(createHash('sha256').update(verifier).digest('base64url'), authorization?.query.get('code_challenge'))
})

test('A-04: A-07: A-09: of 10,000 transactions no value is like another, and each position uses the whole alphabet', () => {
  const targets = createReturnTargets({ origins: ['https://app.example'], basePath: '/b' })
  const beginning = {
    issuer: 'https://id.example',
    baseUrl: 'https://app.example',
    redirectUri: 'https://app.example/b/callback',
    returnTo: targets.root('https://app.example'),
    startedAt: 0,
  }
  const seen = new Set<string>()
  const alphabets = Array.from({ length: 64 }, () => new Set<string>())
  for (let i = 0; i < 10_000; i++) {
    const { nonce, codeVerifier } = createTransaction(beginning)
    seen.add(nonce).add(codeVerifier).add(codeChallenge(codeVerifier))
    assert.equal(codeVerifier.length, 64)
    for (const [position, alphabet] of alphabets.entries()) alphabet.add(codeVerifier[position]!)
  }
  assert.equal(seen.size, 30_000)
  assert.ok(alphabets.every((alphabet) => alphabet.size === 64))
})

test('A-15: V-040: no header of the request gets into redirect_uri', async (t) => {
  const { rig, begin } = await start(t)
  for (const headers of [
    { host: 'evil.test' },
    { host: 'evil.test:4455' },
    { 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https' },
    { forwarded: 'host=evil.test;proto=https' },
  ]) {
    const answer = await begin('', headers)
    assert.equal(sent(answer.headers['location']).get('redirect_uri'), rig.url('/.oathkeeper/callback'))
  }
})

test('of several base URLs the one that the request came to is used, its default port written or not', async (t) => {
  const provider = await startMockProvider(t)
  const rig = await startLogin(t, [provider], { login: { baseUrls: ['https://one.example', 'https://two.example'] } })
  for (const [host, origin] of [
    ['two.example', 'https://two.example'],
    ['TWO.example:443', 'https://two.example'],
    ['one.example', 'https://one.example'],
    ['other.example', 'https://one.example'],
  ] as const) {
    const answer = await new Visitor().go(rig.url('/.oathkeeper/login'), { headers: { host } })
    assert.equal(sent(answer.headers['location']).get('redirect_uri'), `${origin}/.oathkeeper/callback`)
  }
})

test('A-31: a person cannot add parameters to the authorization request', async (t) => {
  const { begin } = await start(t)
  const params = sent(
    (await begin('?return_to=/x&scope=admin&prompt=none&claims=%7B%7D&redirect_uri=https://evil.test&client_id=x'))
      .headers['location'],
  )
  assert.equal(params.get('scope'), 'openid profile email')
  assert.equal(params.get('client_id'), 'client')
  assert.deepEqual([params.has('prompt'), params.has('claims'), params.has('return_to')], [false, false, false])
  assert.doesNotMatch(params.toString(), /evil/)
})

test('A-16: V-065: a hostile return target leads home after the login', async (t) => {
  const { rig, visitor } = await start(t)
  for (const target of [
    '//evil.test/x',
    'https://evil.test/',
    '/\\evil.test',
    'javascript:alert(1)',
    'x'.repeat(10_000),
  ]) {
    assert.equal((await visitor.go(await callbackUrl(visitor, rig, target))).headers['location'], rig.url('/'))
  }
  const begun = rig.login.entry.beginUrl(
    { ...VIEW, host: new URL(rig.origin).host, originalUri: '//evil.test/x' },
    undefined,
  )
  const arrival = await visitor.follow(begun)
  assert.equal(new URL(arrival.url).origin, rig.origin)
})

test('after_login is where a login without a target leads', async (t) => {
  const { rig, visitor } = await start(t, { login: { afterLogin: '/home?x=1' } })
  const begun = await visitor.follow(rig.url('/.oathkeeper/login'))
  assert.equal(begun.url, rig.url('/home?x=1'))
})

for (const headers of [
  { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
  { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'image' },
  { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
  { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'object' },
  { accept: 'application/json' },
  { 'sec-purpose': 'prefetch;prerender' },
  { purpose: 'prefetch' },
]) {
  test(`A-33: ${JSON.stringify(headers)} begins no login`, async (t) => {
    const { provider, rig, begin } = await start(t)
    const answer = await begin('?return_to=/x', headers)
    assert.equal(answer.status, 401)
    assert.deepEqual(answer.setCookies, [])
    assert.equal(rig.store.sizes.states, 0)
    assert.equal(provider.requests.length, 0)
  })
}

test('an unknown provider, a repeated or a malformed parameter is a page', async (t) => {
  const { rig, begin } = await start(t)
  for (const query of [
    '?provider=none',
    '?provider=demo&provider=demo',
    '?return_to=/a&return_to=/b',
    '?return_to=%',
    '?provider=__proto__',
  ]) {
    const answer = await begin(query)
    assert.equal(answer.status, 400)
    assert.match(answer.text, /Start again/)
    assert.doesNotMatch(answer.text, /__proto__/)
  }
  assert.equal(rig.store.sizes.states, 0)
})

test('the provider that was asked for is the one, by HEAD and POST nothing begins', async (t) => {
  const [one, two] = [await startMockProvider(t), await startMockProvider(t)]
  const rig = await startLogin(t, [providerOptions(one, { id: 'one' }), providerOptions(two, { id: 'two' })])
  const visitor = new Visitor()
  const locationOf = async (query: string) =>
    (await visitor.go(rig.url(`/.oathkeeper/login${query}`))).headers['location']
  assert.ok((await locationOf(''))?.startsWith(one.issuer))
  assert.ok((await locationOf('?provider=two'))?.startsWith(two.issuer))
  for (const method of ['HEAD', 'POST'] as const) {
    assert.equal((await visitor.go(rig.url('/.oathkeeper/login'), { method })).status, 405)
  }
  assert.equal(rig.store.sizes.states, 2)
})

test('FM-04: with the store down a login is a 503 that can be tried again, and nobody is sent to the provider', async (t) => {
  let store: UnreliableStore | undefined
  const { rig, begin, visitor } = await start(t, { wrapStore: (inner) => (store = createUnreliableStore(inner)) })
  store!.down = true
  const answer = await begin('?return_to=/x')
  assert.deepEqual([answer.status, answer.headers['location'], answer.setCookies], [503, undefined, []])
  assert.match(answer.headers['retry-after'] ?? '', /^\d+$/)
  assert.match(answer.text, /href="[^"]*login\?return_to=http%3A%2F%2F127\.0\.0\.1%3A\d+%2Fx">Start again/)
  store!.down = false
  assert.equal((await visitor.follow(rig.url('/x'))).status, 200)
})

test('V-077: FM-29: abandoned logins stay within bounds and end by themselves', async (t) => {
  const { rig } = await start(t)
  for (let i = 0; i < 1200; i++) await rig.login.handle(loginView(`10.0.${i % 7}.1`))
  assert.equal(rig.store.sizes.states, 1000)
  rig.clock.advance(620_000)
  assert.equal(rig.store.sizes.states, 0)
})

test('V-078: a flood of logins from one address ends nobody else’s', async (t) => {
  const { rig, visitor } = await start(t)
  const url = await callbackUrl(visitor, rig)
  for (let i = 0; i < 10_000; i++) await rig.login.handle(loginView('203.0.113.9'))
  assert.equal((await visitor.go(url)).status, 302)
})

test('D-08: two session cookies are removed, and said, instead of going round in circles', async (t) => {
  const { provider, begin } = await start(t)
  const answer = await begin('?return_to=/x', { cookie: 'oathkeeper=a; oathkeeper=b' })
  assert.equal(answer.status, 400)
  assert.match(answer.text, /two sign-in cookies/)
  assert.equal(answer.headers['clear-site-data'], '"cookies"')
  assert.deepEqual(answer.setCookies, ['oathkeeper=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0'])
  assert.equal(provider.asked('/authorize').length, 0)
})

test('D-15: a browser with 64 attempts gets the oldest one’s cookie back', async (t) => {
  const { rig, visitor, begin } = await start(t)
  for (let i = 0; i < 70; i++) {
    rig.clock.advance(1000)
    await begin()
  }
  assert.equal(visitor.cookieNames('127.0.0.1').length, 64)
  assert.equal((await visitor.follow(await callbackUrl(visitor, rig))).status, 200)
})

const VIEW = {
  front: 'proxy',
  method: 'GET',
  scheme: 'http',
  host: 'app.example',
  receivedHost: 'app.example',
  path: '/',
  rawPath: '',
  rawQuery: '',
  clientAddress: '192.0.2.1',
  peerAddress: '192.0.2.1',
  peerTrusted: false,
  requestId: '',
  originalUri: '/',
  readBody: () => Promise.resolve(new Uint8Array()),
  headers: new HeaderList(),
} as const

const loginView = (clientAddress: string) => ({ ...VIEW, path: '/.oathkeeper/login', clientAddress })
