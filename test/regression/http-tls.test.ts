import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect, type ConnectionOptions, createSecureContext, type TLSSocket } from 'node:tls'
import { loadTls } from '../../src/http/tls.ts'
import { get, rawRequest } from '../support/raw-client.ts'
import { startTestProxy, type TestProxy } from '../support/test-proxy.ts'

const CERT = `${import.meta.dirname}/../fixtures/tls/cert.pem`
const KEY = `${import.meta.dirname}/../fixtures/tls/key.pem`

function startTlsProxy(t: TestContext, headers: Record<string, string> = {}): Promise<TestProxy> {
  return startTestProxy(t, { options: { tls: loadTls({ path: CERT }, { path: KEY }) }, headers })
}

async function open(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca: readFileSync(CERT), ...options })
  await once(socket, 'secureConnect')
  return socket
}

async function answer(socket: TLSSocket, raw: string): Promise<string> {
  socket.write(raw)
  let text = ''
  for await (const chunk of socket) {
    text += String(chunk)
    if (text.includes('upstream')) break
  }
  return text
}

test('a TLS listener serves HTTP/1.1, and its requests are https', async (t) => {
  const { port, seen, upstream } = await startTlsProxy(t)
  const socket = await open(port, { ALPNProtocols: ['h2', 'http/1.1'] })
  assert.equal(socket.alpnProtocol, 'http/1.1')
  assert.match(await answer(socket, get('/x', 'X-Forwarded-Proto: http')), /^HTTP\/1\.1 200 OK/)
  assert.equal(seen[0]?.scheme, 'https')
  assert.equal(seen[0]?.peerAddress, '127.0.0.1')
  assert.equal(upstream.requests.length, 1)
})

test('protocols before TLS 1.2, and ciphers without forward secrecy, are refused', async (t) => {
  const { port } = await startTlsProxy(t)
  const refused: ConnectionOptions[] = [
    { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' },
    { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' },
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' },
  ]
  for (const options of refused) await assert.rejects(open(port, options), options.ciphers)
  const socket = await open(port, { maxVersion: 'TLSv1.2' })
  assert.equal(socket.getProtocol(), 'TLSv1.2')
  socket.destroy()
})

test('H-03: plain HTTP on a TLS listener gets nothing, least of all a redirect', async (t) => {
  const { port, upstream } = await startTlsProxy(t)
  await assert.rejects(rawRequest(port, get('/x')))
  assert.equal(upstream.requests.length, 0)
})

test('an upstream whose certificate nobody vouches for is 502', async (t) => {
  const upstream = createServer({ cert: readFileSync(CERT), key: readFileSync(KEY) }, (_request, response) =>
    response.end(),
  )
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  t.after(() => upstream.close())
  const host = `127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const { port } = await startTestProxy(t, { target: { origin: `https://${host}`, host } })
  assert.equal((await rawRequest(port, get('/x'))).status, 502)
})

test('the certificate is asked for by the upstream’s name, not by the Host that a client chose', async (t) => {
  const asked: string[] = []
  const upstream = createServer({
    SNICallback: (name, done) => {
      asked.push(name)
      done(null, createSecureContext({ cert: readFileSync(CERT), key: readFileSync(KEY) }))
    },
  })
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  t.after(() => upstream.close())
  const host = `localhost:${(upstream.address() as AddressInfo).port}`
  const { port } = await startTestProxy(t, { target: { origin: `https://${host}`, host, preserveHost: true } })
  assert.equal((await rawRequest(port, get('/x'))).status, 502, 'nobody vouches for it')
  assert.deepEqual([...new Set(asked)], ['localhost'])
})

test('an upgrade passes a TLS listener as well', async (t) => {
  const { port, upstream } = await startTlsProxy(t)
  upstream.script = (_request, connection) => {
    connection.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    connection.socket.on('data', (chunk) => connection.socket.write(`upstream ${String(chunk)}`))
  }
  const socket = await open(port)
  const text = answer(socket, `${get('/ws', 'Connection: Upgrade', 'Upgrade: websocket')}hello`)
  assert.match(await text, /^HTTP\/1\.1 101 [\s\S]*upstream hello$/)
})
