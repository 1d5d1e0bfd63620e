import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { createOutbound, OutboundError, type OutboundFailure } from './outbound.ts'

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

function create(t: TestContext, timeoutMs = 5000) {
  const outbound = createOutbound({ timeoutMs, maxBytes: 1000 })
  t.after(() => outbound.close())
  return outbound
}

const failsAs = (kind: OutboundFailure) => (error: unknown) => error instanceof OutboundError && error.kind === kind

test('gives status, media type and body of any answer', async (t) => {
  const url = await serve(t, (request, response) => {
    response.writeHead(418, { 'content-type': 'Application/JSON; charset=utf-8' })
    response.end(`${request.method} ${request.headers['accept-encoding']}`)
  })
  const { status, mediaType, body } = await create(t).call(url, { method: 'POST', body: 'x' })
  assert.deepEqual([status, mediaType, Buffer.from(body).toString()], [418, 'application/json', 'POST identity'])
})

for (const status of [301, 302, 303, 307, 308]) {
  test(`A-34: a ${status} is not followed`, async (t) => {
    let asked = 0
    const canary = await serve(t, (_request, response) => {
      asked++
      response.end()
    })
    const url = await serve(t, (_request, response) => response.writeHead(status, { location: canary }).end())
    assert.equal((await create(t).call(url, { method: 'POST', body: 'secret' })).status, status)
    assert.equal(asked, 0)
  })
}

test('an answer over the size is refused, with and without a declared length', async (t) => {
  const declared = await serve(t, (_request, response) => response.end('x'.repeat(1001)))
  const endless = await serve(t, (_request, response) => {
    const timer = setInterval(() => response.write('x'.repeat(400)), 1)
    response.on('close', () => clearInterval(timer))
  })
  const outbound = create(t)
  await assert.rejects(outbound.call(declared, { method: 'GET' }), failsAs('too_large'))
  await assert.rejects(outbound.call(endless, { method: 'GET' }), failsAs('too_large'))
})

test('V-114: an encoded answer is refused unread, however it is stacked', async (t) => {
  const bomb = gzipSync(Buffer.alloc(900_000))
  for (const encoding of ['gzip', 'gzip, gzip, gzip', 'br']) {
    const url = await serve(t, (_request, response) => {
      response.writeHead(200, { 'content-encoding': encoding })
      response.end(bomb)
    })
    await assert.rejects(create(t).call(url, { method: 'GET' }), failsAs('encoded'))
  }
})

test('H-04: silence, a trickle and endless interim answers end at the deadline', async (t) => {
  const silent = await serve(t, () => {})
  const trickle = await serve(t, (_request, response) => {
    const timer = setInterval(() => response.write('x'), 20)
    response.on('close', () => clearInterval(timer))
  })
  const interim = await serve(t, (_request, response) => {
    const timer = setInterval(() => response.writeProcessing(), 20)
    response.on('close', () => clearInterval(timer))
  })
  const outbound = create(t, 150)
  for (const url of [silent, trickle, interim]) {
    await assert.rejects(outbound.call(url, { method: 'GET' }), failsAs('timeout'))
  }
})

test('an unsolicited 101, a refused connection and a cut body are unreachable', async (t) => {
  const switching = await serve(t, (request) => {
    request.socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n')
  })
  const cut = await serve(t, (_request, response) => {
    response.writeHead(200, { 'content-length': '10' })
    response.write('12345', () => response.destroy())
  })
  const outbound = create(t)
  for (const url of [switching, cut, 'http://127.0.0.1:1/']) {
    await assert.rejects(outbound.call(url, { method: 'GET' }), failsAs('unreachable'))
  }
})

test('the message of a failure holds no query', async (t) => {
  await assert.rejects(create(t).call('http://127.0.0.1:1/a?code=s3cret', { method: 'GET' }), (error: Error) => {
    assert.match(error.message, /^http:\/\/127\.0\.0\.1:1\/a could not be asked \(ECONNREFUSED\)$/)
    return true
  })
})

test('a check before sending: what it throws is thrown, and not one byte left', async (t) => {
  let asked = 0
  const url = await serve(t, (request, response) => {
    asked++
    request.resume().on('end', () => response.end('done'))
  })
  const outbound = create(t)
  const call = (beforeSend: () => void) => outbound.call(url, { method: 'POST', body: 'secret', beforeSend })
  const refusal = new Error('not any more')
  const refuse = () => {
    throw refusal
  }
  await assert.rejects(call(refuse), refusal)
  assert.equal((await call(() => undefined)).status, 200)
  await assert.rejects(call(refuse), refusal)
  assert.equal((await call(() => undefined)).status, 200)
  assert.equal(asked, 2)
})

test('the check is made when there is a connection, not when the call is made', async (t) => {
  const gate = Promise.withResolvers<void>()
  const url = await serve(t, async (_request, response) => {
    await gate.promise
    response.end()
  })
  const outbound = createOutbound({ timeoutMs: 5000, maxBytes: 1000, connections: 1 })
  t.after(() => outbound.close())
  const first = outbound.call(url, { method: 'POST', body: 'x' })
  let isAllowed = true
  const second = outbound.call(url, {
    method: 'POST',
    body: 'x',
    beforeSend() {
      if (!isAllowed) throw new Error('not any more')
    },
  })
  isAllowed = false
  gate.resolve()
  await first
  await assert.rejects(second, { message: 'not any more' })
})

test('through a proxy: plain calls are asked of it whole, tunnels are opened through it, and its answers are not ours', async (t) => {
  const seen: string[] = []
  const target = await serve(t, (request, response) => response.end(`${request.url} ${request.headers['x-two']}`))
  const { host, port } = new URL(target)
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`)
    response.end('from the proxy')
  })
  server.on('connect', (request, socket) => {
    seen.push(`CONNECT ${request.url}`)
    const through = connect(Number(port), '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
    socket.pipe(through).pipe(socket)
    for (const one of [socket, through]) one.on('error', () => [socket, through].forEach((each) => each.destroy()))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const proxy = `http://me:pass@127.0.0.1:${(server.address() as AddressInfo).port}/`
  const proxyFor = (origin: string): string | undefined => (origin.endsWith(host) ? undefined : proxy)
  const outbound = createOutbound({ timeoutMs: 5000, maxBytes: 1000, proxyFor })
  t.after(() => outbound.close())
  const text = async (url: string): Promise<string> =>
    Buffer.from((await outbound.call(url, { method: 'GET', headers: ['x-two', 'a', 'x-two', 'b'] })).body).toString()
  assert.equal(await text(`${target}direct`), '/direct a, b')
  assert.equal(await text('http://keys.example/jwks?a=b'), 'from the proxy')
  assert.deepEqual(seen, ['GET http://keys.example/jwks?a=b Basic bWU6cGFzcw=='])
  await assert.rejects(outbound.call('https://keys.example/', { method: 'GET' }), failsAs('unreachable'))
  assert.deepEqual(seen[1], 'CONNECT keys.example:443')
})
