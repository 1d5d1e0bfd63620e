import assert from 'node:assert/strict'
import { test } from 'node:test'
import { request } from 'undici'
import { callbackUrl, startLogin } from '../../test/support/login-rig.ts'
import { startMockProvider } from '../../test/support/mock-provider.ts'
import { Visitor } from '../../test/support/visitor.ts'
import { END_REASONS } from '../sessions/contract.ts'

test('each reason has a page that says so, to people and to programs, and leads on to the login', async (t) => {
  const rig = await startLogin(t, [await startMockProvider(t)])
  const texts = new Set<string>()
  for (const reason of END_REASONS) {
    const answer = await new Visitor().go(rig.url(`/.oathkeeper/login?return_to=%2Fx%3Fy%3D1&reason=${reason}`))
    assert.equal(answer.status, 200)
    assert.match(answer.text, new RegExp(`<main data-reason="${reason}">`))
    assert.match(answer.text, /<h1>You are no longer signed in<\/h1>/)
    assert.match(answer.text, /href="[^"]*\/\.oathkeeper\/login\?return_to=http[^"&]*%2Fx%3Fy%3D1"/)
    assert.match(answer.text, new RegExp(`<footer>.*<code>${reason}</code>`))
    const goesOn = /http-equiv="refresh" content="4; url=http[^"]*\/\.oathkeeper\/login\?return_to=[^"&]*"/.test(
      answer.text,
    )
    const isDecided = ['logout', 'revoked', 'backchannel', 'refresh_rejected', 'superseded'].includes(reason)
    assert.equal(goesOn, !isDecided, reason)
    assert.equal(answer.text.includes('http-equiv'), goesOn)
    assert.match(answer.headers['cache-control'] ?? '', /no-store/)
    texts.add(/<p>(.*?)<\/p>/.exec(answer.text)?.[1] ?? '')
  }
  assert.equal(texts.size, END_REASONS.length)
})

test('any other word begins the login as if it were not there', async (t) => {
  const rig = await startLogin(t, [await startMockProvider(t)])
  for (const word of ['', 'IDLE', 'toString', '__proto__', 'constructor', '%22%3E%3Cscript%3E', 'idle%0d%0a']) {
    const answer = await new Visitor().go(rig.url(`/.oathkeeper/login?return_to=/x&reason=${word}`))
    assert.equal(answer.status, 302, word)
    assert.match(answer.headers['location'] ?? '', /\/authorize\?/)
    assert.doesNotMatch(answer.headers['location'] ?? '', /reason/)
  }
  const twice = await new Visitor().go(rig.url('/.oathkeeper/login?reason=idle&reason=idle'))
  assert.equal(twice.status, 400)
})

test('where no page of ours can be shown or read the login begins at once', async (t) => {
  const rig = await startLogin(t, [await startMockProvider(t)])
  const frame = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }
  for (const said of [{}, frame]) {
    const told = rig.url('/.oathkeeper/login?return_to=/x&reason=revoked')
    const { statusCode, headers, body } = await request(told, { headers: { accept: 'text/html', ...said } })
    await body.dump()
    assert.equal(statusCode, 302)
    assert.match(String(headers['location']), /\/authorize\?/)
  }
})

test('a link with a reason does not make anybody believe that they are signed out', async (t) => {
  const provider = await startMockProvider(t)
  const rig = await startLogin(t, [provider])
  provider.now = rig.clock.now
  const visitor = new Visitor()
  await visitor.go(await callbackUrl(visitor, rig))
  const answer = await visitor.go(rig.url('/.oathkeeper/login?return_to=/x&reason=revoked'))
  assert.equal(answer.status, 302)
})

test('who comes with the ticket of a session that is over is told why, in each form of answer', async (t) => {
  const provider = await startMockProvider(t)
  const rig = await startLogin(t, [provider], { rules: { app: {} } })
  provider.now = rig.clock.now
  const visitor = new Visitor()
  await visitor.go(await callbackUrl(visitor, rig))
  rig.clock.advance(3_600_000)

  const script = { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }
  const api = await visitor.go(rig.url('/app/x'), { headers: script })
  assert.equal(api.status, 401)
  assert.deepEqual(JSON.parse(api.text).error.details, { session_ended: 'absolute' })
  assert.equal(
    api.headers['www-authenticate'],
    'Login realm="oathkeeper", error="session_ended", error_description="absolute"',
  )
  const info = await visitor.go(rig.url('/.oathkeeper/session'), { headers: script })
  assert.equal(info.status, 401)
  assert.deepEqual(JSON.parse(info.text).error.details, { session_ended: 'absolute' })

  const page = await visitor.go(rig.url('/app/x'))
  assert.equal(page.status, 302)
  assert.match(page.headers['location'] ?? '', /\/\.oathkeeper\/login\?return_to=%2Fapp%2Fx&reason=absolute$/)
  assert.match(page.setCookies.join(), /^oathkeeper=; .*Max-Age=0/)
  const told = await visitor.go(page.headers['location'] ?? '')
  assert.match(told.text, /data-reason="absolute"/)

  const [, again = ''] = /href="([^"]+)"/.exec(told.text) ?? []
  const login = await visitor.go(new URL(again.replaceAll('&amp;', '&'), rig.origin).href)
  assert.match(login.headers['location'] ?? '', /\/authorize\?/)
  const stranger = await new Visitor().go(rig.url('/app/x'))
  assert.match(stranger.headers['location'] ?? '', /\/\.oathkeeper\/login\?return_to=%2Fapp%2Fx$/)
})

test('a ticket that never was one of ours is told nothing', async (t) => {
  const rig = await startLogin(t, [await startMockProvider(t)], { rules: { app: {} } })
  for (const ticket of ['junk', `v1.${'A'.repeat(43)}`]) {
    const headers = { cookie: `oathkeeper=${ticket}`, accept: 'application/json', 'sec-fetch-mode': 'cors' }
    for (const path of ['/app/x', '/.oathkeeper/session']) {
      const answer = await new Visitor().go(rig.url(path), { headers })
      assert.equal(answer.status, 401)
      assert.equal(JSON.parse(answer.text).error.details, undefined)
    }
  }
})

test('the page after a logout says that it was one', async (t) => {
  const rig = await startLogin(t, [await startMockProvider(t)])
  const answer = await new Visitor().go(rig.url('/.oathkeeper/signed-out'))
  assert.match(answer.text, /<main data-reason="logout">/)
})

test('a tab whose session another tab has replaced goes on to log in while others of the browser do', async (t) => {
  const rig = await startLogin(t, [await startMockProvider(t)])
  const address = rig.url('/.oathkeeper/login?return_to=%2Fx&reason=superseded')
  const browser = new Visitor()
  assert.match((await browser.go(address)).text, /data-reason="superseded"/)
  await browser.go(rig.url('/.oathkeeper/login?return_to=%2Fy'))
  assert.equal((await browser.go(address)).status, 302)
  assert.match((await browser.go(address.replace('superseded', 'revoked'))).text, /data-reason="revoked"/)
})
