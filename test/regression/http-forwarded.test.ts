import assert from 'node:assert/strict'
import { test } from 'node:test'
import { get, rawRequest } from '../support/raw-client.ts'
import { startTestProxy } from '../support/test-proxy.ts'

const CLIENT_WORDS = [
  'X-Forwarded-For: 1.2.3.4',
  'X-Forwarded-Host: evil.example',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Port: 1',
  'X-Forwarded-Prefix: /evil',
  'X-Forwarded-Uri: /evil',
  'X-Forwarded-Method: POST',
  'X-Forwarded-Server: evil',
  'X-Forwarded-User: root',
  'X-Forwarded-Foo: bar',
  'x-forwarded: for=1.2.3.4',
  'Forwarded: for=1.2.3.4;proto=https;host=evil.example',
  'X-Real-IP: 1.2.3.4',
  'X-Original-URL: /evil',
  'X-Rewrite-URL: /evil',
  'X_Forwarded_For: 1.2.3.4',
  'X.Forwarded.Proto: https',
  'x-forwarded_host: evil.example',
  'X_Real_IP: 1.2.3.4',
  'X_Forwarded_User: root',
]
const NAMES = CLIENT_WORDS.map((line) => line.slice(0, line.indexOf(':')).toLowerCase())

test('G-01 G-02 G-08 V-006 V-045 V-046 V-015: what an untrusted client says about earlier hops never arrives, in no spelling', async (t) => {
  const { port, upstream, seen } = await startTestProxy(t)
  for (const lines of [
    CLIENT_WORDS,
    CLIENT_WORDS.map((line) => line.toUpperCase()),
    [...CLIENT_WORDS, ...CLIENT_WORDS],
  ]) {
    assert.equal((await rawRequest(port, get('/x', ...lines))).status, 200)
    for (const name of NAMES) assert.deepEqual(upstream.requests.at(-1)?.values(name), [], name)
    assert.equal(seen.at(-1)?.scheme, 'http', 'V-004')
    assert.equal(seen.at(-1)?.host, 'app.example')
    assert.equal(seen.at(-1)?.clientAddress, '127.0.0.1')
    for (const name of NAMES) assert.equal(seen.at(-1)?.headers.has(name), false, 'nor does the pipeline see it')
  }
})

test('G-02: an empty value and a list are dropped as well', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  await rawRequest(port, get('/x', 'X-Forwarded-For:', 'X-Forwarded-Proto: https, http', 'X-Forwarded-Host:  evil  '))
  for (const name of ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host']) {
    assert.deepEqual(upstream.requests[0]?.values(name), [])
  }
})

test('V-004: the scheme of a rule is not the client’s to choose, unless a trusted proxy says it', async (t) => {
  const untrusted = await startTestProxy(t)
  await rawRequest(untrusted.port, get('/x', 'X-Forwarded-Proto: https'))
  assert.equal(untrusted.seen[0]?.scheme, 'http')
  const trusted = await startTestProxy(t, { options: { trustedProxies: ['127.0.0.0/8'] } })
  for (const [proto, scheme] of [
    ['https', 'https'],
    ['HTTPS', 'https'],
    ['http', 'http'],
    ['ftp', 'http'],
    ['https, http', 'http'],
    ['', 'http'],
  ] as const) {
    await rawRequest(trusted.port, get('/x', `X-Forwarded-Proto: ${proto}`))
    assert.equal(trusted.seen.at(-1)?.scheme, scheme, proto)
  }
})

test('a trusted proxy’s headers arrive, one line each; Forwarded does not, as in Oathkeeper', async (t) => {
  const { port, upstream, seen } = await startTestProxy(t, { options: { trustedProxies: 'all' } })
  await rawRequest(
    port,
    get(
      '/x',
      'X-Forwarded-For: 203.0.113.9',
      'X-Forwarded-For: 198.51.100.7',
      'X-Forwarded-Host: a.example',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Prefix: /p',
      'X-Real-IP: 203.0.113.9',
      'Forwarded: for=1.2.3.4',
    ),
  )
  const request = upstream.requests[0]
  assert.deepEqual(request?.values('x-forwarded-for'), ['203.0.113.9, 198.51.100.7'])
  assert.deepEqual(request?.values('x-forwarded-host'), ['a.example'])
  assert.deepEqual(request?.values('x-forwarded-proto'), ['https'])
  assert.deepEqual(request?.values('x-forwarded-prefix'), ['/p'])
  assert.deepEqual(request?.values('x-real-ip'), ['203.0.113.9'])
  assert.deepEqual(request?.values('forwarded'), [])
  assert.equal(seen[0]?.host, 'app.example', 'the host of a rule is never the forwarded one')
})

test('G-09 V-097: a forwarded header that a trusted proxy repeats is 400', async (t) => {
  const { port, upstream } = await startTestProxy(t, { options: { trustedProxies: 'all' } })
  for (const name of ['X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Port', 'X-Forwarded-Prefix', 'X-Real-IP']) {
    assert.equal(
      (await rawRequest(port, get('/x', `${name}: 1.1.1.1`, `${name.toLowerCase()}: 1.1.1.1`))).status,
      400,
      name,
    )
  }
  assert.equal(upstream.requests.length, 0)
})

test('G-03 G-05 G-06: the client’s address is what trusted hops say, read from the right', async (t) => {
  const cases: [trusted: 'all' | string[], lines: string[], address: string][] = [
    [[], ['X-Forwarded-For: 203.0.113.9'], '127.0.0.1'],
    [['10.0.0.0/8'], ['X-Forwarded-For: 203.0.113.9'], '127.0.0.1'],
    [['127.0.0.1'], ['X-Forwarded-For: 203.0.113.9'], '203.0.113.9'],
    [['127.0.0.1'], ['X-Forwarded-For: 127.0.0.1, 203.0.113.9'], '203.0.113.9'],
    [['127.0.0.1', '10.0.0.0/8'], ['X-Forwarded-For: 198.51.100.1, 203.0.113.9, 10.1.1.1'], '203.0.113.9'],
    [['127.0.0.1'], ['X-Forwarded-For: 198.51.100.1', 'X-Forwarded-For: 203.0.113.9'], '203.0.113.9'],
    [['127.0.0.1'], ['Forwarded: for=198.51.100.1, for="203.0.113.9:4711"'], '203.0.113.9'],
    [['127.0.0.1'], ['Forwarded: for="[2001:db8::1]:4711"'], '2001:db8::1'],
    [['127.0.0.1'], ['X-Forwarded-For: unknown'], '127.0.0.1'],
    [['127.0.0.1'], ['Forwarded: for="a,b"'], '127.0.0.1'],
    [['127.0.0.1'], ['X-Real-IP: 203.0.113.9'], '127.0.0.1'],
    ['all', ['X-Forwarded-For: 198.51.100.1, 203.0.113.9'], '198.51.100.1'],
  ]
  for (const [trustedProxies, lines, address] of cases) {
    const { port, seen, close } = await startTestProxy(t, { options: { trustedProxies } })
    await rawRequest(port, get('/x', ...lines))
    assert.equal(seen[0]?.clientAddress, address, JSON.stringify([trustedProxies, lines]))
    assert.equal(seen[0]?.peerAddress, '127.0.0.1')
    await close()
  }
})

test('G-07: when Forwarded and X-Forwarded-* disagree, the latter count, every time', async (t) => {
  const { port, seen } = await startTestProxy(t, { options: { trustedProxies: ['127.0.0.1'] } })
  const lines = [
    'Forwarded: for=198.51.100.1;proto=https;host=f.example',
    'X-Forwarded-For: 203.0.113.9',
    'X-Forwarded-Proto: http',
  ]
  for (const order of [lines, lines.toReversed()]) {
    await rawRequest(port, get('/x', ...order))
    assert.equal(seen.at(-1)?.clientAddress, '203.0.113.9')
    assert.equal(seen.at(-1)?.scheme, 'http')
  }
})

test('V-032: what is no address is neither used nor passed on, even from a trusted proxy', async (t) => {
  const { port, upstream, seen } = await startTestProxy(t, { options: { trustedProxies: ['127.0.0.1'] } })
  const cases: [sent: string, forwarded: string[]][] = [
    ['unknown', []],
    ['_x', []],
    ['999.1.1.1', []],
    ['"a,b"', []],
    ['<script>, 203.0.113.9', ['203.0.113.9']],
    ['198.51.100.1, unknown, 203.0.113.9', ['203.0.113.9']],
    ['198.51.100.1, 203.0.113.9', ['198.51.100.1, 203.0.113.9']],
  ]
  for (const [sent, forwarded] of cases) {
    await rawRequest(port, get('/x', `X-Forwarded-For: ${sent}`, 'X-Real-IP: _x', 'X-Forwarded-Proto: gopher'))
    assert.deepEqual(upstream.requests.at(-1)?.values('x-forwarded-for'), forwarded, sent)
    assert.deepEqual(upstream.requests.at(-1)?.values('x-real-ip'), [])
    assert.deepEqual(upstream.requests.at(-1)?.values('x-forwarded-proto'), [])
    assert.equal(seen.at(-1)?.clientAddress, forwarded.length === 0 ? '127.0.0.1' : '203.0.113.9')
  }
})

test('V-046 V-088: strip_request_headers removes every spelling, for every method', async (t) => {
  const { port, upstream, seen } = await startTestProxy(t, {
    options: { stripRequestHeaders: ['X-Auth-User', 'Authorization', 'Accept'] },
  })
  const lines = [
    'X-Auth-User: a',
    'x-auth-user: b',
    'X_Auth_User: c',
    'X.Auth.User: d',
    'x-auth_user: e',
    'Authorization: f',
    'Accept: g',
  ]
  for (const method of ['GET', 'OPTIONS', 'POST']) {
    await rawRequest(port, get('/x', ...lines, 'X-Authentic: y').replace('GET', method))
    const head = upstream.requests.at(-1)?.head.toLowerCase() ?? ''
    for (const word of ['auth-user', 'auth_user', 'auth.user', 'authorization', 'accept'])
      assert.ok(!head.includes(word), word)
    assert.ok(head.includes('x-authentic'))
    assert.equal(seen.at(-1)?.headers.has('authorization'), false)
  }
})

test('V-056 V-088: the client’s own X-Groups does not stand in for one that the pipeline did not set', async (t) => {
  const { port, upstream } = await startTestProxy(t, {
    decide: (view, grant) => {
      // What the pipeline does for headers that a mutator owns.
      view.headers.delete('x-groups')
      return grant()
    },
  })
  await rawRequest(port, get('/x', 'X-Groups: admin'))
  assert.deepEqual(upstream.requests[0]?.values('x-groups'), [])
})
