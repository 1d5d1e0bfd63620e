import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { accept, refuse } from '../../test/support/config.ts'

function config(cookie: string, baseUrl = 'https://app.example', more = ''): string {
  return `login: { base_url: "${baseUrl}", providers: [ { id: a, issuer: https://id.example, client_id: a } ], ${more} }
session: { cookie: { ${cookie} } }
`
}

const redis = (ttl: string) => `session_store: { type: redis, redis: { addr: "a:1"${ttl} } }\n`

const cookieOf = (t: TestContext, cookie: string, baseUrl?: string) =>
  accept(t, config(cookie, baseUrl)).config.session.cookie

test('the name of the cookie says what it is: __Host- on https without a domain', (t) => {
  assert.equal(cookieOf(t, '').name, '__Host-oathkeeper')
  assert.equal(cookieOf(t, '', 'http://127.0.0.1:4455').name, 'oathkeeper')
  assert.equal(cookieOf(t, 'domain: app.example').name, 'oathkeeper')
  assert.equal(cookieOf(t, 'name: mine').name, 'mine')
})

test('the cookie is secure on https', (t) => {
  assert.equal(cookieOf(t, '').secure, true)
  assert.equal(cookieOf(t, '', 'http://127.0.0.1:4455').secure, false)
})

test('V-099: a name, domain or path that would break out of its attribute is refused', (t) => {
  for (const name of ['a;b', 'a b', 'a=b', 'a\\r\\nb', 'a,b', 'é', '']) {
    assert.match(refuse(t, config(`name: "${name}"`)).join(), /cookie\.name: must be the name of a cookie/, name)
  }
  for (const domain of [
    'a;b.example',
    'a b.example',
    'app.example\\r\\n',
    'app_.example',
    '.',
    '-a.example',
    'app',
    '127.0.0.1:80',
    'https://app.example',
  ]) {
    assert.match(refuse(t, config(`domain: "${domain}"`)).join(), /cookie\.domain: must be a domain name/, domain)
  }
  for (const path of ['', 'a', '/a;b', '/a b', '/a\\r\\nb', '/é']) {
    assert.match(refuse(t, config(`path: "${path}"`)).join(), /cookie\.path: must be a path/, path)
  }
})

test('what a browser would refuse is refused', (t) => {
  const refused = (cookie: string, baseUrl?: string) => refuse(t, config(cookie, baseUrl)).join('\n')
  assert.match(refused('same_site: none', 'http://127.0.0.1:4455'), /cookie\.same_site: none needs https/)
  assert.match(
    refused('name: __Host-a', 'http://127.0.0.1:4455'),
    /cookie\.name: a name that begins with __Host- needs https/,
  )
  assert.match(
    refused('name: __Secure-a', 'http://127.0.0.1:4455'),
    /cookie\.name: a name that begins with __Secure- needs https/,
  )
  assert.match(
    refused('name: __Host-a, domain: app.example'),
    /cookie\.name: a name that begins with __Host- allows neither/,
  )
  assert.match(
    refused('domain: other.example'),
    /cookie\.domain: must hold every host of login\.base_url; https:\/\/app\.example is outside/,
  )
  assert.match(refused('domain: pp.example'), /cookie\.domain: must hold/)
  assert.match(refused('path: /app'), /cookie\.path: must hold login\.base_path/)
})

test('what fits is accepted', (t) => {
  assert.equal(cookieOf(t, 'same_site: none').sameSite, 'none')
  assert.equal(cookieOf(t, 'domain: .Example.com', 'https://app.example.com').domain, 'example.com')
  assert.equal(accept(t, config('path: /app', undefined, 'base_path: /app/auth')).config.session.cookie.path, '/app')
  assert.equal(accept(t, config('path: /auth', undefined, 'base_path: /auth')).config.session.cookie.path, '/auth')
})

test('the lifetime is that of redis.ttl unless it is given', (t) => {
  assert.equal(accept(t, redis(', ttl: 7d')).config.session.lifetimeMs, 604_800_000)
  assert.equal(accept(t, redis('')).config.session.lifetimeMs, 86_400_000)
  assert.equal(accept(t, `${redis(', ttl: 7d')}session: { lifetime: 1h }\n`).config.session.lifetimeMs, 3_600_000)
  assert.equal(accept(t, `${redis('')}session: { lifetime: 30d }\n`).config.session.lifetimeMs, 2_592_000_000)
  assert.equal(accept(t, 'session: { lifetime: 1h }\n').config.session.lifetimeMs, 3_600_000)
  assert.match(
    refuse(t, `${redis(', ttl: 1h')}session: { lifetime: 2h }\n`).join(),
    /^config\.yaml:2: session\.lifetime: must not be longer than session_store\.redis\.ttl/,
  )
})

test('an idle timeout that ends nothing is told', (t) => {
  assert.equal(accept(t, 'session: { idle_timeout: 15m }').config.session.idleTimeoutMs, 900_000)
  assert.equal(accept(t, 'session: { idle_timeout: off }').config.session.idleTimeoutMs, undefined)
  assert.match(
    accept(t, 'session: { idle_timeout: 2d }')
      .warnings.map(({ message }) => message)
      .join(),
    /has no effect/,
  )
})

test('UserInfo is read again as often as is asked for, and not unless it is asked for', (t) => {
  const everyMs = (refresh: string) =>
    accept(t, `session: { refresh: { ${refresh} } }\n`).config.session.userinfoEveryMs
  assert.equal(everyMs(''), undefined)
  assert.equal(everyMs('userinfo: off'), undefined)
  assert.equal(everyMs('userinfo: 5m'), 300_000)
  for (const wrong of ['1s', '2d', 'often', 'true']) {
    assert.match(
      refuse(t, `session: { refresh: { userinfo: ${wrong} } }\n`).join(),
      /session\.refresh\.userinfo/,
      wrong,
    )
  }
})
