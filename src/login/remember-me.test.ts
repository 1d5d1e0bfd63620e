import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type LoginRigOptions, startLogin } from '../../test/support/login-rig.ts'
import { startMockProvider } from '../../test/support/mock-provider.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { Visitor } from '../../test/support/visitor.ts'
import type { RememberMeOptions } from './options.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

async function start(t: TestContext, changes: Partial<RememberMeOptions> | undefined, options: LoginRigOptions = {}) {
  const clock = createTestClock()
  const provider = await startMockProvider(t, { now: () => clock.now() })
  const rememberMe = changes && { asks: false, lifetimeMs: 30 * DAY, idleTimeout: 'off' as const, ...changes }
  const rig = await startLogin(t, [provider], { clock, lifetimeMs: HOUR, ...options, login: { rememberMe } })
  const visitor = new Visitor()
  const ticket = () => visitor.cookie('127.0.0.1', 'oathkeeper') ?? ''
  /** Logs in by a link and gives the attributes of the session's cookie. */
  const logIn = async (query: string, headers: Record<string, string> = {}) => {
    const begun = await visitor.go(rig.url(`/.oathkeeper/login?return_to=/x&${query}`), { headers })
    const authorized = await visitor.go(begun.headers['location'] ?? '')
    const { setCookies } = await visitor.go(authorized.headers['location'] ?? '')
    return setCookies.find((line) => line.startsWith('oathkeeper='))?.replace(/^oathkeeper=[^;]*/, '')
  }
  const FOR_NOW = '; Path=/; HttpOnly; SameSite=Lax'
  return { clock, provider, rig, visitor, ticket, logIn, FOR_NOW, KEPT: `${FOR_NOW}; Max-Age=${(30 * DAY) / 1000}` }
}

test('who asks to stay signed in has a cookie that the browser keeps, and a session as long', async (t) => {
  const { clock, rig, ticket, logIn, KEPT } = await start(t, {})
  assert.equal(await logIn('remember_me=true'), KEPT)
  const session = await rig.login.reader.open(ticket())
  assert.equal(session?.isRemembered, true)
  assert.equal(session.expiresAt - clock.now(), 30 * DAY)
  clock.advance(30 * DAY - 1)
  assert.ok(await rig.login.reader.open(ticket()))
  clock.advance(1)
  assert.equal(await rig.login.reader.open(ticket()), undefined)
})

test('who does not has a session as configured, and so has everybody while it is not enabled', async (t) => {
  const { clock, rig, ticket, logIn, FOR_NOW } = await start(t, {})
  for (const query of ['', 'remember_me=false']) {
    assert.equal(await logIn(query), FOR_NOW)
    assert.equal(((await rig.login.reader.open(ticket()))?.expiresAt ?? 0) - clock.now(), HOUR)
  }
  const off = await start(t, undefined)
  assert.equal(await off.logIn('remember_me=true'), FOR_NOW)
})

test('an idle timeout of their own ends remembered sessions', async (t) => {
  const { clock, rig, ticket, logIn } = await start(t, { idleTimeout: 7 * DAY })
  await logIn('remember_me=true')
  clock.advance(6 * DAY)
  assert.ok(await rig.login.reader.open(ticket()))
  await new Promise((done) => setImmediate(done))
  clock.advance(7 * DAY)
  assert.equal(await rig.login.reader.open(ticket()), undefined)
})

test('a remembered session is never longer than the provider’s sessions may be, nor than it says', async (t) => {
  const session = { lifetimeMs: 2 * DAY, idleTimeout: HOUR, ceilingFrom: ['claims.session_expiry'] }
  const { clock, provider, rig, ticket, logIn } = await start(t, { idleTimeout: 'off' }, { provider: { session } })
  await logIn('remember_me=true')
  assert.equal(((await rig.login.reader.open(ticket()))?.expiresAt ?? 0) - clock.now(), 2 * DAY)
  clock.advance(HOUR)
  assert.equal(await rig.login.reader.open(ticket()), undefined)
  const end = Math.floor(clock.now() / 1000) + 600
  provider.switches.claims = (claims) => ({ ...claims, session_expiry: end })
  await logIn('remember_me=true')
  assert.equal((await rig.login.reader.open(ticket()))?.expiresAt, end * 1000)
})

test('a link of another site is nobody’s choice, and another word is a mistake', async (t) => {
  const { rig, visitor, logIn, FOR_NOW, KEPT } = await start(t, {})
  assert.equal(await logIn('remember_me=true', { 'sec-fetch-site': 'cross-site' }), FOR_NOW)
  assert.equal(await logIn('remember_me=true', { 'sec-fetch-site': 'same-site' }), KEPT)
  for (const query of ['remember_me=', 'remember_me=1', 'remember_me=true&remember_me=true']) {
    assert.equal((await visitor.go(rig.url(`/.oathkeeper/login?${query}`))).status, 400, query)
  }
})

test('a login that a rule asks for goes on as the person has chosen', async (t) => {
  const vault = { authenticators: [{ handler: 'session', config: { max_age: '5m' } }] }
  const { clock, rig, visitor, ticket, logIn } = await start(t, {}, { rules: { vault } })
  for (const isRemembered of [true, false]) {
    await logIn(`remember_me=${isRemembered}`)
    clock.advance(10 * 60_000)
    const before = ticket()
    assert.equal((await visitor.follow(rig.url('/vault'))).status, 200)
    assert.notEqual(ticket(), before)
    assert.equal((await rig.login.reader.open(ticket()))?.isRemembered, isRemembered)
  }
})

test('a page asks where that is wanted, and both answers lead to where the person wanted to go', async (t) => {
  const { provider, rig, visitor, ticket } = await start(t, { asks: true })
  for (const [label, isRemembered] of [
    ['Sign in and stay signed in', true],
    ['Sign in for now', false],
  ] as const) {
    const browser = isRemembered ? visitor : new Visitor()
    const page = await browser.follow(rig.url('/wanted?a=1'))
    assert.equal(page.status, 200)
    assert.match(page.text, /Do you want to stay signed in\?/)
    const [, href = ''] = new RegExp(`href="([^"]*)">${label}<`).exec(page.text) ?? []
    const arrival = await browser.follow(href.replaceAll('&amp;', '&'), {
      headers: { 'sec-fetch-site': 'same-origin' },
    })
    assert.deepEqual([arrival.status, arrival.url], [200, rig.url('/wanted?a=1')])
    const session = await rig.login.reader.open(browser.cookie('127.0.0.1', 'oathkeeper') ?? '')
    assert.equal(session?.isRemembered, isRemembered)
  }
  assert.equal(provider.asked('/authorize').length, 2)
  assert.equal(rig.store.sizes.states, 0)
  await visitor.follow(rig.url('/.oathkeeper/login'))
  assert.equal((await rig.login.reader.open(ticket()))?.isRemembered, true)
})

test('what a failure page offers to start again keeps the choice', async (t) => {
  const { provider, rig, visitor } = await start(t, { asks: true })
  provider.switches.tokenStatus = 500
  const page = await visitor.follow(rig.url('/.oathkeeper/login?return_to=/x&remember_me=true'))
  assert.match(page.text, /href="[^"]*login\?return_to=[^"]*&amp;remember_me=true">Start again/)
})
