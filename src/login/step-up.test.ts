import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type LoginRigOptions, startLogin } from '../../test/support/login-rig.ts'
import { type MockProvider, startMockProvider } from '../../test/support/mock-provider.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { Visitor } from '../../test/support/visitor.ts'

const vault = (config: Readonly<Record<string, unknown>>, provider?: string) => ({
  authenticators: [{ handler: 'session', config }],
  ...(provider === undefined ? {} : { errors: [{ handler: 'login', config: { provider } }] }),
})

async function start(t: TestContext, config: Readonly<Record<string, unknown>>, options: LoginRigOptions = {}) {
  const clock = createTestClock()
  const provider = await startMockProvider(t, { now: () => clock.now() })
  const rig = await startLogin(t, [provider], { clock, rules: { vault: vault(config) }, ...options })
  const visitor = new Visitor()
  const ticket = () => visitor.cookie('127.0.0.1', 'oathkeeper')
  return { clock, provider, rig, visitor, ticket }
}

/** Logins until now, each by what it asked for beyond the ordinary. */
const asked = (provider: MockProvider) =>
  provider.asked('/authorize').map(({ query }) => ({
    acr: query.get('acr_values'),
    maxAge: query.get('max_age'),
    prompt: query.get('prompt'),
  }))

const NOTHING = { acr: null, maxAge: null, prompt: null }

/** A provider that logs people in as it is asked to. */
function giveAcr(provider: MockProvider): void {
  provider.switches.claims = (claims) => ({ ...claims, acr: asked(provider).at(-1)?.acr?.split(' ')[0] ?? 'bronze' })
}

test('a rule’s acr sends a person to log in again with exactly that, and back', async (t) => {
  const { provider, rig, visitor, ticket } = await start(t, { acr: ['urn:gold', 'silver'] })
  giveAcr(provider)
  await visitor.follow(rig.url('/lounge'))
  const before = ticket()
  const arrival = await visitor.follow(rig.url('/vault/1?x=%20y'))
  assert.deepEqual([arrival.status, arrival.url], [200, rig.url('/vault/1?x=%20y')])
  assert.equal(JSON.parse(arrival.text).extra.session.acr, 'urn:gold')
  assert.deepEqual(asked(provider), [NOTHING, { acr: 'urn:gold silver', maxAge: null, prompt: null }])
  assert.notEqual(ticket(), before)
  assert.equal(await rig.login.reader.open(before ?? ''), undefined)
  assert.equal(rig.store.sizes.sessions, 1)
  await visitor.follow(rig.url('/vault/2'))
  assert.equal(asked(provider).length, 2)
})

test('a rule’s max_age sends a person to log in again once that time has passed since auth_time', async (t) => {
  const { clock, provider, rig, visitor } = await start(t, { max_age: '5m' })
  assert.equal((await visitor.follow(rig.url('/lounge'))).status, 200)
  clock.advance(298_000)
  assert.equal((await visitor.go(rig.url('/vault'))).status, 200)
  clock.advance(2_000)
  assert.equal((await visitor.go(rig.url('/lounge'))).status, 200)
  const arrival = await visitor.follow(rig.url('/vault'))
  assert.deepEqual([arrival.status, arrival.url], [200, rig.url('/vault')])
  assert.deepEqual(asked(provider), [NOTHING, { acr: null, maxAge: '300', prompt: null }])
})

test('without a session the login is at once one that is enough', async (t) => {
  const { provider, rig, visitor } = await start(t, { acr: 'gold', max_age: '1h' })
  giveAcr(provider)
  assert.equal((await visitor.follow(rig.url('/vault'))).status, 200)
  assert.deepEqual(asked(provider), [{ acr: 'gold', maxAge: '3600', prompt: null }])
  const stranger = await new Visitor().go(rig.url('/vault'), { headers: { 'sec-fetch-mode': 'cors' } })
  assert.equal(stranger.headers['www-authenticate'], 'Login realm="oathkeeper"')
  assert.match(stranger.headers['link'] ?? '', /acr_values=gold&max_age=3600>/)
})

test('B-10: a provider that does not give the acr is a page that says so, never a loop, and the session stays', async (t) => {
  const { provider, rig, visitor, ticket } = await start(t, { acr: 'gold' })
  provider.switches.claims = (claims) => ({ ...claims, acr: 'bronze' })
  await visitor.follow(rig.url('/lounge'))
  const before = ticket()
  const arrival = await visitor.follow(rig.url('/vault?a=1'))
  assert.equal(arrival.status, 403)
  assert.match(arrival.text, /This page needs another sign-in/)
  assert.match(arrival.text, /ERR_STEP_UP_FAILED/)
  assert.match(arrival.text, /login\?return_to=[^"&]*vault%3Fa%3D1&amp;acr_values=gold">Start again/)
  assert.match(arrival.text, new RegExp(`href="${rig.url('/')}">Continue`))
  assert.doesNotMatch(arrival.text, /bronze/)
  assert.equal(asked(provider).length, 2)
  assert.equal(ticket(), before)
  assert.equal((await visitor.go(rig.url('/lounge'))).status, 200)
  const logged = rig.log.find(({ message }) => message === 'a login route refused a request')
  assert.equal(logged?.fields['error_code'], 'ERR_STEP_UP_FAILED')
  assert.match(String(logged?.fields['detail']), /^acr of the ID token/)
})

test('B-10: a provider that does not say auth_time is the same page', async (t) => {
  const { provider, rig, visitor } = await start(t, { max_age: '5m' })
  provider.switches.claims = (claims) => ({ ...claims, auth_time: undefined })
  const arrival = await visitor.follow(rig.url('/vault'))
  assert.deepEqual([arrival.status, asked(provider).length], [403, 1])
})

test('a provider that goes by its own clock is told once to ask the person, and then believed', async (t) => {
  const { clock, provider, rig, visitor } = await start(t, { max_age: '5m' })
  await visitor.follow(rig.url('/lounge'))
  const then = Math.floor(clock.now() / 1000)
  clock.advance(310_000)
  // Its clock is ten seconds behind: to it 300 seconds have not passed yet.
  provider.switches.claims = (claims) => ({
    ...claims,
    auth_time: asked(provider).at(-1)?.prompt === 'login' ? claims['auth_time'] : then,
  })
  const arrival = await visitor.follow(rig.url('/vault'))
  assert.deepEqual([arrival.status, arrival.url], [200, rig.url('/vault')])
  const round = { acr: null, maxAge: '300', prompt: null }
  assert.deepEqual(asked(provider), [NOTHING, round, { ...round, prompt: 'login' }])
  assert.equal(rig.store.sizes.states, 0)
  assert.deepEqual(visitor.cookieNames('127.0.0.1'), ['oathkeeper'])
})

test('a provider that ignores max_age and prompt too is a page after two rounds', async (t) => {
  const { clock, provider, rig, visitor } = await start(t, { max_age: '5m' })
  await visitor.follow(rig.url('/lounge'))
  const then = Math.floor(clock.now() / 1000)
  for (const waitMs of [310_000, 3_000_000]) {
    clock.advance(waitMs)
    provider.switches.claims = (claims) => ({ ...claims, auth_time: then })
    const before = asked(provider).length
    const arrival = await visitor.follow(rig.url('/vault'))
    assert.deepEqual([arrival.status, asked(provider).length - before], [403, 2])
    assert.match(arrival.text, /This page needs another sign-in/)
  }
})

test('A-31: the parameters of the login route are taken in their own form only', async (t) => {
  const { provider, rig, visitor } = await start(t, {})
  const begin = (query: string) => visitor.go(rig.url(`/.oathkeeper/login?${query}`))
  for (const query of [
    'max_age=',
    'max_age=-1',
    'max_age=1e3',
    'max_age=1&max_age=2',
    'max_age=1234567890',
    'acr_values=',
    'acr_values=a%20%20b',
    'acr_values=a%22b',
    'acr_values=a%5Cb',
    'acr_values=%C3%A9',
    'acr_values=a%0D%0Ab',
    'acr_values=a&acr_values=b',
    `acr_values=${'x'.repeat(256)}`,
    `acr_values=${'x%20'.repeat(600)}x`,
  ]) {
    const answer = await begin(query)
    assert.deepEqual([answer.status, answer.headers['location']], [400, undefined], query)
  }
  assert.equal(rig.store.sizes.states, 0)
  assert.equal(provider.requests.length, 0)
  const { headers } = await begin('acr_values=a%26scope%3Dadmin+b&max_age=7&prompt=none&scope=admin')
  const params = new URL(headers['location'] ?? '').searchParams
  assert.deepEqual(
    ['acr_values', 'max_age', 'scope', 'prompt'].map((name) => params.get(name)),
    ['a&scope=admin b', '7', 'openid profile email', null],
  )
})

test('a link cannot lower what the configuration asks of every login', async (t) => {
  const authorizationParams = { acr_values: 'silver gold', max_age: '600' }
  const { provider, rig, visitor } = await start(t, {}, { provider: { authorizationParams } })
  giveAcr(provider)
  await visitor.follow(rig.url('/.oathkeeper/login?acr_values=bronze+gold&max_age=99999'))
  await visitor.follow(rig.url('/.oathkeeper/login?acr_values=gold&max_age=60'))
  await visitor.follow(rig.url('/.oathkeeper/login?max_age=60'))
  assert.deepEqual(
    asked(provider).map(({ acr, maxAge }) => [acr, maxAge]),
    [
      ['gold', '600'],
      ['gold', '60'],
      ['silver gold', '60'],
    ],
  )
  const refused = await visitor.follow(rig.url('/.oathkeeper/login?acr_values=bronze'))
  assert.deepEqual([refused.status, asked(provider).length], [403, 3])
  provider.switches.claims = (claims) => ({ ...claims, acr: 'bronze' })
  assert.equal((await visitor.follow(rig.url('/.oathkeeper/login?max_age=60'))).status, 403)
})

test('who is no browser is told in the words of RFC 9470, and where the login is', async (t) => {
  for (const front of ['proxy', 'decision'] as const) {
    const { rig, visitor, provider } = await start(t, { acr: ['gold', 'silver'], max_age: '1h' }, { front })
    await visitor.follow(rig.url('/lounge'))
    const answer = await visitor.go(rig.url('/vault'), { headers: { 'sec-fetch-mode': 'cors' } })
    assert.equal(answer.status, 401)
    assert.equal(
      answer.headers['www-authenticate'],
      'Bearer error="insufficient_user_authentication", acr_values="gold silver", max_age="3600"',
    )
    assert.match(
      answer.headers['link'] ?? '',
      /\/login\?return_to=%2Fvault&provider=demo&acr_values=gold%20silver&max_age=3600>; rel="login"$/,
    )
    assert.deepEqual([answer.headers['location'], answer.setCookies], [undefined, []])
    giveAcr(provider)
    assert.equal((await visitor.follow(rig.url('/vault'))).status, 200)
  }
})

test('a session that is not enough is no stranger: the rule’s next authenticator is not asked', async (t) => {
  const rules = { vault: { authenticators: [...vault({ acr: 'gold' }).authenticators, 'anonymous'] } }
  const { rig, visitor } = await start(t, {}, { rules })
  assert.equal(JSON.parse((await visitor.go(rig.url('/vault'))).text).subject, 'anonymous')
  await visitor.follow(rig.url('/lounge'))
  const answer = await visitor.go(rig.url('/vault'))
  assert.equal(answer.status, 302)
  assert.match(answer.headers['location'] ?? '', /acr_values=gold/)
})

test('somebody else who logs in gets a session of their own, and the one before is over', async (t) => {
  const { provider, rig, visitor } = await start(t, { acr: 'gold' })
  giveAcr(provider)
  await visitor.follow(rig.url('/lounge'))
  provider.sub = 'bob'
  assert.equal(JSON.parse((await visitor.follow(rig.url('/vault'))).text).subject, 'bob')
  assert.equal(rig.store.sizes.sessions, 1)
})

test('a rule’s idle_timeout asks for another login once the session was unused for that long, whatever used it since', async (t) => {
  const { clock, provider, rig, visitor } = await start(t, { idle_timeout: '5m' })
  await visitor.follow(rig.url('/vault'))
  for (let i = 0; i < 20; i++) {
    clock.advance(60_000)
    assert.equal((await visitor.go(rig.url(i % 2 === 0 ? '/vault' : '/lounge'))).status, 200)
  }
  clock.advance(301_000)
  for (let i = 0; i < 3; i++) assert.equal((await visitor.go(rig.url('/lounge'))).status, 200)
  const arrival = await visitor.follow(rig.url('/vault'))
  assert.deepEqual([arrival.status, arrival.url], [200, rig.url('/vault')])
  assert.deepEqual(asked(provider), [NOTHING, { acr: null, maxAge: '300', prompt: null }])
  assert.equal((await visitor.go(rig.url('/vault'))).status, 200)
})

test('a rule’s lifetime asks for another login; for other rules the session goes on', async (t) => {
  const { clock, provider, rig, visitor } = await start(t, { lifetime: '10m' })
  await visitor.follow(rig.url('/lounge'))
  clock.advance(600_000)
  assert.equal((await visitor.go(rig.url('/lounge'))).status, 200)
  assert.equal((await visitor.follow(rig.url('/vault'))).status, 200)
  assert.deepEqual(asked(provider), [NOTHING, { acr: null, maxAge: '600', prompt: null }])
})

test('B-10: how and when a person authenticated is said by the ID token, and not by UserInfo', async (t) => {
  const { provider, rig, visitor } = await start(t, { acr: 'gold' }, { provider: { userinfo: true } })
  provider.switches.userinfo = (claims) => ({ ...claims, acr: 'gold', amr: ['hwk'], sid: 'of somebody else' })
  await visitor.follow(rig.url('/lounge'))
  assert.equal((await visitor.go(rig.url('/vault'))).status, 302)
  provider.switches.claims = (claims) => ({ ...claims, auth_time: undefined })
  provider.switches.userinfo = (claims) => ({ ...claims, auth_time: Math.floor(provider.now() / 1000) })
  await visitor.follow(rig.url('/.oathkeeper/login?return_to=/lounge'))
  assert.equal((await visitor.go(rig.url('/.oathkeeper/session'))).text.includes('auth_time'), false)
})

test('B-10: an auth_time that has yet to come is none', async (t) => {
  const { clock, provider, rig, visitor } = await start(t, { max_age: '5m' })
  provider.switches.claims = (claims) => ({ ...claims, auth_time: Number(claims['auth_time']) + 86_400 })
  assert.equal((await visitor.follow(rig.url('/lounge'))).status, 200)
  assert.equal((await visitor.go(rig.url('/vault'))).status, 302)
  clock.advance(600_000)
  assert.equal((await visitor.follow(rig.url('/vault'))).status, 403)
})

test('B-10: a link that asks for a login from just now (max_age=0) gets it in one round', async (t) => {
  const { clock, provider, rig, visitor } = await start(t, {})
  await visitor.follow(rig.url('/lounge'))
  clock.advance(5_000)
  const begin = rig.url('/.oathkeeper/login?max_age=0&return_to=/lounge')
  const arrival = await visitor.follow(begin)
  assert.deepEqual([arrival.status, arrival.url], [200, rig.url('/lounge')])
  assert.deepEqual(asked(provider).at(-1), { acr: null, maxAge: '0', prompt: null })
  provider.switches.claims = (claims) => ({ ...claims, auth_time: Number(claims['auth_time']) - 61 })
  assert.equal((await visitor.follow(begin)).status, 403)
})
