import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createTestClock } from '../../test/support/test-clock.ts'
import { createOutbound } from '../lib/outbound.ts'
import { createRemoteKeySet } from './jwks.ts'

const jwk = (kid: string) => ({ ...generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }), kid })
const json = (body: unknown): RequestListener => {
  const text = JSON.stringify(body)
  return (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(text)
}

async function createRig(t: TestContext, first: RequestListener) {
  const rig = { listener: first, fetches: 0, clock: createTestClock() }
  const server = createServer((request, response) => {
    rig.fetches++
    rig.listener(request, response)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const outbound = createOutbound({ timeoutMs: 300, maxBytes: 100_000 })
  t.after(async () => {
    await outbound.close()
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
  return Object.assign(rig, { keys: createRemoteKeySet({ url: () => url, outbound, clock: rig.clock }) })
}

test('keys are fetched once and then given at once', async (t) => {
  const rig = await createRig(t, json({ keys: [jwk('a')] }))
  const [found] = await Promise.all([rig.keys.find('EdDSA', 'a'), rig.keys.find('EdDSA', 'a')])
  assert.equal(found.length, 1)
  assert.ok(Array.isArray(rig.keys.find('EdDSA', 'a')))
  assert.equal(rig.fetches, 1)
})

test('B-18: a new key is found by one fetch, and 1,000 invented ids in 10 s cause no other', async (t) => {
  const rig = await createRig(t, json({ keys: [jwk('a')] }))
  await rig.keys.find('EdDSA', 'a')
  rig.listener = json({ keys: [jwk('a'), jwk('b')] })
  assert.equal((await rig.keys.find('EdDSA', 'b')).length, 1)
  for (let i = 0; i < 1000; i++) {
    rig.clock.advance(10)
    assert.equal((await rig.keys.find('EdDSA', `x${i}`)).length, 0)
  }
  assert.equal(rig.fetches, 2)
})

const faults: Record<string, RequestListener> = {
  'an empty set': json({ keys: [] }),
  'status 500': (_request, response) => response.writeHead(500).end(),
  silence: () => {},
  'an answer that is too large': (_request, response) => response.end('x'.repeat(200_000)),
  'a redirect': (_request, response) => response.writeHead(302, { location: '/other' }).end(),
  garbage: (_request, response) => response.end('<html>'),
}
for (const [name, listener] of Object.entries(faults)) {
  test(`V-127: B-18: ${name} instead of the keys: fetches are bounded`, async (t) => {
    const rig = await createRig(t, listener)
    for (let i = 0; i < 200; i++) {
      rig.clock.advance(50)
      await Promise.resolve(rig.keys.find('EdDSA', `x${i}`)).catch(() => [])
    }
    assert.ok(rig.fetches <= 2, String(rig.fetches))
  })

  test(`B-18: FM-30: keys that were good stay good while there is ${name}`, async (t) => {
    const rig = await createRig(t, json({ keys: [jwk('a')] }))
    await rig.keys.find('EdDSA', 'a')
    rig.listener = listener
    for (let i = 0; i < 5; i++) {
      rig.clock.advance(3_600_000)
      assert.equal((await rig.keys.find('EdDSA', 'a')).length, 1)
    }
  })
}

test('a key that its owner withdraws is refused after the next fetch', async (t) => {
  const rig = await createRig(t, json({ keys: [jwk('a')] }))
  await rig.keys.find('EdDSA', 'a')
  rig.listener = json({ keys: [jwk('b')] })
  rig.clock.advance(600_000)
  assert.equal((await rig.keys.find('EdDSA', 'a')).length, 0)
})
