import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loginOptions } from '../../test/support/login-rig.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { createLoginCookies } from './login-cookie.ts'
import type { CookieOptions } from './options.ts'
import { createSessionCookie } from './session-cookie.ts'
import { compileSettings } from './settings.ts'

function cookieOf(baseUrl: string, cookie: Partial<CookieOptions> = {}) {
  const options = loginOptions()
  return createSessionCookie(
    compileSettings({ ...options, baseUrls: [baseUrl], cookie: { ...options.cookie, ...cookie } }),
  )
}

test('D-04: D-05: on https the cookie is __Host-, Secure, HttpOnly, Lax, without a domain', () => {
  const cookie = cookieOf('https://app.example')
  assert.equal(cookie.write('v1.t', 60_000), '__Host-oathkeeper=v1.t; Path=/; HttpOnly; Secure; SameSite=Lax')
})

test('D-05: on http the name changes, and Secure with it', () => {
  assert.equal(cookieOf('http://127.0.0.1:4455').write('v1.t', 1), 'oathkeeper=v1.t; Path=/; HttpOnly; SameSite=Lax')
})

test('a domain, a path, a policy and persistence are written as configured', () => {
  const cookie = cookieOf('https://app.example.org', {
    domain: 'example.org',
    path: '/app',
    sameSite: 'none',
    persistent: true,
  })
  assert.equal(
    cookie.write('v1.t', 60_000),
    'oathkeeper=v1.t; Path=/app; Domain=example.org; HttpOnly; Secure; SameSite=None; Max-Age=60',
  )
})

test('D-11: a persistent cookie of a long session asks for 400 days', () => {
  const cookie = cookieOf('https://app.example', { persistent: true })
  assert.match(cookie.write('v1.t', 1e12), /; Max-Age=34560000$/)
})

test('C-05: V-060: deletion has every attribute of creation', () => {
  for (const [baseUrl, options] of [
    ['https://app.example', {}],
    ['http://localhost:4455', {}],
    ['https://app.example.org', { domain: 'example.org', path: '/app', sameSite: 'none', persistent: true }],
  ] as const) {
    const cookie = cookieOf(baseUrl, options)
    const written = cookie
      .write('v1.t', 60_000)
      .split('; ')
      .filter((part) => !part.startsWith('Max-Age'))
    const cleared = cookie.clear.split('; ').filter((part) => part !== 'Max-Age=0')
    assert.deepEqual(cleared, [written[0]!.replace('v1.t', ''), ...written.slice(1)])
    assert.ok(cookie.clear.endsWith('; Max-Age=0'))
  }
})

test('D-07: D-13: the ticket is found among 200 others', () => {
  const cookie = cookieOf('https://app.example')
  const others = Array.from({ length: 200 }, (_, i) => `c${i}=x`)
  assert.equal(cookie.readTicket([...others, '__Host-oathkeeper=v1.t', 'z=1'].join('; ')), 'v1.t')
})

test('D-08: of two tickets none is taken; logout sees both', () => {
  const cookie = cookieOf('https://app.example')
  const header = '__Host-oathkeeper=A; __Host-oathkeeper=B'
  assert.equal(cookie.readTicket(header), undefined)
  assert.equal(cookie.hasSeveral(header), true)
  assert.deepEqual(cookie.readTickets(header), ['A', 'B'])
})

const clock = createTestClock()
const loginCookies = createLoginCookies(compileSettings(loginOptions()), clock)

test('D-04: E-19: each attempt has a cookie of its own name, for this host, as long as an attempt', () => {
  const { attempt, setCookie } = loginCookies.begin('demo')
  const [pair, ...attributes] = setCookie.split('; ')
  assert.match(pair!, /^__Host-oathkeeper-login-[\w-]{8}=[0-9a-z]+\.[\w-]{32}\.demo$/)
  assert.deepEqual(attributes, ['Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax', 'Max-Age=600'])
  const found = loginCookies.find(`a=1; ${pair}`, attempt.state)
  assert.deepEqual(found, attempt)
  assert.ok(!pair!.includes(attempt.secret), 'what opens the state is not what the cookie says')
})

test('the cookie of an attempt is cleared with its attributes', () => {
  const { attempt, setCookie } = loginCookies.begin('demo')
  const name = setCookie.split('=')[0]
  assert.equal(loginCookies.clear(attempt.state), `${name}=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0`)
})

test('A-03: V-059: V-070: a cookie changed in any part opens another attempt than it was', () => {
  const { attempt, setCookie } = loginCookies.begin('demo')
  const pair = setCookie.split('; ')[0]!
  const [name, value] = pair.split('=') as [string, string]
  const [begun, secret] = value.split('.')
  for (const changed of [
    `${begun}.${secret}.other`,
    `${begun}.${secret!.slice(0, -1)}${secret!.endsWith('A') ? 'B' : 'A'}.demo`,
    `${begun}.${secret}-.demo`,
    `${begun}.${secret}`,
    secret!,
    '',
    '%',
    `"${value}"`,
  ]) {
    const found = loginCookies.find(`${name}=${changed}`, attempt.state)
    assert.notEqual(found?.secret, attempt.secret, changed)
  }
  assert.equal(loginCookies.find(`${pair}; ${pair}`, attempt.state), undefined)
})

test('malformed states are no attempt', () => {
  const { attempt, setCookie } = loginCookies.begin('demo')
  const pair = setCookie.split('; ')[0]!
  for (const state of [
    '',
    attempt.state.slice(1),
    `${attempt.state}x`,
    `${attempt.state.slice(0, 31)}.`,
    '__proto__',
  ]) {
    assert.equal(loginCookies.find(pair, state), undefined)
  }
})

test('D-15: of more than 64 attempts the oldest make room, and the header stays small', () => {
  const begun = Array.from({ length: 70 }, () => {
    clock.advance(1000)
    return loginCookies.begin('demo').setCookie.split('; ')[0]!
  })
  assert.deepEqual(loginCookies.evict(begun.slice(0, 63).join('; ')), [])
  const shuffled = [...begun.slice(40), ...begun.slice(0, 40)].join('; ')
  const evicted = loginCookies.evict(shuffled).map((line) => line.split('=')[0])
  assert.deepEqual(
    evicted,
    begun.slice(0, 7).map((pair) => pair.split('=')[0]),
  )
  assert.ok(begun.slice(0, 64).join('; ').length < 7000)
})

test('a name that we did not give is not written back', () => {
  const junk = Array.from({ length: 100 }, (_, i) => `__Host-oathkeeper-login-${i} x=1`).join('; ')
  assert.deepEqual(loginCookies.evict(junk), [])
})

test('D-09: D-15: the largest cookie keeps to 4096 octets', () => {
  const options = loginOptions()
  const settings = compileSettings({ ...options, cookie: { ...options.cookie, name: 'n'.repeat(128) } })
  const { setCookie } = createLoginCookies(settings, clock).begin('p'.repeat(64))
  assert.ok(setCookie.split('; ')[0]!.length < 4096)
})
