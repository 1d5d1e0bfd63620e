import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { WebSocket, WebSocketServer } from 'ws'
import { logIn, type Product, type ProductOptions, startProduct } from '../support/product.ts'
import { confirmLogout } from '../support/real-provider.ts'
import { startRedisServer, type RedisServer } from '../support/redis-server.ts'
import { until } from '../support/until.ts'
import { Visitor } from '../support/visitor.ts'

/** A second, and twice as long again for whatever else the machine has to do. */
const WITHIN_MS = 3_000

/** An application with a WebSocket, an event stream and an endless download, all at `/reports`. */
const STREAMING: Pick<ProductOptions, 'answer' | 'attach'> = {
  attach: (server: Server) => {
    const sockets = new WebSocketServer({ server })
    sockets.on('connection', (socket) => socket.send('welcome'))
  },
  answer: (request: IncomingMessage, response: ServerResponse) => {
    if (!(request.url ?? '').startsWith('/reports?')) return false
    const isEvents = (request.url ?? '').endsWith('events')
    response.writeHead(200, { 'content-type': isEvents ? 'text/event-stream' : 'application/octet-stream' })
    const write = (): void => void response.write(isEvents ? 'data: tick\n\n' : 'octets')
    write()
    const timer = setInterval(write, 100)
    response.on('close', () => clearInterval(timer))
    return true
  },
}

interface Stream {
  /** When it was over; by `performance.now()`. */
  readonly over: Promise<number>
  /** How: the code of a WebSocket, or whether an answer was complete. */
  how: number | boolean | undefined
  /** Goes away, as a client does. */
  readonly leave: () => void
}

function hostOf(product: Product, instance: number): string {
  return `127.0.0.1:${product.instances[instance]?.ports.proxy ?? 0}`
}

function headersOf(product: Product, visitor: Visitor): Record<string, string> {
  return { host: new URL(product.door).host, cookie: visitor.cookieHeader(new URL(product.door)) }
}

async function openSocket(product: Product, visitor: Visitor, instance: number): Promise<Stream> {
  const socket = new WebSocket(`ws://${hostOf(product, instance)}/reports`, { headers: headersOf(product, visitor) })
  const stream: Stream = {
    how: undefined,
    leave: () => socket.terminate(),
    over: once(socket, 'close').then(([code]) => {
      stream.how = code as number
      return performance.now()
    }),
  }
  await once(socket, 'message')
  return stream
}

async function openAnswer(product: Product, visitor: Visitor, instance: number, what: string): Promise<Stream> {
  const request = get(`http://${hostOf(product, instance)}/reports?${what}`, { headers: headersOf(product, visitor) })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  assert.equal(response.statusCode, 200)
  response.on('error', () => undefined)
  const stream: Stream = {
    how: undefined,
    leave: () => request.destroy(),
    over: new Promise((resolve) => {
      response.resume().on('close', () => {
        stream.how = response.complete
        resolve(performance.now())
      })
    }),
  }
  return stream
}

/** One of each kind at each instance. */
async function openAll(product: Product, visitor: Visitor): Promise<Stream[]> {
  const opened: Stream[] = []
  for (const instance of product.instances.keys()) {
    opened.push(await openSocket(product, visitor, instance))
    for (const what of ['events', 'download']) opened.push(await openAnswer(product, visitor, instance, what))
  }
  return opened
}

/** All are over within the time, which it tells: the WebSockets with their code and the answers cut off. */
async function assertClosed(streams: readonly Stream[], since: number): Promise<number> {
  let last = 0
  for (const stream of streams) {
    const took = (await Promise.race([stream.over, wait(5_000, Number.POSITIVE_INFINITY)])) - since
    assert.ok(took < WITHIN_MS, `closed after ${took} ms`)
    assert.equal(stream.how, typeof stream.how === 'number' ? 1008 : false)
    last = Math.max(last, took)
  }
  return Math.round(last)
}

async function isOpen(streams: readonly Stream[], forMs: number): Promise<boolean> {
  return (await Promise.race([...streams.map(({ over }) => over), wait(forMs, 'open')])) === 'open'
}

async function assertRefused(product: Product, visitor: Visitor): Promise<void> {
  const script = { headers: { accept: 'text/event-stream', 'sec-fetch-mode': 'cors' } }
  assert.equal((await visitor.copy().go(`${product.door}/reports?events`, script)).status, 401)
}

describe('streams of sessions', () => {
  let redis: RedisServer
  before(async () => {
    redis = await startRedisServer()
  })
  after(() => redis.close())

  for (const nearCache of [true, false]) {
    test(`with Redis and ${nearCache ? 'a' : 'no'} near cache, a logout at one instance closes them at both within a second`, async (t) => {
      const store = { type: 'redis', redis: { addr: redis.addr }, near_cache: { enabled: nearCache } }
      await using product = await startProduct({ ...STREAMING, instances: 2, config: { session_store: store } })
      const [ada, alan] = [new Visitor(), new Visitor()]
      await logIn(ada, `${product.door}/me`)
      await logIn(alan, `${product.door}/me`, 'alan')
      const [hers, his] = [await openAll(product, ada), await openAll(product, alan)]
      assert.equal(await isOpen([...hers, ...his], 2_000), true)
      const since = performance.now()
      const leaving = ada.copy()
      await leaving.submit(`${product.door}/.oathkeeper/logout`, {})
      t.diagnostic(`closed after ${await assertClosed(hers, since)} ms`)
      await assertRefused(product, ada)
      assert.equal(await isOpen(his, 1_500), true, 'another person’s go on')
      for (const { leave } of his) leave()
    })
  }

  test('a back-channel logout closes them, with the memory store too', async () => {
    await using product = await startProduct({ ...STREAMING, tellsLogouts: true })
    const ada = new Visitor()
    await logIn(ada, `${product.door}/me`)
    const streams = await openAll(product, ada)
    const question = await ada.follow(`${product.provider.issuer}/session/end`)
    const since = performance.now()
    await confirmLogout(ada, question)
    await assertClosed(streams, since)
    await assertRefused(product, ada)
    const { ports } = product.instances[0] ?? assert.fail()
    await until(2_000, async () => {
      const text = await (await fetch(`http://127.0.0.1:${ports.metrics}/metrics`)).text()
      assert.match(text, /_session_streams 0\n/)
      assert.match(text, /_session_streams_closed_total\{cause="session_ended"\} 3\n/)
    })
  })

  test('the idle timeout and the lifetime close them: what goes over a stream is no use of the session', async () => {
    for (const session of [{ idle_timeout: '3s' }, { lifetime: '3s' }]) {
      await using product = await startProduct({ ...STREAMING, config: { session } })
      const ada = new Visitor()
      await logIn(ada, `${product.door}/me`)
      const begun = performance.now()
      const streams = await openAll(product, ada)
      for (const stream of streams) {
        const lasted = (await Promise.race([stream.over, wait(15_000, Number.POSITIVE_INFINITY)])) - begun
        assert.ok(lasted > 1_500 && lasted < 3_000 + WITHIN_MS, `after ${lasted} ms`)
      }
      await assertRefused(product, ada)
    }
  })

  test('a store that is away for less than the grace closes none, and one that stays away closes all after it', async (t) => {
    const own = await startRedisServer()
    t.after(() => own.close())
    const store = { type: 'redis', redis: { addr: own.addr }, outage: { grace: '3s' } }
    await using product = await startProduct({ ...STREAMING, config: { session_store: store } })
    const ada = new Visitor()
    await logIn(ada, `${product.door}/me`)
    const streams = await openAll(product, ada)
    own.pause()
    assert.equal(await isOpen(streams, 1_500), true)
    own.resume()
    assert.equal(await isOpen(streams, 2_000), true)
    own.pause()
    for (const { over } of streams) await Promise.race([over, wait(15_000).then(() => assert.fail('it is still open'))])
    own.resume()
    await until(10_000, async () => assert.equal((await ada.copy().go(`${product.door}/me`)).status, 200))
  })
})
