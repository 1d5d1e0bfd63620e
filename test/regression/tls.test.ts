// A listener with TLS has clients that never become any: what does not finish its handshake is let go (Node CVE-2018-12121
// and its successors, before the first octet of HTTP).
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { connect, type ConnectionOptions } from 'node:tls'
import { openRaw } from '../support/raw-client.ts'
import { startTestProxy } from '../support/test-proxy.ts'

const fixture = (name: string): Buffer => readFileSync(`${import.meta.dirname}/../fixtures/tls/${name}.pem`)
const TLS = { cert: fixture('cert'), key: fixture('key') }

/** Beginnings of a handshake, and what is none. */
const BEGINNINGS: Readonly<Record<string, Uint8Array>> = {
  nothing: Buffer.alloc(0),
  'an octet': Buffer.from([0x16]),
  'the head of a record': Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]),
  'half of a hello': Buffer.concat([
    Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]),
    Buffer.alloc(64, 7),
  ]),
  'plain http': Buffer.from('GET / HTTP/1.1\r\nHost: app.example\r\n\r\n'),
  zeros: Buffer.alloc(1_000),
  'a record that is too long': Buffer.concat([Buffer.from([0x16, 0x03, 0x01, 0xff, 0xff]), Buffer.alloc(70_000, 65)]),
  'an alert': Buffer.from([0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x00]),
}

test('H-03 V-108: a handshake that does not come, or is none, is let go in time and without an answer', async (t) => {
  const { port, seen } = await startTestProxy(t, { options: { tls: TLS, timeouts: { readMs: 500 } } })
  const begun = performance.now()
  await Promise.all(
    Object.entries(BEGINNINGS).map(async ([what, octets]) => {
      const client = openRaw(port)
      client.write(octets)
      await client.closed
      assert.doesNotMatch(String(client.pending), /HTTP/, `${what}: an answer in the open`)
      client.destroy()
    }),
  )
  assert.ok(performance.now() - begun < 5_000, `took ${performance.now() - begun} ms`)
  assert.equal(seen.length, 0)
})

test('FM-27: a stop does not wait for handshakes that never end', async (t) => {
  const { port, close } = await startTestProxy(t, { options: { tls: TLS, timeouts: { readMs: 60_000 } } })
  const client = openRaw(port)
  await once(client.socket, 'connect')
  client.write(Buffer.from([0x16, 0x03]))
  const begun = performance.now()
  await close(100)
  await client.closed
  assert.ok(performance.now() - begun < 5_000, `took ${performance.now() - begun} ms`)
})

test('V-108: hundreds of unfinished handshakes leave others alone', async (t) => {
  const { port } = await startTestProxy(t, { options: { tls: TLS, timeouts: { readMs: 1_000 } } })
  const slow = Array.from({ length: 200 }, () => openRaw(port))
  for (const client of slow) client.write(Buffer.from([0x16, 0x03]))
  const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(client, 'secureConnect')
  client.write('GET /x HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n')
  const [answer] = (await once(client, 'data')) as [Buffer]
  assert.match(String(answer), /^HTTP\/1\.1 200 /)
  client.destroy()
  await Promise.all(slow.map(({ closed }) => closed))
})

test('old versions of TLS, weak ciphers and other protocols get no connection', async (t) => {
  const { port, seen } = await startTestProxy(t, { options: { tls: TLS } })
  const weak: ConnectionOptions[] = [
    { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' },
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:AES128-SHA:AES128-GCM-SHA256' },
    { ALPNProtocols: ['h2'] },
  ]
  for (const options of weak) {
    const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
    await assert.rejects(once(client, 'secureConnect'))
    client.destroy()
  }
  assert.equal(seen.length, 0)
})
