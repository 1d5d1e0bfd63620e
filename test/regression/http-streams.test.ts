import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { startTestProxy } from '../support/test-proxy.ts'

/** In MiB; 2048 is what the product promises, and takes its time. */
const SIZE = Number(process.env['STREAM_TEST_MIB'] ?? 256) * 1024 * 1024
/** What the whole process, client and upstream included, may grow by. */
const MAX_GROWTH = 128 * 1024 * 1024
const CHUNK = Buffer.alloc(256 * 1024, 'a')

async function startServer(t: TestContext, onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function send(socket: Socket, size: number, progress?: (sent: number) => void): Promise<void> {
  for (let sent = 0; sent < size && !socket.destroyed; sent += CHUNK.length) {
    if (!socket.write(sent + CHUNK.length > size ? CHUNK.subarray(0, size - sent) : CHUNK)) await once(socket, 'drain')
    progress?.(sent)
  }
}

/** Runs `work` and gives by how much memory grew at most meanwhile. */
async function growthDuring(work: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage.rss()
  let most = before
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20)
  await work()
  clearInterval(timer)
  return most - before
}

async function connectTo(t: TestContext, port: number): Promise<Socket> {
  const client = connect({ port, host: '127.0.0.1' })
  client.on('error', () => {})
  t.after(() => client.destroy())
  await once(client, 'connect')
  return client
}

/** Reads that many octets, with a pause now and then; gives how many came. */
function receive(socket: Socket, size: number, pauseEvery: number): Promise<number> {
  return new Promise((resolve) => {
    let got = 0
    let sincePause = 0
    socket.on('data', (chunk) => {
      got += chunk.length
      sincePause += chunk.length
      if (got >= size) resolve(got)
      if (sincePause < pauseEvery) return
      sincePause = 0
      socket.pause()
      setTimeout(() => socket.resume(), 5)
    })
    socket.on('close', () => resolve(got))
  })
}

test('a large download passes in constant memory, at the pace of a slow reader', async (t) => {
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`
  const host = await startServer(t, (socket) => {
    socket.once('data', () => {
      socket.write(head)
      void send(socket, SIZE)
    })
  })
  const { port } = await startTestProxy(t, { target: { origin: `http://${host}`, host } })
  const client = await connectTo(t, port)
  let got = 0
  const growth = await growthDuring(async () => {
    client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n')
    got = await receive(client, SIZE, 8 * 1024 * 1024)
  })
  assert.ok(got >= SIZE, `got ${got}`)
  assert.ok(growth < MAX_GROWTH, `memory grew by ${growth >> 20} MiB`)
})

test('a large upload passes in constant memory, at the pace of a slow upstream', async (t) => {
  let got = 0
  const host = await startServer(t, (socket) => {
    void receive(socket, SIZE, 8 * 1024 * 1024).then((count) => {
      got = count
      return socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
  })
  const { port } = await startTestProxy(t, { target: { origin: `http://${host}`, host } })
  const client = await connectTo(t, port)
  const growth = await growthDuring(async () => {
    client.write(`POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${SIZE}\r\n\r\n`)
    await send(client, SIZE)
    const [answer] = (await once(client, 'data')) as [Buffer]
    assert.match(String(answer), /^HTTP\/1\.1 200 OK/)
  })
  assert.ok(got >= SIZE, `got ${got}`)
  assert.ok(growth < MAX_GROWTH, `memory grew by ${growth >> 20} MiB`)
})

test('an upstream that does not read stops the client, and the deadline ends it', async (t) => {
  const host = await startServer(t, (socket) => void socket.pause())
  const { port } = await startTestProxy(t, {
    target: { origin: `http://${host}`, host },
    options: { upstream: { headersTimeoutMs: 400, bodyTimeoutMs: 400 } },
  })
  const client = await connectTo(t, port)
  client.write(`POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${SIZE}\r\n\r\n`)
  let sent = 0
  const answered = once(client, 'data') as Promise<[Buffer]>
  await Promise.race([send(client, SIZE, (count) => (sent = count)).catch(() => {}), answered])
  const [answer] = await answered
  assert.match(String(answer), /^HTTP\/1\.1 504 /)
  assert.ok(sent < SIZE, `the proxy took ${sent >> 20} MiB that nobody read`)
})
