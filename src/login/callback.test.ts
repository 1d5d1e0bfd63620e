import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import {
  callbackUrl,
  type LoginRig,
  type LoginRigOptions,
  providerOptions,
  startLogin,
  withParams,
} from '../../test/support/login-rig.ts'
import { type MockProvider, startMockProvider } from '../../test/support/mock-provider.ts'
import { type Answer, Visitor } from '../../test/support/visitor.ts'

async function start(t: TestContext, options: LoginRigOptions = {}) {
  const provider = await startMockProvider(t)
  const rig = await startLogin(t, [provider], options)
  return { provider, rig, visitor: new Visitor() }
}

/** A refused callback: a page that offers to start again, no session, and nothing of the address in it. */
function assertRefused(answer: Answer, callback: string, rig: LoginRig): void {
  assert.ok(answer.status >= 400 && answer.status < 500, String(answer.status))
  assert.match(answer.headers['content-type'] ?? '', /^text\/html; charset=utf-8$/)
  assert.match(answer.text, /<a href="http:\/\/127\.0\.0\.1:\d+\/\.oathkeeper\/login[^"]*">Start again<\/a>/)
  assert.equal(answer.headers['cache-control'], 'no-store')
  assert.equal(answer.headers['referrer-policy'], 'no-referrer')
  assert.ok(!answer.setCookies.some((line) => /^oathkeeper=[^;]/.test(line)), 'a session cookie')
  for (const name of ['code', 'state', 'iss', 'error']) {
    for (const value of new URL(callback).searchParams.getAll(name)) {
      assert.ok(value.length < 4 || !answer.text.includes(value), `${name} is in the page`)
    }
  }
  assert.equal(rig.store.sizes.sessions, 0)
}

const tokenRequests = (provider: MockProvider) => provider.asked('/token').length

test('A-21: E-13: D-02: V-022: V-069: the way back is one redirect to the page, with no code, state or cache', async (t) => {
  const { provider, rig, visitor } = await start(t)
  const url = await callbackUrl(visitor, rig, '/reports?month=10')
  const answer = await visitor.go(url)
  assert.equal(answer.status, 302)
  assert.equal(answer.headers['location'], rig.url('/reports?month=10'))
  assert.equal(answer.text, '')
  assert.equal(answer.headers['cache-control'], 'no-store')
  assert.equal(answer.headers['referrer-policy'], 'no-referrer')
  assert.deepEqual(
    answer.setCookies.map((line) => line.replace(/^([^=]+)=[^;]+/, '$1=…').replace(/login-[\w-]{8}/, 'login-…')),
    ['oathkeeper=…; Path=/; HttpOnly; SameSite=Lax', 'oathkeeper-login-…=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0'],
  )
  assert.equal((await visitor.go(rig.url('/reports'))).status, 200)
  assert.equal(tokenRequests(provider), 1)
})

test('A-01: V-079: a callback in another browser is refused, asks for no token, and does not spoil the login', async (t) => {
  const { provider, rig, visitor } = await start(t)
  const url = await callbackUrl(visitor, rig)
  assertRefused(await new Visitor().go(url), url, rig)
  const other = new Visitor()
  await callbackUrl(other, rig)
  assertRefused(await other.go(url), url, rig)
  assert.equal(tokenRequests(provider), 0)
  assert.equal((await visitor.follow(url)).url, rig.url('/wanted?q=1'))
})

test('A-02: V-042: a replayed callback asks for no second token, one after another and 50 at once', async (t) => {
  const { provider, rig, visitor } = await start(t)
  const url = await callbackUrl(visitor, rig)
  const cookie = visitor.cookieHeader(new URL(url))
  const answers = await Promise.all(Array.from({ length: 50 }, () => new Visitor().go(url, { headers: { cookie } })))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [302, ...Array<number>(49).fill(400)])
  assert.equal((await new Visitor().go(url, { headers: { cookie } })).status, 400)
  assert.equal(tokenRequests(provider), 1)
})

test('a replay in a browser that is signed in says so and leads on, without a second token request', async (t) => {
  const { provider, rig, visitor } = await start(t)
  const url = await callbackUrl(visitor, rig)
  await visitor.go(url)
  const answer = await visitor.go(url)
  assert.equal(answer.status, 400)
  assert.match(answer.text, /You are signed in already\./)
  assert.match(answer.text, new RegExp(`<a href="${rig.origin}/">Continue</a>`))
  assert.equal(tokenRequests(provider), 1)
  assert.equal((await visitor.go(rig.url('/x'))).status, 200)
})

test('A-03: V-023: the state of one attempt with the cookie of another, and a state changed by one character', async (t) => {
  const { provider, rig, visitor } = await start(t)
  const first = await callbackUrl(visitor, rig)
  const second = await callbackUrl(visitor, rig)
  const state = new URL(first).searchParams.get('state')!
  const other = new URL(second).searchParams.get('state')!
  for (let i = 0; i < state.length; i++) {
    const flipped = state.slice(0, i) + (state[i] === 'A' ? 'B' : 'A') + state.slice(i + 1)
    const changed = withParams(first, { state: flipped })
    assertRefused(await visitor.go(changed), changed, rig)
  }
  const mixed = withParams(first, { state: state.slice(0, 8) + other.slice(8) })
  assertRefused(await visitor.go(mixed), mixed, rig)
  assert.equal(tokenRequests(provider), 0)
})

test('A-08: after an error the next attempt shares no value with the one before', async (t) => {
  const { provider, rig, visitor } = await start(t)
  const url = await callbackUrl(visitor, rig)
  await visitor.go(withParams(url, { code: undefined, error: 'login_required' }))
  await callbackUrl(visitor, rig)
  const [one, two] = provider.asked('/authorize').map(({ query }) => query)
  for (const name of ['state', 'nonce', 'code_challenge']) assert.notEqual(one?.get(name), two?.get(name))
})

test('A-10: until the nonce is checked no token is used for anything', async (t) => {
  const { provider, rig, visitor } = await start(t, { provider: { userinfo: true } })
  provider.switches.claims = (claims) => ({ ...claims, nonce: 'of another login' })
  const url = await callbackUrl(visitor, rig)
  assertRefused(await visitor.go(url), url, rig)
  assert.equal(provider.asked('/userinfo').length, 0)
})

test('A-11: iss is compared byte for byte, and nothing is used up by a wrong one', async (t) => {
  const { provider, rig, visitor } = await start(t)
  const url = await callbackUrl(visitor, rig)
  for (const iss of [
    'https://evil.test',
    `${provider.issuer}/`,
    provider.issuer.toUpperCase(),
    encodeURIComponent(provider.issuer),
    ` ${provider.issuer}`,
    '',
  ]) {
    const changed = withParams(url, { iss })
    assertRefused(await visitor.go(changed), changed, rig)
  }
  const twice = `${url}&iss=${encodeURIComponent(provider.issuer)}`
  assertRefused(await visitor.go(twice), twice, rig)
  assert.equal(tokenRequests(provider), 0)
  assert.equal((await visitor.go(url)).status, 302)
})

test('A-12: a response without iss is refused when the provider promises it, and accepted when it does not', async (t) => {
  const { provider, rig, visitor } = await start(t)
  provider.switches.redirect = (location) => location.searchParams.delete('iss')
  const url = await callbackUrl(visitor, rig)
  assertRefused(await visitor.go(url), url, rig)

  const silent = await start(t)
  silent.provider.switches.redirect = (location) => location.searchParams.delete('iss')
  silent.provider.switches.discovery = (document) => ({
    ...document,
    authorization_response_iss_parameter_supported: undefined,
  })
  assert.equal((await silent.visitor.go(await callbackUrl(silent.visitor, silent.rig))).status, 302)
})

test('A-13: an error with a foreign iss uses nothing up; one with the right iss ends the attempt', async (t) => {
  const { provider, rig, visitor } = await start(t)
  const url = await callbackUrl(visitor, rig)
  const error = { code: undefined, error: 'access_denied' }
  const foreign = withParams(url, { ...error, iss: 'https://evil.test' })
  assertRefused(await visitor.go(foreign), foreign, rig)
  const again = await callbackUrl(visitor, rig)
  assertRefused(await visitor.go(withParams(again, error)), withParams(again, error), rig)
  assertRefused(await visitor.go(again), again, rig)
  assert.equal(tokenRequests(provider), 0)
  assert.equal((await visitor.go(url)).status, 302)
})

/** A callback with code and `iss` of another. */
const swap = (url: string, from: string) =>
  withParams(url, { code: new URL(from).searchParams.get('code')!, iss: new URL(from).searchParams.get('iss')! })

test('A-14: V-070: a code goes only to the provider that the login was begun at', async (t) => {
  const [one, two] = [await startMockProvider(t), await startMockProvider(t)]
  const rig = await startLogin(t, [providerOptions(one, { id: 'one' }), providerOptions(two, { id: 'two' })])
  const visitor = new Visitor()
  const begin = async (id: string) => {
    const begun = await visitor.go(rig.url(`/.oathkeeper/login?provider=${id}&return_to=/${id}`))
    return (await visitor.go(begun.headers['location'] ?? '')).headers['location'] ?? ''
  }
  const [first, second] = [await begin('one'), await begin('two')]
  for (const url of [swap(first, second), swap(second, first)]) assertRefused(await visitor.go(url), url, rig)
  assert.equal(tokenRequests(one) + tokenRequests(two), 0)
  // And with the cookie of the attempt pointing at the other provider.
  const cookie = visitor.cookieHeader(new URL(first)).replaceAll('.one', '.two')
  const url = withParams(first, { iss: two.issuer })
  assertRefused(await new Visitor().go(url, { headers: { cookie } }), url, rig)
  assert.equal(tokenRequests(one) + tokenRequests(two), 0)
  assert.equal((await visitor.go(first)).headers['location'], rig.url('/one'))
  assert.equal((await visitor.go(second)).headers['location'], rig.url('/two'))
})

test('A-22: V-086: unknown parameters are ignored, known ones may not be repeated', async (t) => {
  const { provider, rig, visitor } = await start(t)
  const url = await callbackUrl(visitor, rig)
  for (const extra of ['&code=b', '&state=b', '&iss=b', '&error=b&error=c', '&error=access_denied', '&c%6fde=x']) {
    assertRefused(await visitor.go(url + extra), url, rig)
  }
  for (const missing of [{ code: undefined }, { state: undefined }, { code: '' }, { state: '' }]) {
    assertRefused(await visitor.go(withParams(url, missing)), url, rig)
  }
  assert.equal(tokenRequests(provider), 0)
  assert.equal((await visitor.go(`${url}&foo=1&session_state=x&foo=2&a[]=1&__proto__=x`)).status, 302)
})

test('A-23: H-08: hostile parameters end in a page, reflect nothing and break nothing', async (t) => {
  const { provider, rig, visitor } = await start(t)
  const url = await callbackUrl(visitor, rig)
  const { state } = Object.fromEntries(new URL(url).searchParams) as { state: string }
  const at = rig.url('/.oathkeeper/callback')
  for (const query of [
    `code=${'c'.repeat(10_000)}&state=${state}`,
    `code=%00&state=${state}`,
    `code=%0d%0aSet-Cookie:%20a=b&state=${state}`,
    `code=%&state=${state}`,
    `code=%E0%A4%A&state=${state}`,
    `code=x&state=%0d%0a`,
    '__proto__=x&constructor.prototype=y',
    'code[]=x&state[]=y',
    'code=x&state=__proto__',
    'state=toString&code=constructor',
    `code=%F0%9F%92%A9&state=${state}`,
    `code=<script>alert(1)</script>&state=${state}x`,
    '',
    '&&&===',
  ]) {
    const answer = await visitor.go(`${at}?${query}`)
    assertRefused(answer, at, rig)
    assert.doesNotMatch(answer.text, /<script|alert|c{100}/)
  }
  assert.equal(tokenRequests(provider), 0)
})

test('V-011: V-068: V-100: what a provider says in an error is not in the page', async (t) => {
  const { rig, visitor } = await start(t)
  for (const error of [
    '<svg/onload=1>',
    'access_denied',
    'server_error',
    'temporarily_unavailable',
    '\'"><b>',
    'X'.repeat(5000),
  ]) {
    const url = withParams(await callbackUrl(visitor, rig), {
      code: undefined,
      error,
      error_description: '<script>alert(1)</script>',
      error_uri: 'https://evil.test/',
      error_hint: '<b>hint</b>',
    })
    const answer = await visitor.go(url)
    assertRefused(answer, url, rig)
    assert.doesNotMatch(answer.text, /svg|<script|alert|evil\.test|hint|XXXX|<b>/)
    assert.match(answer.headers['content-security-policy'] ?? '', /^default-src 'none'; style-src 'sha256-/)
  }
  assert.ok(rig.log.some(({ fields }) => fields['detail'] === 'the provider answered: access_denied'))
  assert.doesNotMatch(JSON.stringify(rig.log), /svg|alert/)
})

test('D-10: without its login cookie a callback is a page, not a loop', async (t) => {
  const { rig, visitor } = await start(t)
  const url = await callbackUrl(visitor, rig)
  assertRefused(await new Visitor().go(url), url, rig)
})

test('an attempt that took too long is refused, and its cookie goes', async (t) => {
  const { rig, visitor } = await start(t)
  const url = await callbackUrl(visitor, rig)
  rig.clock.advance(600_001)
  const answer = await visitor.go(url)
  assertRefused(answer, url, rig)
  assert.ok(answer.setCookies.some((line) => /^oathkeeper-login-[\w-]{8}=;.*Max-Age=0$/.test(line)))
})

test('V-061: the login cookie goes with the callback, and one that is left over blocks no new login', async (t) => {
  const { rig, visitor } = await start(t)
  await callbackUrl(visitor, rig)
  const url = await callbackUrl(visitor, rig)
  await visitor.go(url)
  const names = visitor.cookieNames('127.0.0.1').filter((name) => name.startsWith('oathkeeper-login-'))
  assert.equal(names.length, 1)
  assert.equal((await visitor.follow(await callbackUrl(visitor, rig))).status, 200)
})

test('V-078: the right state in a browser with a forged login cookie is not used up', async (t) => {
  const { rig, visitor } = await start(t)
  const url = await callbackUrl(visitor, rig)
  const cookie = visitor.cookieHeader(new URL(url)).replace(/\.[\w-]{32}\./, `.${'A'.repeat(32)}.`)
  assertRefused(await new Visitor().go(url, { headers: { cookie } }), url, rig)
  assert.equal((await visitor.go(url)).status, 302)
})

test('E-02: E-03: V-020: V-066: a login gives a new session and ends the one before', async (t) => {
  const { provider, rig, visitor } = await start(t)
  const planted = { headers: { cookie: 'oathkeeper=v1.chosen-by-somebody' } }
  assert.equal((await visitor.go(rig.url('/x'), planted)).status, 302)
  await visitor.follow(rig.url('/x'))
  const first = visitor.cookie('127.0.0.1', 'oathkeeper')
  assert.ok(first !== undefined && !first.includes('chosen'))
  provider.sub = 'bob'
  await visitor.go(await callbackUrl(visitor, rig))
  const second = visitor.cookie('127.0.0.1', 'oathkeeper')
  assert.notEqual(first, second)
  assert.equal((await new Visitor().go(rig.url('/x'), { headers: { cookie: `oathkeeper=${first}` } })).status, 302)
  assert.equal(JSON.parse((await visitor.go(rig.url('/x'))).text).subject, 'bob')
  assert.ok(rig.log.some(({ fields }) => fields['reason'] === 'superseded'))
})

test('50 tabs that log in at once all arrive at what they asked for, in any order', async (t) => {
  const { provider, rig, visitor } = await start(t)
  const pages = Array.from({ length: 50 }, (_, i) => `/tab/${i}?q=${i}`)
  const urls = await Promise.all(pages.map((page) => callbackUrl(visitor, rig, page)))
  const order = urls.map((url, i) => ({ url, page: pages[i]! })).sort((a, b) => (a.url < b.url ? -1 : 1))
  const arrivals = await Promise.all(order.map(({ url }) => visitor.go(url)))
  assert.deepEqual(
    arrivals.map(({ headers }) => headers['location']),
    order.map(({ page }) => rig.url(page)),
  )
  assert.equal(tokenRequests(provider), 50)
  assert.equal((await visitor.go(rig.url('/x'))).status, 200)
})

test('with SameSite=Strict the browser goes on from a page of ours, or it would not send the cookie', async (t) => {
  const cookie = { name: undefined, domain: undefined, path: '/', sameSite: 'strict', persistent: false } as const
  const { rig, visitor } = await start(t, { login: { cookie } })
  const answer = await visitor.go(await callbackUrl(visitor, rig, '/a?b=1&c=2'))
  assert.equal(answer.status, 200)
  assert.match(
    answer.text,
    new RegExp(`<meta http-equiv="refresh" content="0; url=${rig.origin}/a\\?b=1&amp;c=2" ?/?>`),
  )
  assert.match(answer.setCookies[0] ?? '', /^oathkeeper=v1\.[\w-]+; Path=\/; HttpOnly; SameSite=Strict$/)
  assert.equal(answer.headers['cache-control'], 'no-store')
})

test('E-02: with SameSite=Strict, too, the session before ends, though its cookie does not come along to the callback', async (t) => {
  const cookie = { name: undefined, domain: undefined, path: '/', sameSite: 'strict', persistent: false } as const
  const { rig, visitor } = await start(t, { login: { cookie } })
  await visitor.go(await callbackUrl(visitor, rig))
  const first = { headers: { cookie: `oathkeeper=${visitor.cookie('127.0.0.1', 'oathkeeper')}` } }
  assert.equal((await new Visitor().go(rig.url('/x'), first)).status, 200)
  const url = await callbackUrl(visitor, rig)
  const cookies = visitor.cookieHeader(new URL(url)).split('; ')
  const withoutSession = cookies.filter((pair) => !pair.startsWith('oathkeeper=')).join('; ')
  assert.equal((await new Visitor().go(url, { headers: { cookie: withoutSession } })).status, 200)
  assert.equal((await new Visitor().go(rig.url('/x'), first)).status, 302)
  assert.equal(rig.store.sizes.sessions, 1)
})

test('a callback by POST, or with HEAD, does nothing', async (t) => {
  const { provider, rig, visitor } = await start(t)
  const url = await callbackUrl(visitor, rig)
  for (const method of ['POST', 'HEAD'] as const) {
    const answer = await visitor.go(url, { method })
    assert.deepEqual([answer.status, answer.headers['allow']], [405, 'GET'])
  }
  assert.equal(tokenRequests(provider), 0)
  assert.equal((await visitor.go(url)).status, 302)
})

test('H-11: a login and a refused callback are each told in the log, without anything secret', async (t) => {
  const { provider, rig, visitor } = await start(t)
  const url = await callbackUrl(visitor, rig)
  await new Visitor().go(url)
  await visitor.go(url)
  assert.equal(rig.log.filter(({ message }) => message === 'login completed').length, 1)
  assert.equal(rig.log.filter(({ message }) => message === 'a login route refused a request').length, 1)
  const text = JSON.stringify(rig.log)
  const secrets = [...new URL(url).searchParams.entries()].filter(([name]) => name !== 'iss').map(([, value]) => value)
  for (const secret of [
    ...secrets,
    ...provider.given,
    provider.clientSecret,
    visitor.cookie('127.0.0.1', 'oathkeeper')!,
  ]) {
    assert.ok(!text.includes(secret))
  }
})
