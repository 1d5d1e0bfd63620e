import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createOutbound, OutboundError } from './outbound.ts'
import { callWithRetries, type RetryPolicy } from './retry.ts'

const QUICK: RetryPolicy = { retries: 4, giveUpAfterMs: 5000, maxDelayMs: 2 }

/** A service whose n-th answer is the n-th given; the last one stays. */
async function serve(t: TestContext, answers: readonly ((response: ServerResponse) => void)[]) {
  let asked = 0
  const bodies: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      bodies.push(body)
      answers[Math.min(asked++, answers.length - 1)]?.(response)
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const outbound = createOutbound({ timeoutMs: 5000, maxBytes: 1000 })
  t.after(async () => {
    await outbound.close()
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const call = (policy: RetryPolicy) => callWithRetries(outbound, url, { method: 'POST', body: 'question' }, policy)
  return { call, bodies, server }
}

const status =
  (code: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(code, headers).end()
const reset = (response: ServerResponse) => void response.destroy()

test('what passes is tried again with the same body until there is an answer', async (t) => {
  const { call, bodies } = await serve(t, [status(500), status(429), reset, status(503), status(200)])
  assert.equal((await call(QUICK)).status, 200)
  assert.deepEqual(bodies, Array.from({ length: 5 }).fill('question'))
})

for (const final of [200, 204, 302, 400, 401, 403, 404, 501]) {
  test(`${final} is an answer`, async (t) => {
    const { call, bodies } = await serve(t, [status(final)])
    assert.equal((await call(QUICK)).status, final)
    assert.equal(bodies.length, 1)
  })
}

test('the last answer counts when all attempts are used up', async (t) => {
  const { call, bodies } = await serve(t, [status(500), status(429, { 'x-ratelimit-limit': '7' })])
  const response = await call(QUICK)
  assert.deepEqual([response.status, response.header('x-ratelimit-limit'), bodies.length], [429, '7', 5])
})

test('a connection that keeps failing is an error', async (t) => {
  const { call, bodies } = await serve(t, [reset])
  await assert.rejects(call(QUICK), (error: unknown) => error instanceof OutboundError && error.kind === 'unreachable')
  assert.equal(bodies.length, 5)
})

test('Retry-After is waited for where the time allows it', async (t) => {
  const { call, bodies } = await serve(t, [status(429, { 'retry-after': '0' }), status(200)])
  assert.equal((await call(QUICK)).status, 200)
  assert.equal(bodies.length, 2)
})

for (const later of ['3600', new Date(Date.now() + 3_600_000).toUTCString()]) {
  test(`Retry-After beyond the time to give up ends it at once: ${later.length > 5 ? 'a date' : 'seconds'}`, async (t) => {
    const { call, bodies } = await serve(t, [status(503, { 'retry-after': later })])
    assert.equal((await call(QUICK)).status, 503)
    assert.equal(bodies.length, 1)
  })
}

test('FM-32: a service that does not answer is given up in time', async (t) => {
  const { call, bodies } = await serve(t, [() => {}])
  await assert.rejects(
    call({ ...QUICK, giveUpAfterMs: 100 }),
    (error: unknown) => error instanceof OutboundError && error.kind === 'timeout',
  )
  assert.equal(bodies.length, 1)
})
