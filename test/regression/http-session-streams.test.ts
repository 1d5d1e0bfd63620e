import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { WebSocket, WebSocketServer } from 'ws'
import { get, openRaw } from '../support/raw-client.ts'
import { startTestProxy, type TestProxyOptions } from '../support/test-proxy.ts'
import { until } from '../support/until.ts'

const EVENTS = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
const HANDSHAKE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]

/** Whose sessions are watched, and a hand that ends them. */
function createWatch() {
  const open = new Set<() => void>()
  const seen = { begun: 0, forgotten: 0 }
  return {
    seen,
    open,
    endAll: () => {
      for (const close of open) close()
    },
    watchSession: (ticket: string, close: () => void): (() => void) => {
      assert.equal(ticket, 'ticket')
      seen.begun++
      open.add(close)
      return () => void (open.delete(close) && seen.forgotten++)
    },
  }
}

async function start(t: TestContext, options: TestProxyOptions = {}) {
  const watch = createWatch()
  return { watch, ...(await startTestProxy(t, { watchSession: watch.watchSession, ...options })) }
}

/** A WebSocket server of its own, behind the proxy. */
async function startSocketServer(
  t: TestContext,
): Promise<{ server: Server; sockets: WebSocketServer; origin: string }> {
  const server = createServer()
  const sockets = new WebSocketServer({ server })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const client of sockets.clients) client.terminate()
    server.close()
  })
  return { server, sockets, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

test('an event stream is watched from its beginning, and breaks off when the session ends', async (t) => {
  const { port, upstream, watch, ended } = await start(t)
  upstream.script = (_request, connection) => connection.write(`${EVENTS}9\r\ndata: 1\n\n\r\n`)
  const client = openRaw(port)
  client.write(get('/events'))
  await client.until('data: 1')
  assert.deepEqual([watch.seen.begun, client.isClosed], [1, false])
  watch.endAll()
  await client.closed
  assert.ok(!client.pending.includes('0\r\n\r\n'), 'it must not look complete')
  await upstream.connections[0]?.whenClosed
  await until(1_000, () => assert.deepEqual([ended[0]?.status, watch.open.size], [200, 0]))
})

test('an answer that lasts is watched after a while; one that does not never is', async (t) => {
  const { port, upstream, watch } = await start(t)
  const short = openRaw(port)
  short.write(get('/short'))
  assert.equal((await short.response()).status, 200)
  assert.equal(watch.seen.begun, 0)
  short.destroy()

  upstream.script = (_request, connection) =>
    connection.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n')
  const long = openRaw(port)
  long.write(get('/long'))
  await long.until('x')
  await until(3_000, () => assert.equal(watch.seen.begun, 1))
  assert.equal(long.isClosed, false)
  watch.endAll()
  await long.closed
})

test('E-08: a body that a client goes on sending is watched too, before there is any answer', async (t) => {
  const { port, upstream, watch } = await start(t)
  upstream.script = () => undefined
  const client = openRaw(port)
  client.write('POST /upload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n')
  const sending = setInterval(() => void (client.isClosed || client.write('1\r\nx\r\n')), 50)
  t.after(() => clearInterval(sending))
  await until(3_000, () => assert.equal(watch.seen.begun, 1))
  assert.equal(client.isClosed, false)
  watch.endAll()
  await client.closed
  await upstream.connections[0]?.whenClosed
})

test('a stream that is over by itself is forgotten', async (t) => {
  const { port, upstream, watch } = await start(t)
  upstream.script = (_request, connection) => connection.write(`${EVENTS}9\r\ndata: 1\n\n\r\n0\r\n\r\n`)
  const client = openRaw(port)
  client.write(get('/events'))
  assert.equal((await client.response()).status, 200)
  await until(1_000, () => assert.deepEqual(watch.seen, { begun: 1, forgotten: 1 }))
  client.write(get('/events'))
  assert.equal((await client.response()).status, 200, 'the connection goes on')
})

test('a request that no session let in is not watched', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  upstream.script = (_request, connection) => connection.write(`${EVENTS}9\r\ndata: 1\n\n\r\n`)
  const client = openRaw(port)
  client.write(get('/events'))
  await client.until('data: 1')
  await wait(100)
  assert.equal(client.isClosed, false)
})

test('a WebSocket is closed with a code and a reason when the session ends', async (t) => {
  const { sockets, origin } = await startSocketServer(t)
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`${String(data)}!`)))
  const { port, watch } = await start(t, { target: { origin } })
  const client = new WebSocket(`ws://127.0.0.1:${port}/ws`)
  await once(client, 'open')
  client.send('hello')
  const [echo] = (await once(client, 'message')) as [Buffer]
  assert.equal(String(echo), 'hello!')
  client.send('x'.repeat(100_000))
  await once(client, 'message')
  const closed = once(client, 'close') as Promise<[code: number, reason: Buffer]>
  const atUpstream = once([...sockets.clients][0] ?? assert.fail(), 'close')
  watch.endAll()
  const [code, reason] = await closed
  assert.deepEqual([code, String(reason)], [1008, 'session ended'])
  await atUpstream
  await until(1_000, () => assert.equal(watch.open.size, 0))
})

test('a WebSocket in the middle of a frame is broken off, within the second', async (t) => {
  const { port, upstream, watch } = await start(t)
  upstream.script = (_request, connection) => {
    connection.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    connection.write(Buffer.of(0x81, 100, 0x61))
  }
  const client = openRaw(port)
  client.write(get('/ws', ...HANDSHAKE))
  assert.equal((await client.response()).status, 101)
  await client.until('a')
  watch.endAll()
  await client.closed
  assert.deepEqual([...client.pending], [0x81, 100, 0x61])
  await upstream.connections[0]?.whenClosed
})

test('a client that does not read its close frame loses the connection all the same', async (t) => {
  const { port, upstream, watch } = await start(t)
  upstream.script = (_request, connection) =>
    connection.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  const client = openRaw(port)
  client.write(get('/ws', ...HANDSHAKE))
  assert.equal((await client.response()).status, 101)
  client.socket.pause()
  watch.endAll()
  await until(2_000, () => assert.equal(watch.open.size, 0))
})

test('another protocol is broken off, since nobody knows how it is ended', async (t) => {
  const { port, upstream, watch } = await start(t)
  upstream.script = (_request, connection) =>
    connection.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n')
  const client = openRaw(port)
  client.write(get('/chat', 'Connection: Upgrade', 'Upgrade: chat'))
  assert.equal((await client.response()).status, 101)
  watch.endAll()
  await client.closed
  assert.equal(client.pending.length, 0)
})

test('a session that is over before the upgrade is through gets nothing', async (t) => {
  const { port, upstream } = await startTestProxy(t, { watchSession: findOver })
  upstream.script = (_request, connection) => {
    connection.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    setTimeout(() => connection.write(Buffer.of(0x81, 6, ...Buffer.from('secret'))), 100)
  }
  const client = openRaw(port)
  client.write(get('/ws', ...HANDSHAKE))
  await client.closed
  assert.ok(!client.pending.includes('secret'))
})

function findOver(_ticket: string, close: () => void): () => void {
  queueMicrotask(close)
  return () => undefined
}
