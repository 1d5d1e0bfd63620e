import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { frame, GrpcClient } from '../../test/support/ext-authz.ts'
import { createTestClock, type TestClock } from '../../test/support/test-clock.ts'
import { until } from '../../test/support/until.ts'
import { systemClock } from '../kernel/clock.ts'
import { silentLogger } from '../kernel/logger.ts'
import { createHealthCheck } from './health.ts'
import type { UnaryMethod } from './method.ts'
import type { Peer } from './peer.ts'
import { createGrpcServer, type GrpcServer, type GrpcServerOptions } from './server.ts'
import { GrpcCode, GrpcError } from './status.ts'

const ECHO = '/test.Service/Echo'

interface Setup {
  readonly options?: Partial<GrpcServerOptions>
  readonly methods?: readonly UnaryMethod[]
  readonly clock?: TestClock
  readonly onConnection?: (peer: Peer) => void
}

const echo: UnaryMethod = { path: ECHO, answer: (message) => Buffer.concat([Buffer.from('echo '), message]) }

async function start(
  t: TestContext,
  { options = {}, methods = [echo], clock, onConnection }: Setup = {},
): Promise<{ readonly port: number; readonly server: GrpcServer; readonly client: GrpcClient }> {
  const server = createGrpcServer(
    {
      host: '127.0.0.1',
      port: 0,
      tls: undefined,
      readTimeoutMs: 5_000,
      writeTimeoutMs: 120_000,
      idleTimeoutMs: 120_000,
      maxMessageSize: 1_000,
      trusts: () => true,
      ...options,
    },
    {
      methods,
      clock: clock ?? systemClock,
      logger: silentLogger,
      ...(onConnection !== undefined && { onConnection }),
    },
  )
  const { port } = await server.listen()
  t.after(() => server.close(0))
  const client = new GrpcClient(port, options.tls === undefined ? {} : { ca: options.tls.cert })
  t.after(() => client[Symbol.dispose]())
  return { port, server, client }
}

test('a message is answered by a message', async (t) => {
  const { client } = await start(t)
  const { headers, status, message } = await client.call(ECHO, Buffer.from('hello'))
  assert.equal(headers[':status'], 200)
  assert.equal(headers['content-type'], 'application/grpc')
  assert.equal(status, 0)
  assert.equal(String(message), 'echo hello')
  const empty = await client.call(ECHO, Buffer.alloc(0), { 'content-type': 'application/grpc+proto' })
  assert.equal(String(empty.message), 'echo ')
})

test('a message may come in any number of pieces', async (t) => {
  const { client } = await start(t)
  const whole = frame(Buffer.from('hello'))
  const pieces = [...whole].map((octet) => Buffer.from([octet]))
  assert.equal(String((await client.call(ECHO, pieces)).message), 'echo hello')
})

test('many calls share a connection', async (t) => {
  const { client } = await start(t)
  const answers = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => String((await client.call(ECHO, Buffer.from(String(i)))).message)),
  )
  assert.deepEqual(
    answers,
    Array.from({ length: 200 }, (_, i) => `echo ${i}`),
  )
})

test('what is no call of a method is told so', async (t) => {
  const { client } = await start(t)
  const message = Buffer.from('x')
  assert.equal((await client.call('/test.Service/Other', message)).status, GrpcCode.Unimplemented)
  assert.equal((await client.call(ECHO, message, { 'content-type': 'application/json' })).headers[':status'], 415)
  assert.equal((await client.call(ECHO, message, { 'content-type': 'application/grpcx' })).headers[':status'], 415)
  assert.equal((await client.call(ECHO, [], { ':method': 'GET' })).headers[':status'], 405)
})

test('a message that is compressed, broken, doubled or missing is refused', async (t) => {
  const { client } = await start(t)
  const message = Buffer.from('hello')
  assert.equal((await client.call(ECHO, [frame(message, 1)])).status, GrpcCode.Unimplemented)
  assert.equal((await client.call(ECHO, [frame(message).subarray(0, 7)])).status, GrpcCode.InvalidArgument)
  assert.equal((await client.call(ECHO, [frame(message), frame(message)])).status, GrpcCode.InvalidArgument)
  assert.equal((await client.call(ECHO, [])).status, GrpcCode.InvalidArgument)
})

test('a message above the limit is not waited for', async (t) => {
  const large: UnaryMethod = { ...echo, path: '/test.Service/Large', answerTooLarge: () => Buffer.from('too large') }
  const { client } = await start(t, { methods: [echo, large] })
  assert.equal((await client.call(ECHO, frame(Buffer.alloc(1_000)).subarray(5))).status, 0)
  const prefix = frame(Buffer.alloc(1_001)).subarray(0, 100)
  assert.equal((await client.call(ECHO, [prefix, undefined])).status, GrpcCode.ResourceExhausted)
  const told = await client.call('/test.Service/Large', [prefix, undefined])
  assert.equal(told.status, 0)
  assert.equal(String(told.message), 'too large')
})

test('a method that fails ends its call alone, and tells nothing of what nobody foresaw', async (t) => {
  const known = { ...echo, answer: () => Promise.reject(new GrpcError(GrpcCode.NotFound, 'not there')) }
  const unknown = {
    path: '/test.Service/Broken',
    answer: () => {
      throw new Error('s3cret')
    },
  }
  const { client } = await start(t, { methods: [known, unknown] })
  const told = await client.call(ECHO, Buffer.from('x'))
  assert.deepEqual([told.status, told.statusMessage], [GrpcCode.NotFound, 'not there'])
  const hidden = await client.call('/test.Service/Broken', Buffer.from('x'))
  assert.deepEqual([hidden.status, hidden.statusMessage], [GrpcCode.Internal, 'an internal error occurred'])
})

/** A method that answers when it is told to. */
function slow(): { readonly method: UnaryMethod; readonly asked: Promise<void>; answer(): void } {
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<Buffer>()
  return {
    method: {
      path: ECHO,
      answer: () => {
        asked.resolve()
        return answer.promise
      },
    },
    asked: asked.promise,
    answer: () => answer.resolve(Buffer.from('late')),
  }
}

test('a call ends at the deadline that the caller set, and at the latest at ours', async (t) => {
  for (const [headers, ms] of [
    [{ 'grpc-timeout': '1500m' }, 1_500],
    [{}, 120_000],
    [{ 'grpc-timeout': '9H' }, 120_000],
    [{ 'grpc-timeout': 'soon' }, 120_000],
  ] as const) {
    const clock = createTestClock()
    const { method, asked, answer } = slow()
    const { client } = await start(t, { methods: [method], clock })
    let ended = false
    const call = client.call(ECHO, Buffer.from('x'), headers).finally(() => (ended = true))
    await asked
    clock.advance(ms - 1_100)
    await new Promise((resolved) => setImmediate(resolved))
    assert.equal(ended, false)
    clock.advance(2_100)
    assert.equal((await call).status, GrpcCode.DeadlineExceeded)
    answer()
  }
})

test('a message that does not arrive is not waited for longer than the read timeout', async (t) => {
  const clock = createTestClock()
  const { client } = await start(t, { clock })
  const call = client.call(ECHO, [frame(Buffer.from('hello')).subarray(0, 6), undefined])
  let ended = false
  void call.then(() => (ended = true))
  await until(5_000, () => {
    clock.advance(1_000)
    assert.ok(ended)
  })
  assert.equal((await call).status, GrpcCode.DeadlineExceeded)
})

test('a caller that goes away does no harm', async (t) => {
  const { method, asked, answer } = slow()
  const { port, client } = await start(t, { methods: [method, { ...echo, path: '/test.Service/Fast' }] })
  const gone = new GrpcClient(port)
  void gone.call(ECHO, Buffer.from('x'))
  await asked
  gone.session.destroy()
  await once(gone.session, 'close')
  answer()
  assert.equal((await client.call('/test.Service/Fast', Buffer.from('x'))).status, 0)
})

test('a connection without calls is ended after the idle timeout, whatever is sent to keep it', async (t) => {
  const clock = createTestClock()
  const { client } = await start(t, { clock, options: { idleTimeoutMs: 10_000 } })
  assert.equal((await client.call(ECHO, Buffer.from('x'))).status, 0)
  let closed = false
  client.session.on('close', () => (closed = true))
  await until(5_000, () => {
    if (!client.session.destroyed) client.session.ping(() => {})
    clock.advance(1_000)
    assert.ok(closed)
  })
})

test('what is no HTTP/2 ends its connection alone', async (t) => {
  const { port, client } = await start(t)
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  socket.resume()
  await once(socket, 'close')
  assert.equal((await client.call(ECHO, Buffer.from('x'))).status, 0)
})

test('closing waits for calls under way, and not for ever', async (t) => {
  const { method, asked, answer } = slow()
  const { server, client, port } = await start(t, { methods: [method] })
  const call = client.call(ECHO, Buffer.from('x'))
  await asked
  const closing = server.close(60_000)
  answer()
  assert.equal(String((await call).message), 'late')
  await closing
  await assert.rejects(once(connectHttp2(`http://127.0.0.1:${port}`), 'connect'), { code: 'ECONNREFUSED' })

  const stuck = slow()
  const other = await start(t, { methods: [stuck.method] })
  void other.client.call(ECHO, Buffer.from('x'))
  await stuck.asked
  await other.server.close(0)
})

test('over TLS HTTP/2 is all that is spoken', async (t) => {
  const folder = resolve(import.meta.dirname, '../../test/fixtures/tls')
  const tls = { cert: readFileSync(resolve(folder, 'cert.pem')), key: readFileSync(resolve(folder, 'key.pem')) }
  const { client } = await start(t, { options: { tls } })
  assert.equal(String((await client.call(ECHO, Buffer.from('x'))).message), 'echo x')
  assert.equal(client.session.alpnProtocol, 'h2')
})

test('who is trusted is found out once for a connection', async (t) => {
  const peers: Peer[] = []
  const seen: Peer[] = []
  const method: UnaryMethod = {
    path: ECHO,
    answer: (_, peer) => {
      seen.push(peer)
      return Buffer.alloc(0)
    },
  }
  const { client } = await start(t, {
    methods: [method],
    options: { trusts: (address) => address !== '127.0.0.1' },
    onConnection: (peer) => peers.push(peer),
  })
  await client.call(ECHO, Buffer.from('x'))
  await client.call(ECHO, Buffer.from('x'))
  assert.deepEqual(
    seen.map(({ address, trusted }) => [address, trusted]),
    [
      ['127.0.0.1', false],
      ['127.0.0.1', false],
    ],
  )
  assert.equal(peers.length, 1)
  assert.equal(seen[0], seen[1])
})

test('the health protocol says whether requests can be decided', async (t) => {
  let ready = true
  const health = createHealthCheck({ services: ['a.B'], isReady: () => Promise.resolve(ready) })
  const { client } = await start(t, { methods: [health] })
  const ask = (service: string) =>
    client.call('/grpc.health.v1.Health/Check', Buffer.from([0x0a, service.length, ...Buffer.from(service)]))
  assert.deepEqual((await ask('')).message, Buffer.from([8, 1]))
  assert.deepEqual((await ask('a.B')).message, Buffer.from([8, 1]))
  assert.equal((await ask('other')).status, GrpcCode.NotFound)
  ready = false
  assert.deepEqual((await ask('a.B')).message, Buffer.from([8, 2]))
  const { status } = await client.call('/grpc.health.v1.Health/Check', Buffer.from([0x0a]))
  assert.equal(status, GrpcCode.InvalidArgument)
})
