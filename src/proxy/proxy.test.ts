import assert from 'node:assert/strict'
import { test } from 'node:test'
import { get, openRaw, post, rawRequest } from '../../test/support/raw-client.ts'
import { respond } from '../../test/support/raw-upstream.ts'
import { deny, startTestProxy } from '../../test/support/test-proxy.ts'

test('a granted request arrives at the upstream with the headers of the pipeline', async (t) => {
  const { port, upstream } = await startTestProxy(t, { headers: { 'X-User': 'guest' } })
  const response = await rawRequest(port, get('/a?b=c', 'X-User: root', 'x-CUSTOM: 1'))
  assert.equal(response.status, 200)
  assert.equal(String(response.body), 'upstream')
  const [request] = upstream.requests
  assert.equal(request?.target, '/a?b=c')
  assert.equal(request?.header('host'), upstream.host)
  assert.deepEqual(request?.values('x-user'), ['guest'])
  assert.match(request?.head ?? '', /\r\nx-CUSTOM: 1(\r\n|$)/)
})

test('a refused request gets the reply of the pipeline and never arrives', async (t) => {
  const { port, upstream } = await startTestProxy(t, { decide: (view) => deny(view) })
  const response = await rawRequest(port, get('/a'))
  assert.equal(response.status, 401)
  assert.equal(String(response.body), 'ERR_CREDENTIALS_INVALID')
  assert.equal(response.header('referrer-policy'), 'no-referrer')
  assert.equal(upstream.connections.length, 0)
})

test('a body arrives once and byte-identical, and the connection is used again', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  const client = openRaw(port)
  client.write(post('/a', 'hello'))
  assert.equal((await client.response()).status, 200)
  client.write(post('/b', 'world'))
  assert.equal((await client.response()).status, 200)
  client.write(get('/c'))
  assert.equal((await client.response()).status, 200)
  assert.deepEqual(
    upstream.requests.map((request) => [request.target, String(request.body)]),
    [
      ['/a', 'hello'],
      ['/b', 'world'],
      ['/c', ''],
    ],
  )
  assert.equal(upstream.connections.length, 1)
  client.destroy()
})

test('a rule without upstream is refused through the gate', async (t) => {
  const { port } = await startTestProxy(t, { target: { origin: '' } })
  const response = await rawRequest(port, get('/a'))
  assert.equal(response.status, 500)
  assert.equal(String(response.body), 'ERR_UPSTREAM_UNDEFINED')
})

test('an upstream that is down is 502 with an empty body', async (t) => {
  const { port } = await startTestProxy(t, { target: { origin: 'http://127.0.0.1:1' } })
  const response = await rawRequest(port, get('/a'))
  assert.equal(response.status, 502)
  assert.equal(response.body.length, 0)
})

test('a chunked answer streams with its trailers', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  upstream.script = (_request, connection) =>
    connection.write(
      'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n',
    )
  const client = openRaw(port)
  client.write(get('/a'))
  await client.until('X-Sum: 9\r\n\r\n')
  assert.match(String(client.pending), /3\r\nabc\r\n/)
  client.destroy()
})

test('local routes are answered before the gate is asked', async (t) => {
  const { port, seen } = await startTestProxy(t, {
    local: {
      handles: (path) => path.startsWith('/.oathkeeper/'),
      handle: async (view) => ({ status: 200, headers: [], body: String(await view.readBody(100)) }),
    },
  })
  const response = await rawRequest(port, post('/.oathkeeper/logout', 'a=b'))
  assert.equal(String(response.body), 'a=b')
  assert.equal(seen.length, 0)
})

test('upstream answers keep their headers, without those of the hop', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  upstream.script = (_request, connection) =>
    connection.write(
      respond('x', 'Set-Cookie: a=1', 'set-cookie: b=2', 'Connection: keep-alive, X-Hop', 'X-Hop: 1', 'Server: s'),
    )
  const response = await rawRequest(port, get('/a'))
  assert.deepEqual(
    response.headers.filter(([name]) => name.toLowerCase() === 'set-cookie').map(([, value]) => value),
    ['a=1', 'b=2'],
  )
  assert.equal(response.header('x-hop'), undefined)
  assert.equal(response.header('server'), 's')
})
