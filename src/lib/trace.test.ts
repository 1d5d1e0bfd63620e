import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createOutbound } from './outbound.ts'
import { currentSpan, runInSpan, type TraceSpan, withTraceHeaders } from './trace.ts'

interface TestSpan extends TraceSpan {
  readonly said: Record<string, unknown>
  readonly children: TestSpan[]
}

function createTestSpan(name: string): TestSpan {
  const children: TestSpan[] = []
  const said: Record<string, unknown> = {}
  return {
    traceId: 'trace',
    spanId: name,
    headers: ['traceparent', name],
    said,
    children,
    child(childName) {
      const child = createTestSpan(childName)
      children.push(child)
      return child
    },
    set: (key, value) => void (said[key] = value),
    end: (failure) => void (said['end'] = failure ?? 'well'),
  }
}

async function startServer(t: TestContext, status: number): Promise<{ url: string; seen: IncomingHttpHeaders[] }> {
  const seen: IncomingHttpHeaders[] = []
  const server = createServer((request, response) => {
    seen.push(request.headers)
    response.writeHead(status).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

test('what runs in a span knows it, also later; what does not, knows none', async () => {
  const span = createTestSpan('a')
  const later = runInSpan(span, async () => {
    await new Promise((resolve) => setImmediate(resolve))
    return currentSpan()
  })
  assert.equal(currentSpan(), undefined)
  assert.equal(await later, span)
})

test('the headers of a span replace those of another', () => {
  const flat = ['Accept', '*/*', 'TraceParent', 'old', 'tracestate', 'old', 'traceparents', 'kept']
  assert.deepEqual(withTraceHeaders(flat, createTestSpan('new')), [
    'Accept',
    '*/*',
    'traceparents',
    'kept',
    'traceparent',
    'new',
  ])
})

test('a call within a span is a span of its own and carries the trace on', async (t) => {
  const { url, seen } = await startServer(t, 500)
  const outbound = createOutbound({ timeoutMs: 5_000, maxBytes: 1_000 })
  t.after(() => outbound.close())
  const span = createTestSpan('request')
  await runInSpan(span, () => outbound.call(`${url}/x?secret`, { method: 'POST', headers: { 'x-a': 'b' } }))
  assert.deepEqual([seen[0]?.['traceparent'], seen[0]?.['x-a']], ['POST', 'b'])
  assert.deepEqual(span.children[0]?.said, {
    'http.request.method': 'POST',
    'server.address': url.slice('http://'.length),
    'http.response.status_code': 500,
    end: 'status 500',
  })
  await assert.rejects(runInSpan(span, () => outbound.call('http://127.0.0.1:1', { method: 'GET' })))
  assert.equal(span.children[1]?.said['end'], 'unreachable')
  await outbound.call(url, { method: 'GET' })
  assert.deepEqual([seen[1]?.['traceparent'], span.children.length], [undefined, 2])
})
