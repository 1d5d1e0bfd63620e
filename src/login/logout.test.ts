import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { HeaderList } from '../kernel/headers.ts'
import { callbackUrl, type LoginRig, type LoginRigOptions, startLogin } from '../../test/support/login-rig.ts'
import { startMockProvider } from '../../test/support/mock-provider.ts'
import { createUnreliableStore, type UnreliableStore } from '../../test/support/unreliable-store.ts'
import { Visitor } from '../../test/support/visitor.ts'

/** Somebody who is signed in. */
async function start(t: TestContext, options: LoginRigOptions = {}) {
  const provider = await startMockProvider(t)
  const rig = await startLogin(t, [provider], options)
  const visitor = new Visitor()
  await visitor.go(await callbackUrl(visitor, rig))
  const ticket = visitor.cookie('127.0.0.1', 'oathkeeper')!
  const logout = (method: 'GET' | 'POST' = 'POST', headers: Record<string, string> = {}, query = '') =>
    visitor.go(rig.url(`/.oathkeeper/logout${query}`), { method, headers: { ...own(rig), ...headers } })
  return { provider, rig, visitor, ticket, logout }
}

const own = (rig: LoginRig) => ({ origin: rig.origin, 'sec-fetch-site': 'same-origin' })
const isLive = async (rig: LoginRig, ticket: string) =>
  (await new Visitor().go(rig.url('/x'), { headers: { cookie: `oathkeeper=${ticket}` } })).status === 200

test('C-01: logout leads to the provider with the ID token, our constant address and a fresh state', async (t) => {
  const { provider, rig, logout, ticket } = await start(t)
  const session = await rig.login.reader.open(ticket)
  const answer = await logout(
    'POST',
    {},
    '?post_logout_redirect_uri=https://evil.test&state=x&id_token_hint=y&ui_locales=z',
  )
  assert.equal(answer.status, 303)
  const url = new URL(answer.headers['location'] ?? '')
  assert.equal(url.origin + url.pathname, `${provider.issuer}/logout`)
  const { state, ...rest } = Object.fromEntries(url.searchParams)
  assert.match(state ?? '', /^[\w-]{32}$/)
  assert.deepEqual(rest, {
    id_token_hint: session?.tokens.idToken,
    client_id: 'client',
    post_logout_redirect_uri: rig.url('/.oathkeeper/signed-out'),
  })
})

test('C-03: C-06: the session is over before the answer leaves; nothing is cached, the cookie goes', async (t) => {
  const { rig, ticket, logout } = await start(t)
  assert.equal(await isLive(rig, ticket), true)
  const answer = await logout()
  assert.equal(rig.store.sizes.sessions, 0)
  assert.equal(await isLive(rig, ticket), false)
  assert.equal(answer.headers['cache-control'], 'no-store')
  assert.equal(answer.headers['clear-site-data'], '"cache"')
  assert.equal(answer.setCookies[0], 'oathkeeper=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0')
})

test('C-02: the return from the provider ends at a page that says so, and the cookie of the logout goes', async (t) => {
  const { rig, visitor } = await start(t)
  const arrival = await visitor.submit(rig.url('/.oathkeeper/logout'), {})
  assert.equal(arrival.status, 200)
  assert.match(arrival.url, /\/\.oathkeeper\/signed-out\?state=/)
  assert.match(arrival.text, /<h1>You are signed out<\/h1>/)
  assert.deepEqual(visitor.cookieNames('127.0.0.1'), [])
})

test('C-02: after_logout is where the return leads, and only a return of this browser’s own logout', async (t) => {
  const { rig, visitor } = await start(t, { login: { afterLogout: '/bye' } })
  for (const query of ['', '?state=', `?state=${'A'.repeat(32)}`, '?state=x&state=y', '?return_to=https://evil.test']) {
    const forged = await new Visitor().go(rig.url(`/.oathkeeper/signed-out${query}`))
    assert.deepEqual([forged.status, forged.headers['location']], [200, undefined])
    assert.doesNotMatch(forged.text, /evil/)
  }
  const arrival = await visitor.submit(rig.url('/.oathkeeper/logout'), {})
  assert.ok(arrival.trail.includes(rig.url('/bye')))
  const [, atProvider, back] = arrival.trail
  assert.ok(atProvider?.includes('/logout?'))
  assert.equal((await new Visitor().go(back ?? '')).status, 200, 'in another browser it leads nowhere')
})

test('V-035: A-16: no parameter of a logout says where it leads', async (t) => {
  for (const name of ['rd', 'return_to', 'redirect', 'post_logout_redirect_uri', 'next', 'url']) {
    const { rig, visitor } = await start(t)
    const arrival = await visitor.follow(rig.url(`/.oathkeeper/logout?${name}=https://evil.test/`), {
      method: 'POST',
      headers: own(rig),
    })
    assert.ok(arrival.trail.every((url) => !new URL(url).origin.includes('evil')))
    assert.ok(!arrival.trail.slice(1).join(' ').includes('evil'))
  }
})

const foreign: Record<string, Record<string, string>> = {
  'from another site': { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' },
  'with a foreign Origin and a forged vouch': { origin: 'https://evil.test', 'sec-fetch-site': 'same-origin' },
  'with a foreign Origin alone': { origin: 'https://evil.test', 'sec-fetch-site': '' },
  'with Origin null from another site': { origin: 'null', 'sec-fetch-site': 'cross-site' },
  'from a sibling host': { origin: 'http://sub.127.0.0.1', 'sec-fetch-site': 'same-site' },
  'from another port': { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' },
}
for (const [name, headers] of Object.entries(foreign)) {
  test(`C-04: V-098: a POST ${name} ends nothing and asks first`, async (t) => {
    const { rig, ticket, logout } = await start(t)
    const answer = await logout('POST', headers)
    assert.equal(answer.status, 403)
    assert.deepEqual(answer.setCookies, [])
    assert.match(answer.text, /<form method="post" action="\/\.oathkeeper\/logout">/)
    assert.equal(await isLive(rig, ticket), true)
  })
}

for (const [name, headers, isOurs] of [
  ['a POST of our page in a browser that says nothing of sites', { 'sec-fetch-site': undefined }, true],
  ['a POST with Origin null that the browser vouches for', { origin: 'null' }, true],
  ['a POST without Origin that the browser vouches for', { origin: undefined }, true],
  ['a POST with our Referer alone', { origin: undefined, 'sec-fetch-site': undefined, referer: 'OWN/page' }, true],
  [
    'a POST with a foreign Referer alone',
    { origin: undefined, 'sec-fetch-site': undefined, referer: 'https://evil.test/' },
    false,
  ],
  ['a POST with Origin null and no vouch', { origin: 'null', 'sec-fetch-site': undefined }, false],
  ['a POST that says nothing at all', { origin: undefined, 'sec-fetch-site': undefined }, false],
] as const) {
  test(`V-098: ${name} is ${isOurs ? '' : 'not '}ours`, async (t) => {
    const { rig, ticket } = await start(t)
    const all = { ...own(rig), ...headers, cookie: `oathkeeper=${ticket}` }
    const entries = Object.entries(all).filter(([, value]) => value !== undefined)
    const list = new HeaderList(entries.flatMap(([key, value]) => [key, String(value).replace('OWN', rig.origin)]))
    const answer = await rig.login.handle({ ...REQUEST, host: new URL(rig.origin).host, headers: list })
    assert.equal(answer.status, isOurs ? 303 : 403)
    assert.equal(await isLive(rig, ticket), !isOurs)
  })
}

for (const [name, headers] of [
  ['a link of another site', { 'sec-fetch-site': 'cross-site' }],
  ['a link of a sibling', { 'sec-fetch-site': 'same-site' }],
  ['an image of our own page', { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }],
  ['a prefetch', { 'sec-purpose': 'prefetch' }],
  ['a script', { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }],
  ['a browser that vouches for nothing', { 'sec-fetch-site': '' }],
] as const) {
  test(`C-04: a GET by ${name} ends nothing and asks first`, async (t) => {
    const { rig, ticket, logout } = await start(t)
    const answer = await logout('GET', headers)
    assert.equal(answer.status, 403)
    assert.match(answer.text, /Do you want to sign out\?/)
    assert.equal(await isLive(rig, ticket), true)
  })
}

for (const site of ['same-origin', 'none']) {
  test(`a GET by a person (${site}) is a logout`, async (t) => {
    const { rig, ticket, logout } = await start(t)
    assert.equal((await logout('GET', { 'sec-fetch-site': site })).status, 303)
    assert.equal(await isLive(rig, ticket), false)
  })
}

test('an allowed return origin may log out too', async (t) => {
  const { rig, ticket, logout } = await start(t, { login: { allowedReturnOrigins: ['https://docs.example'] } })
  assert.equal((await logout('POST', { origin: 'https://docs.example', 'sec-fetch-site': 'cross-site' })).status, 303)
  assert.equal(await isLive(rig, ticket), false)
})

test('V-009: with the store down a logout says 503, clears the cookie, and the ticket is refused here all the same', async (t) => {
  let store: UnreliableStore | undefined
  const { provider, rig, ticket, logout } = await start(t, {
    wrapStore: (inner) => (store = createUnreliableStore(inner)),
  })
  store!.down = true
  const answer = await logout()
  assert.equal(answer.status, 503)
  assert.match(answer.text, /could not be completed/)
  assert.match(answer.headers['retry-after'] ?? '', /^\d+$/)
  assert.deepEqual(answer.setCookies, ['oathkeeper=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0'])
  store!.down = false
  assert.equal(await isLive(rig, ticket), false)
  assert.equal(provider.asked('/logout').length, 0)
})

test('with the provider down a logout is one all the same, and ends here', async (t) => {
  const { provider, rig, ticket } = await start(t)
  provider.switches.routes = { '/.well-known/openid-configuration': () => {} }
  const restarted = await startLogin(t, [provider], {
    clock: rig.clock,
    wrapStore: () => rig.store,
    login: { timeoutMs: 200 },
  })
  const headers = { ...own(restarted), cookie: `oathkeeper=${ticket}` }
  const answer = await new Visitor().go(restarted.url('/.oathkeeper/logout'), { method: 'POST', headers })
  assert.deepEqual([answer.status, answer.headers['location']], [303, restarted.url('/.oathkeeper/signed-out')])
  assert.equal(await isLive(rig, ticket), false)
  assert.ok(restarted.log.some(({ message }) => message === 'the provider was not told about a logout'))
})

test('a provider without an address for logout: it ends here', async (t) => {
  const provider = await startMockProvider(t)
  provider.switches.discovery = (document) => ({ ...document, end_session_endpoint: undefined })
  const rig = await startLogin(t, [provider])
  const visitor = new Visitor()
  await visitor.follow(rig.url('/x'))
  const arrival = await visitor.submit(rig.url('/.oathkeeper/logout'), {})
  assert.deepEqual(arrival.trail, [rig.url('/.oathkeeper/logout'), rig.url('/.oathkeeper/signed-out')])
})

test('a logout without a session is no error', async (t) => {
  const provider = await startMockProvider(t)
  const rig = await startLogin(t, [provider])
  for (const cookie of ['', 'oathkeeper=junk', 'oathkeeper=']) {
    const answer = await new Visitor().go(rig.url('/.oathkeeper/logout'), {
      method: 'POST',
      headers: { ...own(rig), cookie },
    })
    assert.deepEqual([answer.status, answer.headers['location']], [303, rig.url('/.oathkeeper/signed-out')])
  }
  assert.equal(provider.requests.length, 0)
})

test('D-08: of two tickets both end', async (t) => {
  const { rig, ticket } = await start(t)
  const other = new Visitor()
  await other.follow(rig.url('/x'))
  const second = other.cookie('127.0.0.1', 'oathkeeper')!
  const cookie = `oathkeeper=${ticket}; oathkeeper=${second}`
  await new Visitor().go(rig.url('/.oathkeeper/logout'), { method: 'POST', headers: { ...own(rig), cookie } })
  assert.deepEqual([await isLive(rig, ticket), await isLive(rig, second)], [false, false])
})

test('D-08, FM-10: while the store cannot be told, both are refused here all the same', async (t) => {
  let store: UnreliableStore | undefined
  const { rig, ticket } = await start(t, { wrapStore: (inner) => (store = createUnreliableStore(inner)) })
  assert.ok(store !== undefined)
  const other = new Visitor()
  await other.follow(rig.url('/x'))
  const second = other.cookie('127.0.0.1', 'oathkeeper')!
  store.down = true
  const cookie = `oathkeeper=${ticket}; oathkeeper=${second}`
  const answer = await new Visitor().go(rig.url('/.oathkeeper/logout'), {
    method: 'POST',
    headers: { ...own(rig), cookie },
  })
  assert.equal(answer.status, 503)
  store.down = false
  assert.deepEqual([await isLive(rig, ticket), await isLive(rig, second)], [false, false])
})

test('A-30: a script is told that it is over, and gets no address with a token in it', async (t) => {
  const { rig, ticket, logout } = await start(t)
  const answer = await logout('POST', { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' })
  assert.deepEqual([answer.status, answer.text, answer.headers['location']], [200, '{"signed_out":true}\n', undefined])
  assert.equal(await isLive(rig, ticket), false)
})

test('an ID token that is too long for an address is left out', async (t) => {
  const provider = await startMockProvider(t)
  const rig = await startLogin(t, [provider])
  provider.switches.claims = (claims) => ({ ...claims, groups: 'x'.repeat(10_000) })
  const visitor = new Visitor()
  await visitor.follow(rig.url('/x'))
  const answer = await visitor.go(rig.url('/.oathkeeper/logout'), { method: 'POST', headers: own(rig) })
  const params = new URL(answer.headers['location'] ?? '').searchParams
  assert.deepEqual([params.has('id_token_hint'), params.get('client_id')], [false, 'client'])
})

test('whoever is sent to the signed-out page while signed in is told the truth', async (t) => {
  const { rig, visitor } = await start(t)
  const answer = await visitor.go(rig.url('/.oathkeeper/signed-out'))
  assert.match(answer.text, /<h1>You are still signed in<\/h1>/)
  assert.match(answer.text, /<button type="submit">Sign out<\/button>/)
})

const REQUEST = {
  method: 'POST',
  path: '/.oathkeeper/logout',
  rawQuery: '',
  clientAddress: '192.0.2.1',
  readBody: () => Promise.resolve(new Uint8Array()),
  requestId: '',
} as const
