// The process itself: it is stopped, it is blocked, it is flooded.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket, WebSocketServer } from 'ws'
import { MemoryStore } from '../../src/sessions/memory.ts'
import { eventually } from '../support/eventually.ts'
import { assertWorks, logged, MODES, startFaultScene } from '../support/fault-scene.ts'
import { assertFlat } from '../support/flat-memory.ts'
import { startOathkeeper, type OathkeeperSetup } from '../support/oathkeeper.ts'
import { openRaw, rawRequest } from '../support/raw-client.ts'
import { rule, startRawProduct } from '../support/raw-product.ts'
import { tellRecovery } from '../support/recovery.ts'
import { createTestClock } from '../support/test-clock.ts'
import { timed } from '../support/until.ts'
import { Visitor } from '../support/visitor.ts'

describe('a graceful stop', { concurrency: 2 }, () => {
  let upstream: Server
  let sockets: WebSocketServer
  const held: ServerResponse[] = []

  before(async () => {
    upstream = createServer((_request, response) => void held.push(response)).listen(0, '127.0.0.1')
    sockets = new WebSocketServer({ server: upstream })
    await once(upstream, 'listening')
  })
  after(() => {
    sockets.close()
    upstream.closeAllConnections()
    upstream.close()
  })

  const setup = (): OathkeeperSetup => ({
    config: {
      authenticators: { noop: { enabled: true } },
      authorizers: { allow: { enabled: true } },
      mutators: { noop: { enabled: true } },
    },
    rules: [
      {
        id: 'all',
        match: { url: 'http://<[^/]+>/<.*>', methods: ['GET'] },
        authenticators: [{ handler: 'noop' }],
        authorizer: { handler: 'allow' },
        mutators: [{ handler: 'noop' }],
        upstream: { url: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` },
      },
    ],
  })

  test('FM-27: SIGTERM takes no new work, finishes what is under way, and ends with 0', async () => {
    const app = await startOathkeeper(setup())
    const slow = fetch(`${app.proxyUrl}/slow`).then((answer) => answer.text())
    const response = await eventually(
      () => held.pop(),
      (one) => one !== undefined,
      5000,
    )
    const stopping = app.stop()
    await eventually(
      () => canConnect(app.ports.proxy),
      (can) => !can,
      5000,
    )
    const health = await fetch(`${app.apiUrl}/health/ready`).then(
      ({ status }) => status,
      () => 'refused',
    )
    assert.notEqual(health, 200, 'nobody sends it new work')
    response?.end('finished')
    assert.equal(await slow, 'finished')
    const { value: code, ms } = await timed(() => stopping)
    assert.equal(code, 0)
    assert.ok(ms < 5000, `took ${ms} ms`)
    tellRecovery('FM-27', ms, '(from the last answer to the exit)')
  })

  test('FM-27: an open WebSocket does not keep a stopping process for ever', async () => {
    const app = await startOathkeeper(setup())
    const socket = new WebSocket(`${app.proxyUrl.replace('http', 'ws')}/socket`)
    await once(socket, 'open')
    const closed = once(socket, 'close')
    socket.on('error', () => undefined)
    const { value: code, ms } = await timed(() => app.stop())
    assert.equal(code, 0)
    assert.ok(ms < 20_000, `took ${ms} ms`)
    await closed
    tellRecovery('FM-27', ms, '(with an open WebSocket, from SIGTERM to the exit)')
  })
})

for (const mode of MODES) {
  test(`FM-28: the process stands still: no deadline of the store passes unheard, and it is told (${mode})`, async (t) => {
    // Longer than a busy machine keeps Redis from answering, and shorter than we keep ourselves.
    const scene = await startFaultScene(t, { mode, direct: true, redisConfig: { timeout: { command: '1s' } } })
    const { product } = scene
    for (const [round, blockedMs] of [1_300, 2_200].entries()) {
      await scene.touch()
      const answers = Array.from({ length: 20 }, () => scene.ask('/strict'))
      const health = scene.ready()
      await sleep(round)
      const end = performance.now() + blockedMs
      while (performance.now() < end);
      assert.deepEqual(new Set((await Promise.all(answers)).map(({ status }) => status)), new Set([200]))
      assert.equal((await health).status, 200)
      tellRecovery('FM-28', performance.now() - end, `(${mode}, until all who waited were answered)`)
    }
    assert.ok((await scene.metric('nodejs_eventloop_lag_max_seconds')) > 0.5)
    await logged(scene, 'the process stood still')
    assert.doesNotMatch(product.log(), /session store is down/)
    await assertWorks(scene)
  })
}

test('FM-28: expensive requests in number hold up neither health nor sessions', async (t) => {
  const product = await startRawProduct(t, {
    config: { log: { level: 'error' } },
    rules: ({ door, upstream }) => [
      ...Array.from({ length: 20 }, (_, i) => rule(`r${i}`, `${door}/x${i}<(a+)+(b|c+)*>$`, upstream)),
      rule('members', `${door}/<me>`, upstream),
    ],
  })
  const { cookie } = await product.signIn()
  const { host, proxyPort, apiPort } = product
  const burning = new AbortController()
  const burners = Array.from({ length: 8 }, async (_, i) => {
    while (!burning.signal.aborted)
      await rawRequest(proxyPort, `GET /x${i}${'a'.repeat(8_000)}! HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  })
  try {
    for (let i = 0; i < 10; i++) {
      const begun = performance.now()
      assert.equal((await rawRequest(apiPort, 'GET /health/alive HTTP/1.1\r\nHost: a\r\n\r\n')).status, 200)
      assert.equal((await rawRequest(proxyPort, `GET /me HTTP/1.1\r\nHost: ${host}\r\n${cookie}\r\n\r\n`)).status, 200)
      assert.ok(performance.now() - begun < 3_000, `took ${performance.now() - begun} ms`)
    }
  } finally {
    burning.abort()
    await Promise.all(burners)
  }
})

test('FM-29 V-077 V-078: a flood of logins that nobody finishes is bounded, and pushes out nobody else’s', async (t) => {
  const product = await startRawProduct(t, {
    config: {
      session_store: { memory: { max_states: 200 } },
      serve: { proxy: { trusted_proxies: ['127.0.0.1/32'] } },
      log: { level: 'error' },
    },
  })
  const { host, proxyPort, door } = product
  const ada = new Visitor()
  const home = { 'x-forwarded-for': '203.0.113.7' }
  const begun = await ada.go(`${door}/.oathkeeper/login?return_to=/me`, { headers: home })
  const flood = async (address: string, count: number): Promise<void> => {
    const client = openRaw(proxyPort)
    for (let i = 0; i < count; i++) {
      client.write(`GET /.oathkeeper/login HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-For: ${address}\r\n\r\n`)
      assert.equal((await client.response()).status, 302)
    }
    client.destroy()
  }
  const floods = async (requests: number): Promise<void> =>
    void (await Promise.all([
      flood('198.51.100.1', requests / 2),
      flood('198.51.100.2', requests / 4),
      flood('2001:db8::1', requests / 8),
      flood('2001:db8::2', requests / 8),
    ]))
  t.diagnostic(await assertFlat(2_000, floods))
  const { ms } = await timed(async () => {
    const authorized = await ada.go(begun.headers['location'] ?? '')
    const done = await ada.go(authorized.headers['location'] ?? '', { headers: home })
    assert.equal(done.status, 302)
    assert.equal((await ada.go(`${door}/me`)).status, 200)
  })
  tellRecovery('FM-29', ms, '(a login that was begun before the flood)')
})

test('FM-29: a million login states and a hundred thousand sessions in memory stay within their bounds', async (t) => {
  const clock = createTestClock()
  const store = new MemoryStore({ maxSessions: 10_000, maxStates: 10_000 }, clock)
  t.after(() => store.close())
  const end = clock.now() + 600_000
  const value = new Uint8Array(64)
  let made = 0
  const flood = async (): Promise<void> => {
    for (const until = made === 0 ? 100_000 : 1_000_000; made < until; made++) {
      store.putState(`state-${made}`, value, end, `address-${made % 1000}`)
      if (made % 10 === 0) store.createSession(`session-${made}`, value, end, { subject: `subject-${made}` })
    }
  }
  t.diagnostic(await assertFlat(900_000, flood))
  const { sessions, states } = store.sizes
  assert.deepEqual({ sessions, states }, { sessions: 10_000, states: 10_000 })
  assert.notEqual(store.getSession(`session-${made - 10}`), undefined)
  // Of a thousand addresses with ten each: one more has its own place.
  store.putState('mine', Uint8Array.of(1), end, 'home')
  for (let i = 0; i < 20_000; i++) store.putState(`more-${i}`, value, end, `address-${i % 1000}`)
  assert.deepEqual(store.takeState('mine'), Uint8Array.of(1))
})

function canConnect(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      done(true)
    })
    socket.on('error', () => done(false))
  })
}
