// What browsers, caches and gateways get: cookies of upstreams, cacheability, answers to what is no navigation.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openRaw, rawRequest } from '../support/raw-client.ts'
import { rule, startRawProduct } from '../support/raw-product.ts'
import { createTestClock } from '../support/test-clock.ts'

const SCRIPT = 'Accept: application/json\r\n'
const NAVIGATION = 'Accept: text/html,*/*;q=0.8\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n'

test('D-03: cookies of an upstream stay lines of their own, in their order and octet for octet', async (t) => {
  const product = await startRawProduct(t)
  const { cookie } = await product.signIn()
  const cookies = [
    'a=1; Path=/',
    'b="x, y"; Expires=Wed, 21 Oct 2099 07:28:00 GMT',
    'a=2; Path=/a',
    'c=%0d%0a; SameSite=Odd',
  ]
  product.upstream.script = (_, connection) =>
    connection.write(
      `HTTP/1.1 200 OK\r\n${cookies.map((line) => `Set-Cookie: ${line}\r\n`).join('')}Content-Length: 0\r\n\r\n`,
    )
  for (const path of ['/public/x', '/me']) {
    const { headers } = await rawRequest(
      product.proxyPort,
      `GET ${path} HTTP/1.1\r\nHost: ${product.host}\r\n${cookie}\r\n\r\n`,
    )
    assert.deepEqual(
      headers.filter(([name]) => name.toLowerCase() === 'set-cookie').map(([, value]) => value),
      cookies,
    )
  }
})

test('E-05 V-067: a session is prolonged by its use without a cookie, so that no streamed answer can lose one', async (t) => {
  const clock = createTestClock()
  const product = await startRawProduct(t, { clock, config: { session: { lifetime: '8h', idle_timeout: '10m' } } })
  const { cookie } = await product.signIn()
  const streams = [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nSet-Cookie: app=1\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nSet-Cookie: app=1\r\n\r\n',
    'HTTP/1.1 200 OK\r\nConnection: close\r\nSet-Cookie: app=1\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nSet-Cookie: app=1\r\n\r\n',
    'HTTP/1.1 304 Not Modified\r\nSet-Cookie: app=1\r\n\r\n',
  ]
  for (const head of streams) {
    clock.advance(540_000)
    product.upstream.script = (_, connection) => connection.write(head)
    const client = openRaw(product.proxyPort)
    client.write(`GET /me HTTP/1.1\r\nHost: ${product.host}\r\n${cookie}\r\n\r\n`)
    const sent = await client.nextHead()
    assert.match(sent, /^HTTP\/1\.1 (?:200|304) /)
    assert.deepEqual(
      sent.match(/^set-cookie: .*/gim),
      ['Set-Cookie: app=1'],
      'the upstream’s cookie before the first octet, and none of ours',
    )
    client.destroy()
  }
  clock.advance(601_000)
  const late = await rawRequest(
    product.proxyPort,
    `GET /me HTTP/1.1\r\nHost: ${product.host}\r\n${SCRIPT}${cookie}\r\n\r\n`,
  )
  assert.equal(late.status, 401)
})

test('H-07: the name of a page makes nothing cacheable', async (t) => {
  const product = await startRawProduct(t)
  const { cookie } = await product.signIn()
  product.upstream.script = (_, connection) =>
    connection.write('HTTP/1.1 200 OK\r\nCache-Control: private, no-store\r\nContent-Length: 0\r\n\r\n')
  for (const path of [
    '/account/x.css',
    '/account%2f..%2fx.js',
    '/account/%2e%2e/logo.png',
    '/account;x.css',
    '/account%0a.css',
    '/account/x.css?v=1',
  ]) {
    for (const lines of [NAVIGATION, SCRIPT]) {
      const refused = await rawRequest(
        product.proxyPort,
        `GET ${path} HTTP/1.1\r\nHost: ${product.host}\r\n${lines}\r\n`,
      )
      assert.notEqual(refused.status, 200, path)
      assert.equal(refused.header('cache-control'), 'no-store', path)
    }
    const granted = await rawRequest(
      product.proxyPort,
      `GET ${path} HTTP/1.1\r\nHost: ${product.host}\r\n${cookie}\r\n\r\n`,
    )
    assert.ok(granted.status === 404 || granted.header('cache-control') === 'private, no-store', path)
  }
})

test('V-135: a form that is sent without a session is 401 at once: no chain of redirects, no body that gets lost on it', async (t) => {
  const product = await startRawProduct(t)
  const form = 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n'
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    for (const lines of [NAVIGATION, SCRIPT, '']) {
      const answer = await rawRequest(
        product.proxyPort,
        `${method} /me HTTP/1.1\r\nHost: ${product.host}\r\n${lines}${form}\r\nkey=abc`,
      )
      assert.equal(answer.status, 401)
      assert.equal(answer.header('location'), undefined)
      assert.match(answer.header('link') ?? '', /\/\.oathkeeper\/login.*rel="login"/, 'and it says where the login is')
      assert.equal(answer.header('set-cookie'), undefined)
    }
  }
  assert.equal(product.upstream.connections.length, 0)
  assert.equal(product.provider.requests.length, 0)
})

test('H-03: the decision API answers with a decision, and never sends anybody to https', async (t) => {
  const product = await startRawProduct(t, {
    rules: ({ door, upstream }) => [
      rule('secure', `${door.replace('http', 'https')}/<.*>`, upstream, {
        authenticators: [{ handler: 'noop' }],
        mutators: [{ handler: 'noop' }],
      }),
    ],
  })
  const cases: [lines: string, status: number][] = [
    ['X-Forwarded-Proto: http', 404],
    ['X-Forwarded-Proto: https', 200],
    ['X-Forwarded-Proto: HTTPS', 404],
    ['X-Forwarded-Proto: https, http', 404],
    ['X-Forwarded-Proto:', 404],
    ['Upgrade-Insecure-Requests: 1', 404],
    ['X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http', 400],
  ]
  for (const [lines, status] of cases) {
    for (const path of ['/decisions', '/decisions/', '/decisions/x']) {
      const raw = `GET ${path} HTTP/1.1\r\nHost: ${product.host}\r\nX-Forwarded-Uri: /x\r\n${lines}\r\n\r\n`
      const answer = await rawRequest(product.apiPort, raw)
      assert.equal(answer.status, status, lines)
      assert.equal(answer.header('location'), undefined)
    }
  }
})

test('V-038: an address in X-Forwarded-For decides nothing unless who sends it is trusted', async (t) => {
  const inside = { error: ['unauthorized'], request: { cidr: ['10.0.0.0/8'] } }
  const remote = {
    error: ['unauthorized'],
    request: { remote_ip: { match: ['10.0.0.0/8'], respect_forwarded_for_header: true } },
  }
  for (const [trusted, when, status] of [
    [[], inside, 401],
    [['127.0.0.2/32'], inside, 401],
    [['127.0.0.1/32'], inside, 302],
    [[], remote, 401],
    [['127.0.0.1/32'], remote, 302],
  ] as const) {
    const errors = [{ handler: 'redirect', config: { to: 'https://inside.test/', when: [when] } }]
    const product = await startRawProduct(t, {
      config: {
        serve: { proxy: { trusted_proxies: trusted }, api: { trusted_proxies: trusted } },
        errors: {
          fallback: ['json'],
          handlers: { redirect: { enabled: true, config: { to: 'https://inside.test/' } }, json: { enabled: true } },
        },
      },
      rules: ({ door, upstream }) => [rule('members', `${door}/<.*>`, upstream, { errors })],
    })
    for (const [line, isNamed] of [
      ['X-Forwarded-For: 10.1.2.3', true],
      ['X-Forwarded-For: 203.0.113.9, 10.1.2.3', true],
      ['X-Forwarded-For: 10.1.2.3, 203.0.113.9', false],
      ['X-Forwarded-For: 10.1.2.3, unknown', false],
      ['X-Forwarded-For: 10.1.2.3, 127.0.0.1', true],
      ['X_Forwarded_For: 10.1.2.3', false],
      ['X-Real-IP: 10.1.2.3', false],
      ['Forwarded: for=10.1.2.3', true],
      ['Forwarded: for="10.1.2.3, 1.2.3.4"', false],
      ['Client-IP: 10.1.2.3', false],
      ['True-Client-IP: 10.1.2.3', false],
    ] as const) {
      const expected = isNamed ? status : 401
      for (const [port, path] of [
        [product.proxyPort, '/x'],
        [product.apiPort, '/decisions/x'],
      ] as const) {
        const answer = await rawRequest(
          port,
          `GET ${path} HTTP/1.1\r\nHost: ${product.host}\r\n${SCRIPT}${line}\r\n\r\n`,
        )
        assert.equal(answer.status, expected, `${line} with ${JSON.stringify(trusted)} on ${path}`)
      }
    }
    assert.equal(product.upstream.connections.length, 0)
  }
})
