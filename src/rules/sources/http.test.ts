import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createTestClock } from '../../../test/support/test-clock.ts'
import { httpSource } from './http.ts'

type Script = (request: IncomingMessage, response: ServerResponse) => void

interface Rig {
  readonly url: string
  readonly seen: IncomingMessage['headers'][]
  /** What the source told, in order. */
  readonly told: string[]
  readonly clock: ReturnType<typeof createTestClock>
  script: Script
  intervalMs: number | undefined
  open(location?: string, watch?: boolean): ReturnType<typeof httpSource>
  start(location?: string, watch?: boolean): Promise<void>
  /** Moves time, and waits until the source has asked and been answered. */
  next(byMs: number): Promise<void>
}

async function rig(t: TestContext): Promise<Rig> {
  const events = new EventEmitter()
  const seen: IncomingMessage['headers'][] = []
  const told: string[] = []
  const server = createServer((request, response) => {
    seen.push(request.headers)
    made.script(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  // Each answer ends with a timer for the next: that is when the source is through with it.
  const clock = createTestClock()
  const watched: typeof clock = {
    ...clock,
    schedule(delayMs, run) {
      events.emit('scheduled')
      return clock.schedule(delayMs, run)
    },
  }
  const made: Rig = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    told,
    clock,
    script: (_, response) => response.end('[]'),
    intervalMs: 60_000,
    open(location = '/rules.json', watch = true) {
      const url = location.startsWith('/') ? made.url + location : location
      const context = { baseDir: '/', clock: watched, watch, refreshIntervalMs: () => made.intervalMs }
      const source = httpSource(url, context)
      t.after(() => source.close())
      return source
    },
    start: (location, watch) =>
      made.open(location, watch).start({
        onContent: (content) => void told.push(Buffer.from(content).toString()),
        onFailure: (message) => void told.push(`failed: ${message.replace(made.url, '')}`),
      }),
    async next(byMs) {
      const through = once(events, 'scheduled', { signal: AbortSignal.timeout(5_000) })
      clock.advance(byMs)
      await through
    },
  }
  return made
}

test('rules are fetched at the start, and again after the interval; told is only what changed', async (t) => {
  const it = await rig(t)
  await it.start()
  assert.deepEqual(it.told, ['[]'])
  it.clock.advance(59_999)
  assert.equal(it.seen.length, 1)
  await it.next(1)
  assert.equal(it.seen.length, 2)
  assert.deepEqual(it.told, ['[]'])
  it.script = (_, response) => response.end('[1]')
  await it.next(60_000)
  assert.deepEqual(it.told, ['[]', '[1]'])
})

test('an ETag is given back, and 304 means that nothing changed', async (t) => {
  const it = await rig(t)
  it.script = (request, response) => {
    response.statusCode = request.headers['if-none-match'] === '"one"' ? 304 : 200
    response.setHeader('ETag', '"one"').setHeader('Last-Modified', 'Tue, 24 Nov 2026 00:00:00 GMT')
    response.end(response.statusCode === 200 ? '[]' : undefined)
  }
  await it.start()
  await it.next(60_000)
  assert.deepEqual(
    it.seen.map((headers) => [headers['if-none-match'], headers['if-modified-since']]),
    [
      [undefined, undefined],
      ['"one"', undefined],
    ],
  )
  assert.deepEqual(it.told, ['[]'])
})

test('without an ETag the date does', async (t) => {
  const it = await rig(t)
  it.script = (_, response) => response.setHeader('Last-Modified', 'Tue, 24 Nov 2026 00:00:00 GMT').end('[]')
  await it.start()
  await it.next(60_000)
  assert.equal(it.seen[1]?.['if-modified-since'], 'Tue, 24 Nov 2026 00:00:00 GMT')
})

test('every status but 200 is a failure', async (t) => {
  const it = await rig(t)
  for (const status of [204, 206, 404, 500, 304]) {
    it.script = (_, response) => response.writeHead(status).end()
    it.told.length = 0
    const before = it.seen.length
    await it.start('/x')
    assert.deepEqual(it.told, [`failed: /x answered ${status}, and not 200`])
    assert.equal(it.seen.length, before + 1)
  }
})

test('a failure is tried again after 1, 2, 4, 8 seconds and no later than the interval; then all is well again', async (t) => {
  const it = await rig(t)
  it.intervalMs = 10_000
  await it.start()
  it.script = (_, response) => response.writeHead(503).end()
  await it.next(10_000)
  for (const backoff of [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]) {
    const before = it.seen.length
    it.clock.advance(backoff - 1)
    assert.equal(it.seen.length, before)
    await it.next(1)
    assert.equal(it.seen.length, before + 1)
  }
  assert.equal(it.told.filter((text) => text === 'failed: /rules.json answered 503, and not 200').length, 7)
  it.told.length = 0
  it.script = (_, response) => response.end('[]')
  await it.next(10_000)
  assert.deepEqual(it.told, ['[]'], 'what it had before is told again, so that it counts as good')
})

test('`off` fetches once; when that changes, fetching begins', async (t) => {
  const it = await rig(t)
  it.intervalMs = undefined
  await it.start()
  await it.next(60_000)
  await it.next(60_000)
  assert.equal(it.seen.length, 1)
  it.intervalMs = 5_000
  await it.next(60_000)
  await it.next(5_000)
  assert.equal(it.seen.length, 2)
})

test('a server that does not answer holds up the start for five seconds, and its rules are taken when they come', async (t) => {
  const it = await rig(t)
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<ServerResponse>()
  it.script = (_, response) => arrive(response)
  const started = it.start()
  const response = await arrived
  it.clock.advance(5_000)
  await started
  assert.deepEqual(it.told, [])
  const through = it.next(0)
  response.end('[]')
  await through
  assert.deepEqual(it.told, ['[]'])
})

test('redirects are followed, ten at most, and to nowhere but http(s)', async (t) => {
  const it = await rig(t)
  it.script = (request, response) => {
    if (request.url === '/end') response.end('[]')
    else response.writeHead(302, { location: '/end' }).end()
  }
  await it.start()
  it.script = (_, response) => response.writeHead(307, { location: '/again?token=secret' }).end()
  await it.start()
  it.script = (_, response) => response.writeHead(301, { location: 'file:///etc/passwd' }).end()
  await it.start()
  assert.deepEqual(it.told, [
    '[]',
    'failed: /rules.json redirects more than 10 times',
    'failed: /rules.json redirects to what is no http(s) URL',
  ])
})

test('the user of the URL is sent as Basic, to that origin only, and stands in no name and no message', async (t) => {
  const it = await rig(t)
  const other = await rig(t)
  it.script = (request, response) =>
    request.url?.startsWith('/rules') === true
      ? response.writeHead(302, { location: `${other.url}/x` }).end()
      : response.writeHead(401).end()
  const location = it.url.replace('http://', 'http://me:s%40cret@')
  await it.start(`${location}/rules.json?sig=s3cret`)
  assert.equal(it.seen[0]?.authorization, `Basic ${Buffer.from('me:s@cret').toString('base64')}`)
  assert.equal(other.seen[0]?.authorization, undefined)
  const source = it.open(`${location}/private?sig=s3cret`)
  assert.equal(source.name, `${it.url}/private?…`)
  await it.start(`${location}/private?sig=s3cret`)
  assert.equal(it.told.at(-1), 'failed: /private?… answered 401, and not 200')
  assert.doesNotMatch(it.told.join(), /s3cret|s@cret|s%40cret/)
})

test('FM-34: a server that is dead, breaks off or never ends is a failure, and what was there stays', async (t) => {
  const it = await rig(t)
  it.script = (_, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('[')
    setImmediate(() => response.destroy())
  }
  await it.start()
  it.script = (_, response) => {
    const flood = (): void => {
      while (!response.destroyed) if (!response.write(Buffer.alloc(1 << 20))) break
    }
    response.on('drain', flood)
    flood()
  }
  await it.start()
  it.script = (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x')
  await it.start()
  assert.deepEqual(
    it.told.map((text) => text.replace(/\(.*\)/, '(…)')),
    [
      'failed: /rules.json could not be asked (…)',
      'failed: /rules.json answered with more than 33554432 bytes',
      'failed: /rules.json answered with a content encoding that was not asked for',
    ],
  )
})

test('where there is one look only, it is repeated twice before it fails', async (t) => {
  const it = await rig(t)
  it.script = (_, response) => response.writeHead(500).end()
  const looked = it.start('/x', false)
  while (it.seen.length < 3) {
    await new Promise((resolve) => setImmediate(resolve))
    if (it.clock.pending > 0) it.clock.advance(2_000)
  }
  await looked
  assert.deepEqual(it.told, ['failed: /x answered 500, and not 200'])
})

test('a source that is closed asks nobody and tells nothing', async (t) => {
  const it = await rig(t)
  it.script = () => undefined
  const source = it.open()
  const started = source.start({ onContent: () => assert.fail(), onFailure: () => assert.fail() })
  while (it.seen.length === 0) await new Promise((resolve) => setImmediate(resolve))
  source.close()
  await started
  it.clock.advance(1_000_000)
  assert.equal(it.seen.length, 1)
})
