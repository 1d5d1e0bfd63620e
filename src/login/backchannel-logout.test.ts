import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { callbackUrl } from '../../test/support/login-rig.ts'
import { until } from '../../test/support/until.ts'
import { Visitor } from '../../test/support/visitor.ts'
import { loginEvents } from './events.ts'
import { FORM, start, isIn, assertRefused } from '../../test/support/backchannel-rig.ts'

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
