import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startFakeSentinel, type FakeSentinel } from '../../../test/support/fake-sentinel.ts'
import { redisOptions } from '../../../test/support/redis-options.ts'
import { startRedisServer } from '../../../test/support/redis-server.ts'
import { createTestClock } from '../../../test/support/test-clock.ts'
import { until } from '../../../test/support/until.ts'
import { silentLogger } from '../../kernel/logger.ts'
import { createRedisStore } from '../redis.ts'
import { formatRedisAddress } from './address.ts'
import { Sentinels } from './sentinel.ts'

const OLD = { host: '192.0.2.1', port: 6379 }
const NEW = { host: '192.0.2.2', port: 6379 }
const TIMEOUTS = { connectTimeoutMs: 2_000, commandTimeoutMs: 250 }

async function scene(t: TestContext, epochs: readonly number[]) {
  const fakes = await Promise.all(epochs.map((epoch) => startFakeSentinel(OLD, epoch)))
  const sentinels = new Sentinels(optionsFor(fakes), TIMEOUTS, silentLogger)
  t.after(async () => {
    sentinels.close()
    await Promise.all(fakes.map((fake) => fake.close()))
  })
  const locate = async (): Promise<string> => formatRedisAddress(await sentinels.locate())
  return { fakes, locate }
}

function optionsFor(fakes: readonly FakeSentinel[]) {
  const addresses = fakes.map(({ address }) => address)
  const credentials = { username: undefined, password: undefined }
  return { kind: 'sentinel', master: 'sessions', addresses, credentials, tls: undefined } as const
}

test('a Sentinel that knows nothing of the master does not count while another one does', async (t) => {
  const { fakes, locate } = await scene(t, [1, 1, 1])
  for (const fake of fakes.slice(1)) fake.master = undefined
  assert.equal(await locate(), '192.0.2.1:6379')
  for (const fake of fakes) fake.master = undefined
  assert.equal(await locate(), '192.0.2.1:6379', 'what is known stays')
})

test('the one that has seen the latest failover is believed, one that was cut off is not', async (t) => {
  const { fakes, locate } = await scene(t, [4, 4, 4])
  assert.equal(await locate(), '192.0.2.1:6379')
  const [first, second] = fakes
  assert.ok(first !== undefined && second !== undefined)
  Object.assign(first, { master: NEW, epoch: 5 })
  assert.equal(await locate(), '192.0.2.2:6379')
  first.isHung = true
  second.isHung = true
  for (let i = 0; i < 3; i++) assert.equal(await locate(), '192.0.2.2:6379', 'the third has old news')
})

test('Sentinels that were set up anew count from the beginning: most of them are believed, one alone is not', async (t) => {
  const { fakes, locate } = await scene(t, [7, 7, 7])
  await locate()
  const [first, second] = fakes
  assert.ok(first !== undefined && second !== undefined)
  Object.assign(first, { master: NEW, epoch: 0 })
  assert.equal(await locate(), '192.0.2.1:6379')
  Object.assign(second, { master: NEW, epoch: 0 })
  fakes[2]?.close()
  await until(2000, async () => assert.equal(await locate(), '192.0.2.2:6379'))
})

test('a master that some call by name and some by address is not taken for two', async (t) => {
  const { fakes, locate } = await scene(t, [3, 3, 3])
  const believed = await locate()
  for (const [i, fake] of fakes.entries()) fake.master = i === 0 ? OLD : { host: 'redis-1.example.com', port: 6379 }
  for (let i = 0; i < 10; i++) assert.equal(await locate(), believed)
})

test('a Sentinel that hangs is asked over one connection at a time', async (t) => {
  const { fakes, locate } = await scene(t, [1, 1, 1])
  const [hung] = fakes
  assert.ok(hung !== undefined)
  hung.isHung = true
  for (let i = 0; i < 30; i++) {
    await locate()
    assert.ok(hung.connections <= 2, `${hung.connections} connections`)
  }
  hung.isHung = false
  Object.assign(hung, { master: NEW, epoch: 2 })
  await until(5000, async () => assert.equal(await locate(), '192.0.2.2:6379'))
  assert.ok(hung.connections <= 2)
})

test('a master that is named by an IPv6 address is found', async (t) => {
  const server = await startRedisServer({ args: ['--bind', '127.0.0.1', '-::1'] })
  const fake = await startFakeSentinel({ host: '::1', port: server.port })
  t.after(() => Promise.all([server.close(), fake.close()]))
  const options = redisOptions(server, { servers: optionsFor([fake]), startTimeoutMs: 0 })
  const store = createRedisStore(options, createTestClock(), silentLogger)
  t.after(() => store.close())
  await store.start()
  await server.stop()
  await until(2000, () =>
    assert.rejects(store.ping(), ({ detail }: { detail: string }) =>
      detail.startsWith(`Redis at [::1]:${server.port}: `),
    ),
  )
})
