import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeJwk, publicHalf } from '../../test/support/jwks.ts'
import { faultyAnswers, sendJson, startStub, testOutbound } from '../../test/support/stub-service.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { type Clock, systemClock } from '../kernel/clock.ts'
import { createKeySets } from './key-sets.ts'
import { createDocumentReader } from './read-document.ts'

const [A, B, C] = ['a', 'b', 'c'].map((kid) => makeJwk(kid, 'EdDSA'))
const publish = (...keys: (object | undefined)[]) => sendJson({ keys: keys.map((key) => publicHalf({ ...key })) })

async function startRig(t: TestContext, time?: Clock) {
  const stub = await startStub(t, publish(A))
  const clock = createTestClock()
  const keySets = createKeySets({ reader: createDocumentReader(testOutbound(t, 250)), clock: time ?? clock })
  const open = (locations: readonly string[] = [stub.origin], maxWaitMs = 5000) =>
    keySets.open({ locations, maxAgeMs: 30_000, maxWaitMs })
  return { stub, clock, open, keySets }
}

test('keys are read once, for all that have the same location, and then given at once', async (t) => {
  const { stub, open } = await startRig(t)
  const [one, other] = [open(), open()]
  const found = await Promise.all([one.find('EdDSA', 'a'), other.find('EdDSA', 'a')])
  assert.deepEqual(
    found.map((keys) => keys.length),
    [1, 1],
  )
  assert.ok(Array.isArray(one.find('EdDSA', 'a')))
  assert.equal(stub.calls.length, 1)
})

test('a key of any location will do, those of earlier ones first', async (t) => {
  const { stub, open } = await startRig(t)
  const second = await startStub(t, publish({ ...A, x: B?.['x'] }, B))
  const source = open([stub.origin, second.origin])
  assert.equal((await source.find('EdDSA', 'b')).length, 1)
  const [first] = await source.find('EdDSA', 'a')
  assert.equal(first?.key.export({ format: 'jwk' }).x, A?.['x'])
})

test('keys without `use: sig` and weak secrets are not used; secrets are', async (t) => {
  const { stub, open } = await startRig(t)
  const secret = makeJwk('secret', 'HS256')
  const weak = { ...secret, kid: 'weak', k: Buffer.alloc(31, 1).toString('base64url') }
  stub.answer = sendJson({
    keys: [publicHalf(A ?? {}, { use: undefined }), publicHalf(B ?? {}, { use: 'enc' }), secret, weak],
  })
  const source = open()
  assert.deepEqual(await source.find('EdDSA', 'a'), [])
  assert.deepEqual(await source.find('EdDSA', 'b'), [])
  assert.deepEqual(await source.find('HS256', 'weak'), [])
  assert.equal((await source.find('HS256', 'secret')).length, 1)
})

test('B-18: a new key is found by one read, and 1,000 invented ids in 10 s cause no other', async (t) => {
  const { stub, clock, open } = await startRig(t)
  const source = open()
  await source.find('EdDSA', 'a')
  stub.answer = publish(A, B)
  assert.equal((await source.find('EdDSA', 'b')).length, 1)
  for (let i = 0; i < 1000; i++) {
    clock.advance(10)
    assert.deepEqual(await source.find('EdDSA', `x${i}`), [])
  }
  assert.equal(stub.calls.length, 2)
})

test('B-18: ids that nobody knows cause one read at start', async (t) => {
  const { stub, open } = await startRig(t)
  const source = open()
  const found = await Promise.all(Array.from({ length: 100 }, (_, i) => source.find('EdDSA', `x${i}`)))
  assert.ok(found.every((keys) => keys.length === 0))
  assert.equal(stub.calls.length, 1)
})

test('a key id that is known, with another algorithm, causes no read', async (t) => {
  const { stub, open } = await startRig(t)
  const source = open()
  await source.find('EdDSA', 'a')
  assert.deepEqual(await source.find('RS256', 'a'), [])
  assert.equal(stub.calls.length, 1)
})

for (const [what, answer] of faultyAnswers('http://127.0.0.1:1/')) {
  test(`V-127 FM-30: ${what} takes no good key away, and is not asked for with every token`, async (t) => {
    const { stub, clock, open } = await startRig(t)
    const source = open()
    await source.find('EdDSA', 'a')
    stub.answer = answer
    clock.advance(31_000)
    for (let i = 0; i < 50; i++) {
      assert.equal((await source.find('EdDSA', 'a')).length, 1)
      assert.deepEqual(await source.find('EdDSA', `x${i}`), [])
    }
    assert.ok(stub.calls.length <= 3, `${stub.calls.length} calls`)
  })
}

test('V-127: an empty set takes no good key away', async (t) => {
  const { stub, clock, open } = await startRig(t)
  const source = open()
  await source.find('EdDSA', 'a')
  stub.answer = sendJson({ keys: [] })
  clock.advance(31_000)
  assert.equal((await source.find('EdDSA', 'a')).length, 1)
})

test('while no set could ever be read it is an error, told without a new call each time', async (t) => {
  const { stub, clock, open } = await startRig(t)
  stub.answer = (_call, response) => void response.writeHead(500).end()
  const source = open()
  for (let i = 0; i < 100; i++) await assert.rejects(async () => source.find('EdDSA', 'a'), /none of the key sets/)
  assert.equal(stub.calls.length, 1)
  stub.answer = publish(A)
  clock.advance(10_000)
  assert.equal((await source.find('EdDSA', 'a')).length, 1)
})

test('nobody waits longer than the longest wait; then a stale key counts, and the read goes on', async (t) => {
  const { stub, open } = await startRig(t, systemClock)
  const source = open([stub.origin], 30)
  await source.find('EdDSA', 'a')
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  stub.answer = (call, response) => void held.then(() => publish(A, C)(call, response))
  const started = performance.now()
  assert.deepEqual(await source.find('EdDSA', 'c'), [])
  assert.equal((await source.find('EdDSA', 'a')).length, 1)
  assert.ok(performance.now() - started < 200)
  release()
  for (let i = 0; i < 100 && !Array.isArray(source.find('EdDSA', 'c')); i++)
    await new Promise((done) => setImmediate(done))
  assert.equal((await source.find('EdDSA', 'c')).length, 1)
})

test('a file is read again when its time is over', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'oathkeeper-jwks-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'jwks.json')
  const write = (...keys: unknown[]) => writeFileSync(file, JSON.stringify({ keys }))
  write(A)
  const { clock, open } = await startRig(t)
  const source = open([`file://${file}`])
  const [found] = await source.find('EdDSA', 'a')
  assert.equal(found?.key.type, 'public')
  write(B)
  clock.advance(31_000)
  assert.equal((await source.find('EdDSA', 'b')).length, 1)
})

test('a scheme that cannot be read is told at once', async (t) => {
  const { open } = await startRig(t)
  assert.throws(() => open(['ftp://bucket/jwks.json']), /ftp:\/\//)
})
