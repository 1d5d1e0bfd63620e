// A provider that is slow, gone, garbled, huge, or somebody else's by now: nobody gets in, everybody who is in stays in,
// and what it says goes nowhere.
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { rawRequest } from '../support/raw-client.ts'
import { type RawProduct, startRawProduct } from '../support/raw-product.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { createTestClock } from '../support/test-clock.ts'
import { Visitor } from '../support/visitor.ts'
import { eventually } from '../support/eventually.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const JSON_TYPE = { 'content-type': 'application/json' }

const whole =
  (body: string | Buffer, headers: Record<string, string> = JSON_TYPE, status = 200): Answer =>
  (_, response) =>
    void response.writeHead(status, headers).end(body)

const endless: Answer = (_, response) => {
  response.writeHead(200, JSON_TYPE)
  const chunk = Buffer.alloc(65_536, 0x20)
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on('drain', more)
  more()
}

const silent: Answer = () => undefined

const drip: Answer = (_, response) => {
  response.writeHead(200, JSON_TYPE)
  const timer = setInterval(() => response.write(' '), 50)
  response.on('close', () => clearInterval(timer))
}

const deep = '['.repeat(100_000)

/** By what is wrong with them. */
const FAULTS: Readonly<Record<string, Answer>> = {
  'an error': whole('{"error":"server_error"}', JSON_TYPE, 500),
  'too many requests': whole('{}', JSON_TYPE, 429),
  'a page': whole('<!doctype html><p>maintenance', { 'content-type': 'text/html' }),
  nothing: whole(''),
  'no object': whole('[1,2,3]'),
  null: whole('null'),
  'a half': whole('{"issuer":"'),
  'octets that are no text': whole(Buffer.from([0x7b, 0xff, 0xfe, 0x00])),
  'UTF-16': whole(Buffer.from('\ufeff{}', 'utf16le')),
  depth: whole(deep),
  'an endless body': endless,
  'a bomb': whole(gzipSync(Buffer.alloc(64 * 1024 * 1024)), { ...JSON_TYPE, 'content-encoding': 'gzip' }),
  'encodings on encodings': whole('{}', { ...JSON_TYPE, 'content-encoding': 'gzip, gzip, br, gzip' }),
  silence: silent,
  'a drip': drip,
  'a cut': (_, response) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-length': '1000' })
    response.write('{')
    setImmediate(() => response.destroy())
  },
  'a switch of protocols': (request) =>
    void request.socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
  'no HTTP': (request) => void request.socket.end('SSH-2.0-OpenSSH_9.9\r\n'),
  'two lengths': (request) =>
    void request.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}'),
  'a huge header': (request) => void request.socket.end(`HTTP/1.1 200 OK\r\nX: ${'a'.repeat(100_000)}\r\n\r\n{}`),
}

/** Listens, and counts who comes. */
async function startCanary(t: TestContext): Promise<{ readonly url: string; readonly visits: () => number }> {
  let visits = 0
  const server = createServer((socket) => {
    visits++
    socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, visits: () => visits }
}

const ENDPOINTS = ['/.well-known/openid-configuration', '/jwks', '/token', '/userinfo'] as const

async function startWithUserinfo(t: TestContext, login: Record<string, unknown> = {}): Promise<RawProduct> {
  return startRawProduct(t, {
    config: { login: { timeout: '300ms', ...login }, log: { level: 'error' } },
    provider: { userinfo: true },
  })
}

function canSignIn(product: RawProduct): Promise<boolean> {
  return product.signIn().then(
    () => true,
    () => false,
  )
}

/** A page of ours that says what is wrong, in time, without a word of the provider's. */
function checkPage(
  what: string,
  answer: {
    status: number
    text: string
    headers: Readonly<Record<string, string | undefined>>
    setCookies: readonly string[]
  },
): void {
  assert.ok([400, 502, 503, 504].includes(answer.status), `${what}: ${answer.status}`)
  assert.match(answer.headers['content-type'] ?? '', /^text\/html/, what)
  assert.equal(answer.headers['cache-control'], 'no-store', what)
  assert.match(answer.text, /Start again|Try again/, what)
  assert.doesNotMatch(answer.text, /SyntaxError|maintenance|SSH|at \w+ \(|node:/, what)
  assert.ok(!answer.setCookies.some((line) => /^oathkeeper=[^;]/.test(line)), what)
}

for (const endpoint of ENDPOINTS) {
  test(`FM-30 V-047 V-114: whatever a provider answers at ${endpoint}, nobody gets in and nobody is thrown out`, async (t) => {
    const settled = endpoint === '/token' || endpoint === '/userinfo' ? await startWithUserinfo(t) : undefined
    for (const [what, fault] of Object.entries(FAULTS)) {
      // Discovery and keys are remembered: each fault needs a product that has not seen them yet.
      const product = settled ?? (await startWithUserinfo(t))
      const { cookie } = settled === undefined ? { cookie: undefined } : await product.signIn()
      product.provider.switches.routes = { [endpoint]: fault }
      const begun = performance.now()
      const arrival = await new Visitor().follow(`${product.door}/me`)
      assert.ok(performance.now() - begun < 5_000, `${what} took ${performance.now() - begun} ms`)
      checkPage(`${what} at ${endpoint}`, arrival)
      if (cookie !== undefined) {
        const stays = await rawRequest(
          product.proxyPort,
          `GET /me HTTP/1.1\r\nHost: ${product.host}\r\n${cookie}\r\n\r\n`,
        )
        assert.equal(stays.status, 200, what)
      }
      product.provider.switches.routes = {}
      // Once is enough: after each failure nobody asks for a moment.
      if (what === 'a drip') await eventually(() => canSignIn(product), Boolean, 3_000)
    }
  })
}

test('A-34 V-115: redirects of a provider are not followed, and its cookies are not kept', async (t) => {
  const canary = await startCanary(t)
  for (const endpoint of ENDPOINTS) {
    for (const status of [301, 302, 303, 307, 308]) {
      const product = await startWithUserinfo(t)
      const headers = { location: `${canary.url}/x`, 'set-cookie': 'a=1; Path=/', 'content-type': 'application/json' }
      product.provider.switches.routes = { [endpoint]: whole('{}', headers, status) }
      checkPage(`${status} at ${endpoint}`, await new Visitor().follow(`${product.door}/me`))
      for (const request of product.provider.requests)
        assert.equal(request.path.startsWith('/authorize') ? undefined : request.headers.cookie, undefined)
    }
  }
  assert.equal(canary.visits(), 0)
})

test('A-18: endpoints that lead off the machine without https are refused before anybody is sent there', async (t) => {
  const canary = await startCanary(t)
  for (const name of [
    'authorization_endpoint',
    'token_endpoint',
    'jwks_uri',
    'userinfo_endpoint',
    'end_session_endpoint',
  ]) {
    for (const url of [
      'http://10.0.0.1/x',
      'http://localhost.evil.test/',
      'javascript:alert(1)',
      'file:///etc/passwd',
      `${canary.url.replace('127.0.0.1', '127.0.0.1.evil.test')}/x`,
      '//evil.test/x',
      7,
    ]) {
      const product = await startWithUserinfo(t)
      product.provider.switches.discovery = (document) => ({ ...document, [name]: url })
      checkPage(`${name}: ${url}`, await new Visitor().follow(`${product.door}/me`))
      await product.app.stop()
    }
  }
})

test('B-18 V-087 V-127: a flood of unknown keys asks for the key set once in its cool-down, and not at all while the store is down', async (t) => {
  const redis = await startRedisServer()
  t.after(() => redis.close())
  const product = await startRawProduct(t, {
    config: { session_store: { type: 'redis', redis: { addr: redis.addr } }, log: { level: 'error' } },
  })
  await product.signIn()
  const { provider, door } = product
  provider.switches.header = (header) => ({ ...header, kid: `unknown-${Math.random()}` })
  const callbacks = await Promise.all(
    Array.from({ length: 60 }, async () => {
      const visitor = new Visitor()
      const begun = await visitor.go(`${door}/.oathkeeper/login`)
      const authorized = await visitor.go(begun.headers['location'] ?? '')
      return () => visitor.go(authorized.headers['location'] ?? '')
    }),
  )
  const before = provider.asked('/jwks').length
  const answers = await Promise.all(callbacks.slice(0, 30).map((run) => run()))
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([400]))
  assert.ok(provider.asked('/jwks').length - before <= 2, `asked ${provider.asked('/jwks').length - before} times`)

  await redis.stop()
  const [keys, tokens] = [provider.asked('/jwks').length, provider.asked('/token').length]
  const refused = await Promise.all(callbacks.slice(30).map((run) => run()))
  assert.deepEqual(new Set(refused.map(({ status }) => status)), new Set([503]))
  assert.deepEqual([provider.asked('/jwks').length, provider.asked('/token').length], [keys, tokens])
})

function numbers(count: number, step: number): string {
  const members = Array.from({ length: count }, (_, i) => `"${i * step}":1`)
  return `{"sub":"alice",${members.join(',')}}`
}

test('V-104 V-105: claims that are made to be slow, deep or many hold nobody up', async (t) => {
  const product = await startWithUserinfo(t)
  const { provider } = product
  await product.signIn()
  const bodies = [
    numbers(40_000, 1),
    numbers(40_000, 65_536),
    numbers(30_000, 4_294_967),
    `{"sub":"alice","a":${'{"a":'.repeat(50_000)}`,
  ]
  for (const body of bodies) {
    const begun = process.cpuUsage()
    provider.switches.userinfo = () => body
    await new Visitor().follow(`${product.door}/me`)
    provider.switches.userinfo = (claims) => claims
    const { user, system } = process.cpuUsage(begun)
    assert.ok((user + system) / 1000 < 1_000, `${body.slice(0, 40)} took ${(user + system) / 1000} ms of the processor`)
    provider.switches.claims = () => body
    await new Visitor().follow(`${product.door}/me`)
    delete provider.switches.claims
  }
  await product.signIn()
})

test('H-09 V-092: a logout wins over a refresh that is under way', async (t) => {
  const clock = createTestClock()
  const product = await startRawProduct(t, { clock, config: { session: { lifetime: '2h' } } })
  const { visitor, cookie } = await product.signIn()
  const held: (() => void)[] = []
  product.provider.switches.routes = {
    '/token': (request, response) =>
      void held.push(() => {
        product.provider.switches.routes = {}
        const body = {
          access_token: 'late-access',
          token_type: 'Bearer',
          expires_in: 300,
          refresh_token: 'late-refresh',
        }
        response.writeHead(200, JSON_TYPE).end(JSON.stringify(body))
        void request
      }),
  }
  // Due, and the old token is still good: the refresh goes on behind the request.
  clock.advance(245_000)
  const ask = () =>
    rawRequest(
      product.proxyPort,
      `GET /me HTTP/1.1\r\nHost: ${product.host}\r\nAccept: application/json\r\n${cookie}\r\n\r\n`,
    )
  assert.equal((await ask()).status, 200)
  await eventually(
    () => held.length,
    (count) => count === 1,
    2_000,
  )
  const ended = await visitor.submit(`${product.door}/.oathkeeper/logout`, {})
  assert.equal(ended.status, 200)
  held[0]?.()
  await new Promise((resolve) => setTimeout(resolve, 50))
  for (let i = 0; i < 3; i++) assert.equal((await ask()).status, 401)
})
