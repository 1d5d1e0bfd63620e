import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { rawRequest, type RawResponse } from '../../test/support/raw-client.ts'
import type { Reply } from '../kernel/reply.ts'
import { writeReply, type WriteOptions } from './write-reply.ts'

async function written(
  t: TestContext,
  reply: Reply,
  options: WriteOptions = { secure: false },
  method = 'GET',
): Promise<RawResponse> {
  const server = createServer((_request, response) => writeReply(response, reply, options)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const raw = `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`
  return rawRequest((server.address() as AddressInfo).port, raw, { head: method === 'HEAD' })
}

const PAGE: Reply = { status: 200, headers: [['Content-Type', 'text/html; charset=utf-8']], body: '<p>名前</p>' }

test('H-01: a page of ours cannot be framed, sniffed, cached or run anything', async (t) => {
  const response = await written(t, PAGE)
  assert.match(response.header('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/)
  assert.equal(response.header('x-content-type-options'), 'nosniff')
  assert.equal(response.header('referrer-policy'), 'no-referrer')
  assert.equal(response.header('cache-control'), 'no-store')
  assert.equal(response.header('strict-transport-security'), undefined)
  assert.equal(response.body.toString(), PAGE.body)
  assert.equal(response.header('content-length'), String(Buffer.byteLength(PAGE.body)))
})

test('H-01: over TLS the browser is told to stay there', async (t) => {
  const response = await written(t, PAGE, { secure: true })
  assert.match(response.header('strict-transport-security') ?? '', /^max-age=\d+$/)
})

test('what a reply says itself is not said again', async (t) => {
  const headers = [...PAGE.headers, ['content-security-policy', 'sandbox'], ['Cache-Control', 'private']] as const
  const response = await written(t, { ...PAGE, headers })
  assert.deepEqual(
    response.headers
      .filter(([name]) => /^(content-security-policy|cache-control)$/i.test(name))
      .map(([, value]) => value),
    ['sandbox', 'private'],
  )
})

test('documents and redirects of the pipeline get no header that Oathkeeper’s do not have for X-', async (t) => {
  for (const [status, type] of [
    [401, 'application/json'],
    [302, 'text/html; charset=utf-8'],
  ] as const) {
    const response = await written(t, { status, headers: [['Content-Type', type]], body: 'x' })
    assert.deepEqual(
      response.headers.filter(([name]) => name.toLowerCase().startsWith('x-')),
      [],
    )
  }
})

test('HEAD has the head alone, and 204 and 304 have no length', async (t) => {
  const head = await written(t, PAGE, { secure: false }, 'HEAD')
  assert.equal(head.header('content-length'), String(Buffer.byteLength(PAGE.body)))
  assert.equal(head.body.length, 0)
  for (const status of [204, 304]) {
    assert.equal((await written(t, { status, headers: [], body: '' })).header('content-length'), undefined)
  }
})

test('an answer may be the last on its connection', async (t) => {
  assert.equal((await written(t, PAGE, { secure: false, close: true })).header('connection'), 'close')
})
