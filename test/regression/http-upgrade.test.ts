import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { get, openRaw, rawRequest } from '../support/raw-client.ts'
import { respond, type UpstreamScript } from '../support/raw-upstream.ts'
import { deny, startTestProxy } from '../support/test-proxy.ts'

const HANDSHAKE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]
const SWITCHED =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n'

const echo: UpstreamScript = (_request, connection) => {
  connection.write(SWITCHED)
  connection.socket.on('data', (chunk) => connection.socket.write(chunk))
}

test('a granted upgrade becomes a tunnel, octet for octet and in both directions', async (t) => {
  const { port, upstream, ended } = await startTestProxy(t, { headers: { 'X-User': 'guest' } })
  upstream.script = echo
  const client = openRaw(port)
  client.write(`${get('/ws?a=b', ...HANDSHAKE, 'X-User: root', 'Cookie: oathkeeper=ticket; a=1')}early`)
  const response = await client.response()
  assert.equal(response.status, 101)
  assert.equal(response.header('upgrade'), 'websocket')
  assert.equal(response.header('sec-websocket-accept'), 'x')
  await client.until('early')
  client.write('\u0000\u00ffmore\r\n\r\n')
  await client.until('more\r\n\r\n')
  const [request] = upstream.requests
  assert.equal(request?.target, '/ws?a=b')
  assert.deepEqual(request?.values('x-user'), ['guest'])
  assert.deepEqual(request?.values('cookie'), ['a=1'])
  assert.deepEqual(request?.values('upgrade'), ['websocket'])
  assert.equal(request?.header('sec-websocket-key'), 'dGhlIHNhbXBsZSBub25jZQ==')
  client.destroy()
  while (ended.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(ended[0]?.status, 101)
})

test('the end of either side ends the other', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  upstream.script = echo
  const first = openRaw(port)
  first.write(get('/ws', ...HANDSHAKE))
  await first.response()
  first.destroy()
  await upstream.connections[0]?.whenClosed

  const second = openRaw(port)
  second.write(get('/ws', ...HANDSHAKE))
  await second.response()
  upstream.connections[1]!.socket.end('bye')
  await second.until('bye')
  await second.closed
})

test('F-32 V-064: a handshake passes the gate before anything is switched', async (t) => {
  const { port, upstream } = await startTestProxy(t, { decide: (view) => deny(view) })
  const client = openRaw(port)
  client.write(get('/ws', ...HANDSHAKE))
  const response = await client.response()
  assert.equal(response.status, 401)
  await client.closed
  assert.equal(upstream.connections.length, 0)
})

test('F-32: a page of another origin cannot open a connection with somebody’s session', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  upstream.script = echo
  const session = 'Cookie: a=1; oathkeeper=ticket'
  const cases: [lines: string[], status: number][] = [
    [['Origin: https://evil.example', session], 403],
    [['Origin: null', session], 403],
    [['Origin: http://app.example.evil', session], 403],
    [['Origin: http://app.example', session], 101],
    [['Origin: http://APP.example', session], 101],
    [[session], 101],
    [['Origin: https://evil.example', 'Authorization: Bearer x'], 101],
  ]
  for (const [lines, status] of cases) {
    assert.equal((await rawRequest(port, get('/ws', ...HANDSHAKE, ...lines))).status, status, String(lines))
  }
  assert.equal(upstream.requests.length, 4)
})

test('F-32: behind a gateway with TLS that is not trusted, the origin that browsers see is our own', async (t) => {
  const { port, upstream } = await startTestProxy(t, {
    options: { publicOrigin: (host) => (host === 'app.example' ? 'https://app.example' : undefined) },
  })
  upstream.script = echo
  const session = 'Cookie: oathkeeper=ticket'
  for (const [origin, status] of [
    ['https://app.example', 101],
    ['http://app.example', 101],
    ['https://app.example.evil', 403],
    ['https://app.example:8443', 403],
    ['https://other.example', 403],
  ] as const) {
    assert.equal(
      (await rawRequest(port, get('/ws', ...HANDSHAKE, `Origin: ${origin}`, session))).status,
      status,
      origin,
    )
  }
  const elsewhere = get('/ws', ...HANDSHAKE, 'Origin: https://app.example', session).replace(
    'app.example',
    'other.example',
  )
  assert.equal((await rawRequest(port, elsewhere)).status, 403, 'of another host it is a page like any other')
})

test('F-32: with a list of origins every page must be on it', async (t) => {
  const { port, upstream } = await startTestProxy(t, {
    options: { upgradeOrigins: new Set(['https://friend.example']) },
  })
  upstream.script = echo
  const cases: [origin: string, status: number][] = [
    ['https://evil.example', 403],
    ['https://friend.example', 101],
    ['http://app.example', 101],
  ]
  for (const [origin, status] of cases) {
    assert.equal((await rawRequest(port, get('/ws', ...HANDSHAKE, `Origin: ${origin}`))).status, status, origin)
  }
  assert.equal((await rawRequest(port, get('/ws', ...HANDSHAKE))).status, 101)
})

test('V-063: an upstream that refuses leaves no tunnel behind', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  for (const status of ['200 OK', '403 Forbidden', '426 Upgrade Required']) {
    upstream.script = (_request, connection) =>
      connection.write(`HTTP/1.1 ${status}\r\nContent-Length: 2\r\nX-Why: y\r\n\r\nno`)
    const before = upstream.requests.length
    const client = openRaw(port)
    client.write(get('/ws', ...HANDSHAKE))
    const response = await client.response()
    assert.equal(response.status, Number(status.slice(0, 3)))
    assert.equal(String(response.body), 'no')
    assert.equal(response.header('x-why'), 'y')
    client.write(get('/admin'))
    await client.closed
    assert.equal(upstream.requests.length, before + 1)
    client.destroy()
  }
})

test('F-26: only a protocol that was offered is switched to', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  for (const answer of [
    SWITCHED.replace('Upgrade: websocket', 'Upgrade: other'),
    SWITCHED.replace('Upgrade: websocket\r\n', ''),
  ]) {
    upstream.script = (_request, connection) => connection.write(answer)
    const client = openRaw(port)
    client.write(get('/ws', ...HANDSHAKE))
    assert.equal((await client.response()).status, 502)
    await client.closed
    client.destroy()
  }
})

test('F-26: h2c is never offered to the upstream; the request is served as it is', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  for (const upgrade of ['h2c', 'H2C', 'HTTP/2.0', 'TLS/1.0', 'h2c, HTTP/2.0']) {
    const lines = [
      'Connection: Upgrade, HTTP2-Settings',
      `Upgrade: ${upgrade}`,
      'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
    ]
    const client = openRaw(port)
    client.write(get('/x', ...lines))
    const response = await client.response()
    assert.equal(response.status, 200)
    assert.equal(String(response.body), 'upstream')
    await client.closed
    const request = upstream.requests.at(-1)
    for (const name of ['upgrade', 'http2-settings']) assert.deepEqual(request?.values(name), [])
    client.destroy()
  }
  upstream.script = echo
  await rawRequest(port, get('/ws', ...HANDSHAKE.slice(2), 'Connection: Upgrade', 'Upgrade: h2c, websocket'))
  assert.deepEqual(upstream.requests.at(-1)?.values('upgrade'), ['websocket'])
})

test('a long answer to a request that asked for h2c arrives whole', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  upstream.script = (_request, connection) => connection.write(respond('a'.repeat(5_000_000)))
  const response = await rawRequest(port, get('/x', 'Connection: Upgrade', 'Upgrade: h2c'))
  assert.equal(response.body.length, 5_000_000)
})

test('Upgrade without Connection, or the other way round, is a plain request', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  for (const lines of [['Upgrade: websocket'], ['Connection: Upgrade']]) {
    const response = await rawRequest(port, get('/x', ...lines))
    assert.equal(response.status, 200)
    assert.deepEqual(upstream.requests.at(-1)?.values('upgrade'), [])
  }
})

test('V-062: an upgrade with a body is refused and nothing behind it is served', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  for (const body of ['Content-Length: 3\r\n\r\nabc', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n']) {
    const client = openRaw(port)
    client.write(`POST /ws HTTP/1.1\r\nHost: a\r\n${HANDSHAKE.join('\r\n')}\r\n${body}${get('/admin')}`)
    assert.equal((await client.response()).status, 400)
    await client.closed
    client.destroy()
  }
  assert.equal(upstream.requests.length, 0)
})

test('V-112: an Upgrade value cannot bring another header along', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  const response = await rawRequest(port, get('/ws', 'Connection: Upgrade', 'Upgrade: x\r\n Evil: 1'))
  assert.equal(response.status, 400)
  upstream.script = (_request, connection) => connection.write(respond('plain'))
  await rawRequest(port, get('/ws', 'Connection: Upgrade', 'Upgrade: a b; c'))
  assert.ok(!upstream.connections.some((connection) => connection.received.includes('Evil')))
})

test('a tunnel waits for the slower side', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  const total = 64 * 1024 * 1024
  let sent = 0
  upstream.script = async (_request, connection) => {
    connection.write(SWITCHED)
    const chunk = Buffer.alloc(65_536)
    for (; sent < total && !connection.closed; sent += chunk.length) {
      if (!connection.socket.write(chunk)) await once(connection.socket, 'drain').catch(() => {})
    }
  }
  const client = openRaw(port)
  client.write(get('/ws', ...HANDSHAKE))
  await client.response()
  client.socket.pause()
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.ok(sent < total, `the tunnel took ${sent} octets that nobody read`)
  client.destroy()
})

test('FM-27: closing ends tunnels and idle connections within the grace', async (t) => {
  const { port, upstream, close } = await startTestProxy(t)
  upstream.script = echo
  const tunnel = openRaw(port)
  tunnel.write(get('/ws', ...HANDSHAKE))
  await tunnel.response()
  const idle = openRaw(port)
  await once(idle.socket, 'connect')
  await close(100)
  await Promise.all([tunnel.closed, idle.closed])
})

test('FM-27: closing lets an exchange finish', async (t) => {
  const { port, upstream, close } = await startTestProxy(t)
  const answers: (() => void)[] = []
  upstream.script = (_request, connection) => void answers.push(() => connection.write(respond('done')))
  const client = openRaw(port)
  client.write(get('/x'))
  await upstream.arrived(1)
  const closing = close(3_000)
  setTimeout(() => answers[0]?.(), 50)
  const response = await client.response()
  assert.equal(String(response.body), 'done')
  await Promise.all([closing, client.closed])
})
