import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { test, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { CompactSign } from 'jose'
import { callbackUrl, type LoginRig, type LoginRigOptions, startLogin } from '../../test/support/login-rig.ts'
import { type MockProvider, startMockProvider } from '../../test/support/mock-provider.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { createUnreliableStore, type UnreliableStore } from '../../test/support/unreliable-store.ts'
import { until } from '../../test/support/until.ts'
import { type Answer, Visitor } from '../../test/support/visitor.ts'
import { loginEvents } from './events.ts'

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const FORM = 'application/x-www-form-urlencoded'

interface Started {
  readonly rig: LoginRig
  readonly mock: MockProvider
  readonly store: UnreliableStore
  readonly clock: ReturnType<typeof createTestClock>
  /** What the provider would sign now, with changes; `undefined` takes a claim out. */
  token(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
  post(body: string, headers?: Record<string, string>, path?: string): Promise<Answer>
  tell(token: string): Promise<Answer>
  /** Somebody with a session whose `sid` is this. */
  logIn(sid?: string, sub?: string): Promise<Visitor>
}

async function start(t: TestContext, options: LoginRigOptions = {}): Promise<Started> {
  const clock = createTestClock()
  const mock = await startMockProvider(t, { now: () => clock.now() })
  let store: UnreliableStore | undefined
  const rig = await startLogin(t, [mock], {
    clock,
    wrapStore: (inner) => (store = createUnreliableStore(inner)),
    ...options,
  })
  assert.ok(store !== undefined)
  let tokens = 0
  const post: Started['post'] = (body, headers = {}, path = '/.oathkeeper/backchannel-logout/demo') =>
    new Visitor().go(rig.url(path), { method: 'POST', body, headers: { 'content-type': FORM, ...headers } })
  return {
    rig,
    mock,
    store,
    clock,
    token(claims = {}, header = {}) {
      const now = Math.floor(clock.now() / 1000)
      const all = {
        iss: mock.issuer,
        aud: mock.clientId,
        iat: now,
        exp: now + 120,
        jti: `token-${tokens++}`,
        sid: 'one',
        events: { [EVENT]: {} },
        ...claims,
      }
      return new CompactSign(Buffer.from(JSON.stringify(all)))
        .setProtectedHeader({ alg: 'RS256', kid: 'k1', typ: 'logout+jwt', ...header })
        .sign(mock.keys.privateKey)
    },
    post,
    tell: (token) => post(new URLSearchParams({ logout_token: token }).toString()),
    async logIn(sid = 'one', sub = 'alice') {
      mock.sub = sub
      mock.switches.claims = (said) => ({ ...said, sid })
      const visitor = new Visitor()
      await visitor.follow(rig.url('/page'))
      assert.equal(await isIn({ rig }, visitor), true)
      return visitor
    },
  }
}

async function isIn({ rig }: Pick<Started, 'rig'>, visitor: Visitor): Promise<boolean> {
  return (await visitor.go(rig.url('/page'))).status === 200
}

function assertRefused(answer: Answer, status = 400): void {
  assert.equal(answer.status, status, answer.text)
  assert.match(answer.headers['content-type'] ?? '', /^application\/json/)
  assert.equal(answer.headers['cache-control'], 'no-store')
  const { error, error_description: description } = JSON.parse(answer.text)
  assert.equal(error, 'invalid_request')
  assert.equal(typeof description, 'string')
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function hmac(key: string | Buffer, input: string): string {
  return createHmac('sha256', key).update(input).digest('base64url')
}

test('C-15: a logout is answered 200 without a body, not to be cached, when the session is over', async (t) => {
  const s = await start(t)
  const alice = await s.logIn()
  const answer = await s.tell(await s.token())
  assert.deepEqual([answer.status, answer.text, answer.headers['cache-control']], [200, '', 'no-store'])
  assert.equal(await isIn(s, alice), false)
  const { fields } = s.rig.log.find(({ message }) => message === 'back-channel logout completed') ?? assert.fail()
  assert.deepEqual(fields, { provider: 'demo', request_id: 'request-1', sessions: 1 })
  assert.ok(
    s.rig.log.some(({ message, fields: { reason } }) => message === 'session ended' && reason === 'backchannel'),
  )
})

test('C-07: only POST, and it says so', async (t) => {
  const s = await start(t)
  const alice = await s.logIn()
  const url = s.rig.url(`/.oathkeeper/backchannel-logout/demo?logout_token=${await s.token()}`)
  for (const method of ['GET', 'HEAD'] as const) {
    const answer = await new Visitor().go(url, { method })
    assert.deepEqual([answer.status, answer.headers['allow']], [405, 'POST'])
  }
  assert.equal(await isIn(s, alice), true)
})

test('C-07, V-086: only a form with one logout_token', async (t) => {
  const s = await start(t)
  const alice = await s.logIn()
  const token = await s.token()
  const form = `logout_token=${token}`
  assertRefused(await s.post(JSON.stringify({ logout_token: token }), { 'content-type': 'application/json' }))
  assertRefused(await s.post(form, { 'content-type': 'text/plain' }))
  assertRefused(await s.post(form, { 'content-type': `${FORM}x` }))
  const multipart = `--b\r\nContent-Disposition: form-data; name="logout_token"\r\n\r\n${token}\r\n--b--\r\n`
  assertRefused(await s.post(multipart, { 'content-type': 'multipart/form-data; boundary=b' }))
  for (const body of ['', 'a=b', `${form}&${form}`, `logout_token=x&${form}`, `${form}&logout_token=`, `${form}%`]) {
    assertRefused(await s.post(body))
  }
  // In the query it is nothing.
  assertRefused(await s.post('', {}, `/.oathkeeper/backchannel-logout/demo?${form}`))
  assert.equal(await isIn(s, alice), true)
  const answer = await s.post(`x=y&${form}`, { 'content-type': `${FORM.toUpperCase()}; charset=utf-8` })
  assert.equal(answer.status, 200)
  assert.equal(await isIn(s, alice), false)
})

test('C-07, C-16: a body that is too large is 413', async (t) => {
  const s = await start(t)
  const token = await s.token()
  assertRefused(await s.post(`logout_token=${token}&x=${'y'.repeat(2_000_000)}`), 413)
  assertRefused(await s.tell('x'.repeat(60_000)))
})

test('V-108, C-16: a body that trickles is answered 408 at a deadline, whatever has come until then', async (t) => {
  const s = await start(t)
  const path = '/.oathkeeper/backchannel-logout/demo'
  const slow = request(s.rig.url(path), { method: 'POST', headers: { 'content-type': FORM } })
  slow.on('error', () => undefined)
  t.after(() => slow.destroy())
  const answered = once(slow, 'response')
  slow.write('logout_token=')
  // The clock moves once the request is there.
  await until(3_000, () => assert.equal(s.clock.pending > 0, true))
  s.clock.advance(10_000)
  const [answer] = (await Promise.race([answered, wait(3_000, ['nothing'])])) as [IncomingMessage]
  assert.equal(answer.statusCode, 408)
})

test('C-16: no cookie is needed, a foreign page may be named as its origin, and no cookie is looked at or set', async (t) => {
  const s = await start(t)
  const [alice, bob] = [await s.logIn('one'), await s.logIn('two', 'bob')]
  const foreign = { origin: 'https://evil.example', referer: 'https://evil.example/', 'sec-fetch-site': 'cross-site' }
  const cookie = bob.cookieHeader(new URL(s.rig.origin))
  const answer = await s.post(`logout_token=${await s.token()}`, { ...foreign, cookie })
  assert.deepEqual([answer.status, answer.setCookies], [200, []])
  assert.deepEqual([await isIn(s, alice), await isIn(s, bob)], [false, true])
})

test('a provider that is not configured is 404, and a path without one is that of the default provider', async (t) => {
  const s = await start(t)
  const alice = await s.logIn()
  const form = `logout_token=${await s.token()}`
  for (const path of ['other', 'demo/x', 'demo%2Fx', '__proto__']) {
    const answer = await s.post(form, {}, `/.oathkeeper/backchannel-logout/${path}`)
    assert.deepEqual([answer.status, JSON.parse(answer.text).error], [404, 'not_found'])
  }
  assert.equal(await isIn(s, alice), true)
  assert.equal((await s.post(form, {}, '/.oathkeeper/backchannel-logout')).status, 200)
  assert.equal(await isIn(s, alice), false)
})

const now = 1_700_000_000
const WRONG: Readonly<Record<string, Record<string, unknown>>> = {
  'iss is missing': { iss: undefined },
  'iss is another issuer': { iss: 'https://evil.example' },
  'aud is missing': { aud: undefined },
  'aud is empty': { aud: [] },
  'aud is another client': { aud: 'other' },
  'aud is a number': { aud: 1 },
  'iat is missing': { iat: undefined },
  'iat is a text': { iat: String(now) },
  'iat is in milliseconds': { iat: now * 1000_000 },
  'exp is missing': { exp: undefined },
  'exp is null': { exp: null },
  'exp is long past': { exp: 1 },
  'exp is a text': { exp: '9999999999' },
  'jti is missing': { jti: undefined },
  'jti is empty': { jti: '' },
  'jti is a number': { jti: 7 },
  'sub is a number': { sub: 7 },
  'sid is empty': { sid: '' },
  'sid is null': { sid: null },
}

for (const [title, claims] of Object.entries(WRONG)) {
  test(`C-08: a token is refused when ${title}, and the session lives`, async (t) => {
    const s = await start(t)
    const alice = await s.logIn()
    assertRefused(await s.tell(await s.token(claims)))
    assert.equal(await isIn(s, alice), true)
  })
}

test('C-08: a token is refused when its signature or its algorithm is not the provider’s', async (t) => {
  const s = await start(t)
  const alice = await s.logIn()
  const good = await s.token()
  const [header = '', payload = '', signature = ''] = good.split('.')
  const publicKey = s.mock.keys.publicKey.export({ type: 'spki', format: 'pem' })
  const hs = `${encode({ alg: 'HS256', typ: 'logout+jwt' })}.${payload}`
  const flipped = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`
  const none = ['none', 'None', 'NONE'].flatMap((alg) => [
    `${encode({ alg })}.${payload}.`,
    `${encode({ alg })}.${payload}`,
  ])
  const forged = [
    `${header}.${payload}.${flipped}`,
    `${header}.${payload}.`,
    `${header}.${payload}`,
    `${header}.${encode({ iss: s.mock.issuer })}.${signature}`,
    `${hs}.${hmac(publicKey, hs)}`,
    `${hs}.${hmac(s.mock.clientSecret, hs)}`,
    `${hs}.${hmac('', hs)}`,
    ...none,
    'x',
    '..',
    await s.token({}, { kid: 'other' }),
    await s.token({}, { crit: ['x'], x: 1 }).catch(() => 'x.y.z'),
  ]
  for (const token of forged) assertRefused(await s.tell(token))
  assert.equal(await isIn(s, alice), true)
  assert.equal((await s.tell(good)).status, 200)
})

test('C-08: where ID tokens are signed with the client’s secret, logout tokens are too, and by nothing else', async (t) => {
  const s = await start(t, { provider: { idTokenAlgorithm: 'HS256' } })
  assertRefused(await s.tell(await s.token()))
  const [, payload = ''] = (await s.token()).split('.')
  const input = `${encode({ alg: 'HS256', typ: 'logout+jwt' })}.${payload}`
  assert.equal((await s.tell(`${input}.${hmac(s.mock.clientSecret, input)}`)).status, 200)
})

test('C-09: events must be an object whose member for the logout is an object', async (t) => {
  const s = await start(t)
  const alice = await s.logIn()
  for (const events of [
    undefined,
    null,
    EVENT,
    [EVENT],
    {},
    { [EVENT]: null },
    { [EVENT]: '' },
    { [EVENT]: [] },
    { [EVENT]: true },
    { 'http://schemas.openid.net/event/other': {} },
  ]) {
    assertRefused(await s.tell(await s.token({ events })))
  }
  assert.equal(await isIn(s, alice), true)
  assert.equal((await s.tell(await s.token({ events: { other: 1, [EVENT]: { more: 1 } } }))).status, 200)
})

test('C-10: without sub and sid it says nothing', async (t) => {
  const s = await start(t)
  const alice = await s.logIn()
  assertRefused(await s.tell(await s.token({ sid: undefined })))
  assert.equal(await isIn(s, alice), true)
})

test('C-11: a token with a nonce is refused, whatever the nonce is, and so is an ID token', async (t) => {
  const s = await start(t)
  const alice = await s.logIn()
  for (const nonce of ['n', '', null]) assertRefused(await s.tell(await s.token({ nonce })))
  const idToken = s.mock.given.findLast((token) => token.startsWith('eyJ')) ?? assert.fail()
  assertRefused(await s.tell(idToken))
  assert.equal(await isIn(s, alice), true)
})

test('C-12: logout+jwt is what it should be typed as; JWT and no type, which older providers send, are taken; others are not', async (t) => {
  const s = await start(t)
  for (const typ of ['logout+jwt', 'application/logout+jwt', 'LOGOUT+JWT', 'JWT', undefined]) {
    const alice = await s.logIn()
    assert.equal((await s.tell(await s.token({}, { typ }))).status, 200, String(typ))
    assert.equal(await isIn(s, alice), false)
  }
  const alice = await s.logIn()
  for (const typ of ['at+jwt', 'secevent+jwt', 'logout', 'dpop+jwt', '']) {
    assertRefused(await s.tell(await s.token({}, { typ })))
  }
  assert.equal(await isIn(s, alice), true)
})

test('C-12: a token is good for two minutes, and for one more by clocks that differ, whatever its exp says', async (t) => {
  const s = await start(t)
  const alice = await s.logIn()
  const seconds = Math.floor(s.clock.now() / 1000)
  for (const iat of [seconds - 3600, seconds - 182, seconds + 62]) {
    assertRefused(await s.tell(await s.token({ iat, exp: seconds + 7200 })))
  }
  assertRefused(await s.tell(await s.token({ exp: seconds - 61 })))
  assert.equal(await isIn(s, alice), true)
  // Made long before the session began: it is about others.
  assert.equal((await s.tell(await s.token({ iat: seconds - 100, exp: seconds - 30 }))).status, 200)
  assert.equal((await s.tell(await s.token({ iat: seconds + 58 }))).status, 200)
  assert.equal(await isIn(s, alice), false)
})

test('C-13, V-010: a token that is told again is answered 200 and does not end a newer session', async (t) => {
  const s = await start(t)
  const first = await s.logIn()
  const token = await s.token()
  assert.equal((await s.tell(token)).status, 200)
  assert.equal(await isIn(s, first), false)
  const second = await s.logIn()
  assert.equal((await s.tell(token)).status, 200)
  assert.equal(await isIn(s, second), true)
  assert.ok(s.rig.log.some(({ message }) => message === 'a back-channel logout was told again'))
  assert.equal((await s.tell(await s.token())).status, 200)
  assert.equal(await isIn(s, second), false)
})

test('C-14, V-085: sid ends that session, sub all of the person, both what is both', async (t) => {
  const s = await start(t)
  const people = [await s.logIn('one'), await s.logIn('two'), await s.logIn('three'), await s.logIn('four', 'bob')]
  const who = async () => {
    const found: boolean[] = []
    for (const person of people) found.push(await isIn(s, person))
    return found
  }
  assert.equal((await s.tell(await s.token({ sid: 'one', sub: 'bob' }))).status, 200)
  assert.deepEqual(await who(), [true, true, true, true])
  assert.equal((await s.tell(await s.token({ sid: 'one', sub: 'alice' }))).status, 200)
  assert.deepEqual(await who(), [false, true, true, true])
  assert.equal((await s.tell(await s.token({ sid: undefined, sub: 'alice' }))).status, 200)
  assert.deepEqual(await who(), [false, false, false, true])
  assert.equal((await s.tell(await s.token({ sid: 'four' }))).status, 200)
  assert.deepEqual(await who(), [false, false, false, false])
  assert.equal((await s.tell(await s.token({ sid: 'nobody’s' }))).status, 200)
})

test('C-15: while the store cannot be asked, or fails part-way, the answer is 503, and 200 when it is told again', async (t) => {
  const s = await start(t)
  const token = await s.token()
  for (const operation of ['getNote', 'putNote', 'findSessions', 'getSession', 'deleteSession']) {
    await s.logIn()
    s.store.failing.add(operation)
    const answer = await s.tell(token)
    assert.equal(answer.status, 503, operation)
    assert.equal(JSON.parse(answer.text).error, 'temporarily_unavailable')
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.ok(Number(answer.headers['retry-after']) >= 1)
    s.store.failing.clear()
  }
  const alice = await s.logIn()
  assert.equal((await s.tell(token)).status, 200)
  assert.equal(await isIn(s, alice), false)
})

test('C-15: while the provider’s keys cannot be had nothing is believed and nothing is answered 200', async (t) => {
  const s = await start(t)
  s.mock.switches.routes = { '/jwks': (_request, response) => void response.writeHead(500).end() }
  const answer = await s.tell(await s.token())
  assert.ok(answer.status >= 500, String(answer.status))
  assert.equal(JSON.parse(answer.text).error, 'temporarily_unavailable')
})

for (const claims of [{ sid: 'one' }, { sid: undefined, sub: 'alice' }, { sid: 'one', sub: 'alice' }]) {
  test(`a login that is under way when ${Object.keys(claims).join(' and ')} are logged out is not let in`, async (t) => {
    const s = await start(t)
    s.mock.switches.claims = (said) => ({ ...said, sid: 'one' })
    const alice = new Visitor()
    const callback = await callbackUrl(alice, s.rig)
    // Between the tokens and the session.
    s.store.before = async (operation) => {
      if (operation !== 'createSession') return
      s.store.before = undefined
      s.clock.advance(100)
      assert.equal((await s.tell(await s.token(claims))).status, 200)
    }
    const answer = await alice.go(callback)
    assert.equal(answer.status, 400)
    assert.match(answer.text, /You were signed out meanwhile/)
    assert.equal(alice.cookie('127.0.0.1', 'oathkeeper'), undefined)
    const index = { providerSession: JSON.stringify([s.mock.issuer, 'one']) }
    assert.deepEqual(await s.store.findSessions(index), [])

    s.clock.advance(1000)
    assert.equal((await alice.follow(s.rig.url('/page'))).status, 200, 'the next login is let in')
  })
}

test('the token is in no log, and neither is what it is about', async (t) => {
  const s = await start(t)
  const good = await s.token({ sid: 'a-secret-sid' })
  const bad = await s.token({ sid: 'a-secret-sid', iat: 1 })
  await s.tell(good)
  assertRefused(await s.tell(bad))
  const told = JSON.stringify([s.rig.log, s.rig.replies])
  for (const secret of [good, bad, 'a-secret-sid', 'eyJ']) assert.ok(!told.includes(secret))
})

test('what became of each logout is published for metrics', async (t) => {
  const s = await start(t)
  await s.logIn()
  const told: unknown[] = []
  const listen = (event: unknown): void => void told.push(event)
  loginEvents.subscribe(listen)
  t.after(() => loginEvents.unsubscribe(listen))
  const token = await s.token()
  await s.tell(token)
  await s.tell(token)
  await s.tell('x')
  s.store.down = true
  await s.tell(await s.token())
  const type = 'backchannel_logout'
  assert.deepEqual(
    told,
    ['completed', 'repeated', 'refused', 'failed'].map((outcome) => ({ type, provider: 'demo', outcome })),
  )
})
