import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { get, openRaw, type RawClient, rawRequest } from '../support/raw-client.ts'
import { respond } from '../support/raw-upstream.ts'
import { deny, startTestProxy } from '../support/test-proxy.ts'

const HASTY = { timeouts: { readMs: 600, writeMs: 600, idleMs: 600 } }

/** Sends the octets one by one, slower than any deadline would like. */
async function drip(client: RawClient, text: string, everyMs: number): Promise<void> {
  for (const char of text) {
    if (client.isClosed) return
    client.write(char)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}

// They mostly wait: side by side.
describe('deadlines of a client', { concurrency: true }, () => {
  test('V-108: a slow head is answered 408 at the deadline, however it trickles', async (t) => {
    const { port, seen } = await startTestProxy(t, { options: HASTY })
    const client = openRaw(port)
    void drip(client, get('/x', `X: ${'a'.repeat(500)}`), 20)
    const response = await client.response()
    assert.equal(response.status, 408)
    await client.closed
    assert.equal(seen.length, 0)
  })

  test('V-108: a connection that sends nothing at all is closed', async (t) => {
    const { port } = await startTestProxy(t, { options: HASTY })
    const client = openRaw(port)
    await client.closed
  })

  test('V-108: a connection is kept between requests for the idle time, and no longer', async (t) => {
    const { port } = await startTestProxy(t, { options: { timeouts: { readMs: 600, writeMs: 600, idleMs: 1_200 } } })
    const client = openRaw(port)
    client.write(get('/x'))
    await client.response()
    await new Promise((resolve) => setTimeout(resolve, 700))
    client.write(get('/y'))
    assert.equal((await client.response()).status, 200)
    await client.closed
  })

  test('V-053: a body that was announced and does not come is 408, and its slot is free again', async (t) => {
    const { port, upstream, crashes } = await startTestProxy(t, { options: HASTY })
    for (const head of [
      'GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n',
      'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab',
    ]) {
      const client = openRaw(port)
      client.write(head)
      assert.equal((await client.response()).status, 408)
      await client.closed
    }
    assert.equal(upstream.requests.length, 0)
    assert.equal((await rawRequest(port, get('/x'))).status, 200)
    assert.deepEqual(crashes, [])
  })

  test('V-053: the same when a step of the pipeline wants the body', async (t) => {
    const { port } = await startTestProxy(t, {
      options: HASTY,
      decide: async (view, grant) => {
        try {
          await view.readBody(100)
          return grant()
        } catch {
          return deny(view)
        }
      },
    })
    const client = openRaw(port)
    client.write('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab')
    assert.equal((await client.response()).status, 401)
    await client.closed
  })

  test('a slow body whose octets keep coming is not cut', async (t) => {
    const { port, upstream } = await startTestProxy(t, { options: { ...HASTY, upstream: { headersTimeoutMs: 600 } } })
    const client = openRaw(port)
    client.write('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n')
    await drip(client, 'abcdefghijkl', 100)
    assert.equal((await client.response()).status, 200)
    assert.equal(String(upstream.requests[0]?.body), 'abcdefghijkl')
    client.destroy()
  })

  test('V-108: a client that does not read its answer is let go', async (t) => {
    const { port, upstream } = await startTestProxy(t, { options: HASTY })
    upstream.script = (_request, connection) => connection.write(respond('a'.repeat(12_000_000)))
    const client = openRaw(port)
    client.write(get('/x'))
    await client.until('HTTP/1.1 200')
    client.socket.pause()
    await upstream.connections[0]?.whenClosed
    client.destroy()
  })

  test('V-108: the same when it had asked to upgrade the connection', async (t) => {
    const { port, upstream } = await startTestProxy(t, { options: HASTY })
    upstream.script = (_request, connection) => connection.write(respond('a'.repeat(12_000_000)))
    const client = openRaw(port)
    client.write(get('/x', 'Connection: Upgrade', 'Upgrade: h2c'))
    await client.until('HTTP/1.1 200')
    client.socket.pause()
    await upstream.connections[0]?.whenClosed
    client.destroy()
  })

  test('an answer that a slow client keeps reading is not cut', async (t) => {
    const { port, upstream } = await startTestProxy(t, { options: { timeouts: { ...HASTY.timeouts, writeMs: 1_200 } } })
    const size = 12_000_000
    upstream.script = (_request, connection) => connection.write(respond('a'.repeat(size)))
    const client = openRaw(port)
    client.write(get('/x'))
    let got = 0
    client.socket.on('data', (chunk) => {
      got += chunk.length
      client.socket.pause()
      setTimeout(() => client.socket.resume(), got < 3_000_000 ? 50 : 0)
    })
    const response = await client.response()
    assert.equal(response.body.length, size)
    client.destroy()
  })

  test('an event stream may be silent longer than any deadline', async (t) => {
    const { port, upstream } = await startTestProxy(t, {
      options: { ...HASTY, upstream: { headersTimeoutMs: 5_000, bodyTimeoutMs: 300 } },
    })
    upstream.script = async (_request, connection) => {
      connection.write(
        'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n',
      )
      for (const event of ['a', 'b']) {
        await new Promise((resolve) => setTimeout(resolve, 1_000))
        connection.write(`9\r\ndata: ${event}\n\n\r\n`)
      }
    }
    const client = openRaw(port)
    client.write(get('/events'))
    const begun = Date.now()
    await client.until('\r\n\r\n')
    assert.ok(Date.now() - begun < 900, 'the head is not kept waiting for the first event')
    await client.until('data: a')
    assert.ok(!client.pending.includes('data: b'), 'each event is passed on at once')
    await client.until('data: b')
    client.destroy()
  })
})

test('V-108: five hundred slow connections do not slow down the others', async (t) => {
  const { port } = await startTestProxy(t, { options: { timeouts: { readMs: 2_000 } } })
  const slow = Array.from({ length: 500 }, () => openRaw(port))
  await Promise.all(slow.map((client) => once(client.socket, 'connect')))
  for (const client of slow) client.write('GET /x HTTP/1.1\r\nX: ')
  const begun = Date.now()
  for (let i = 0; i < 20; i++) assert.equal((await rawRequest(port, get('/x'))).status, 200)
  assert.ok(Date.now() - begun < 1_000)
  await Promise.all(slow.map((client) => client.closed))
})

test('FM-35: when descriptors run out, load is shed and service comes back', async () => {
  // A process of its own, for the limit is the process's.
  const child = spawn(
    'bash',
    ['-c', `ulimit -n 64; exec "${process.execPath}" "${import.meta.dirname}/../fixtures/descriptors.ts"`],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  const [first] = (await once(child.stdout, 'data')) as [Buffer]
  const port = Number(String(first))
  const crowd = Array.from({ length: 150 }, () => openRaw(port))
  await new Promise((resolve) => setTimeout(resolve, 300))
  for (const client of crowd) client.destroy()
  let status = 0
  for (let i = 0; i < 50 && status !== 200; i++) {
    status = await rawRequest(port, get('/x')).then(
      (response) => response.status,
      () => 0,
    )
    if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.equal(status, 200)
  assert.equal(child.exitCode, null, 'the process is still there')
  child.kill()
  await once(child, 'exit')
})
