// The store goes away, and comes back: with its data, without it, with another password, with no room for us.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '@redis/client'
import { eventually } from '../support/eventually.ts'
import {
  assertOutage,
  assertRecovered,
  assertRefused,
  assertWaits,
  logged,
  MODES,
  noticed,
  SCRIPT,
  signInAgain,
  toCallback,
  startFaultScene,
  WITHIN_MS,
  type FaultScene,
} from '../support/fault-scene.ts'
import { assertFlat } from '../support/flat-memory.ts'
import { tellRecovery } from '../support/recovery.ts'
import { until } from '../support/until.ts'
import { Visitor } from '../support/visitor.ts'

for (const mode of MODES) {
  const members = mode === 'near cache' ? 'go on' : 'wait'

  test(`FM-04, FM-05, V-134: Redis stops, and starts again with its data (${mode})`, async (t) => {
    const scene = await startFaultScene(t, { mode, direct: true, redis: { persist: true } })
    await scene.redis.stop()
    tellRecovery('FM-04', await assertOutage(scene, members), `(${mode}, until it is known)`)
    const status = mode === 'near cache' ? 200 : 503
    const load = async (requests: number): Promise<void> => {
      assert.deepEqual(await scene.load(requests, '/me'), { [status]: requests })
    }
    t.diagnostic(await assertFlat(2000, load))
    await scene.redis.start()
    await assertRecovered(scene, 'FM-05', performance.now())
  })

  test(`FM-06: Redis comes back empty: a login each, and nothing comes back from anywhere (${mode})`, async (t) => {
    const scene = await startFaultScene(t, { mode, direct: true })
    const { redis, ada } = scene
    await redis.stop()
    await noticed(scene)
    await redis.start()
    const begun = performance.now()
    await until(WITHIN_MS, async () => assert.equal((await scene.ask('/me')).status, 401))
    for (const path of ['/me', '/strict', '/me']) assert.equal((await scene.ask(path)).status, 401)
    assert.match(await signInAgain(scene), /This service does not have your session any more/)
    tellRecovery('FM-06', performance.now() - begun, `(${mode}, up to a new login)`)
    await until(WITHIN_MS, async () => assert.equal((await scene.ready()).status, 200))
    assert.notEqual(ada.cookie('127.0.0.1', 'oathkeeper'), scene.ticket)
  })

  test(`FM-20, V-136: the password changes under a running instance: told by name, and mended by the file (${mode})`, async (t) => {
    const [first, second] = ['the-first-password', 'the-second-password']
    const scene = await startFaultScene(t, { mode, redis: { password: first }, redisConfig: { password: first } })
    const { product, redis, proxy } = scene
    await redis.command('CONFIG', 'SET', 'requirepass', second)
    proxy.resetAll()
    await assertOutage(scene, members)
    await logged(scene, 'it refused the password')
    const config = readFileSync(product.configFile, 'utf8')
    writeFileSync(product.configFile, config.replaceAll(first, second))
    await logged(scene, 'session store is down')
    const begun = performance.now()
    // The file is looked at by its changes, which a busy machine tells late.
    await until(3 * WITHIN_MS, async () => assert.equal((await scene.ask('/strict')).status, 200))
    await assertRecovered(scene, 'FM-20', begun, 'from the change of the file')
    for (const secret of [first, second]) assert.ok(!product.log().includes(secret))
  })

  test(`FM-24: Redis has no room for clients: it is not stormed (${mode})`, async (t) => {
    const scene = await startFaultScene(t, { mode })
    const { product, redis, proxy } = scene
    const operator = createClient({ socket: { host: '127.0.0.1', port: redis.port } })
    operator.on('error', () => undefined)
    await operator.connect()
    t.after(() => operator.destroy())
    await operator.sendCommand(['CONFIG', 'SET', 'maxclients', '1'])
    proxy.resetAll()
    await assertOutage(scene, members)
    const { accepted } = proxy
    await sleep(1500)
    assert.ok(proxy.accepted - accepted < 12, `${proxy.accepted - accepted} connections in 1.5 s`)
    assert.match(product.log(), /maximum number of clients/)
    await operator.sendCommand(['CONFIG', 'SET', 'maxclients', '10000'])
    await assertRecovered(scene, 'FM-24', performance.now())
  })
}

test('FM-20: a password that is rotated before the old one goes: nobody notices', async (t) => {
  const [first, second, wrong] = ['the-first-password', 'the-second-password', 'a-mistaken-password']
  const scene = await startFaultScene(t, { redis: { password: first }, redisConfig: { password: first } })
  const { product, redis, proxy } = scene
  const config = readFileSync(product.configFile, 'utf8')
  const becomes = async (password: string, said: string): Promise<void> => {
    writeFileSync(product.configFile, config.replaceAll(first, password))
    await until(3 * WITHIN_MS, async () => {
      assert.equal((await scene.ask('/strict')).status, 200)
      assert.ok(product.log().includes(said), said)
    })
  }
  await redis.command('ACL', 'SETUSER', 'default', `>${second}`)
  await becomes(second, '')
  await becomes(wrong, 'changed credentials of the session store are refused')
  assert.equal(proxy.accepted, 1, 'over the same connection')
  for (const secret of [first, second, wrong]) assert.ok(!product.log().includes(secret))
})

test('FM-04: the grace has an end: then it is a page that waits, and nobody was logged out', async (t) => {
  const scene = await startFaultScene(t, { direct: true, redis: { persist: true }, store: { outage: { grace: '2s' } } })
  await scene.redis.stop()
  await assertOutage(scene, 'go on')
  await until(10_000, async () => assert.equal((await scene.ask('/me')).status, 503))
  await assertOutage(scene, 'wait')
  await scene.redis.start()
  await assertRecovered(scene, 'FM-05', performance.now(), 'after the grace')
})

test('FM-04: a login that was begun before is finished when the store is back, in the same window', async (t) => {
  const scene = await startFaultScene(t, { direct: true, redis: { persist: true } })
  const { product, redis } = scene
  const alan = new Visitor()
  const callback = await toCallback(scene, alan, '/reports?sort=amount')
  await redis.stop()
  await noticed(scene)
  const sent = product.provider.asked('/token').length
  const waiting = await alan.go(callback)
  assertWaits(waiting, 'Signing in has to wait a moment')
  assert.equal(product.provider.asked('/token').length, sent, 'the code is not spent meanwhile')
  await redis.start()
  const begun = performance.now()
  const arrival = await eventually(
    () => alan.follow(callback),
    ({ status }) => status !== 503,
    WITHIN_MS,
  )
  assert.deepEqual([arrival.status, arrival.url], [200, `${product.door}/reports?sort=amount`])
  tellRecovery('FM-05', performance.now() - begun, '(a login under way)')
})

test('FM-04: a logout meanwhile never claims success; the copy of the cookie opens nothing, here or after', async (t) => {
  for (const mode of MODES) {
    const scene = await startFaultScene(t, { mode, direct: true, redis: { persist: true } })
    const { product, redis, ada } = scene
    const copy = ada.copy()
    await redis.stop()
    await noticed(scene)
    const answer = await ada.submit(`${product.door}/.oathkeeper/logout`, {})
    assert.equal(answer.status, 503)
    assert.match(answer.text, /Signing out could not be completed/)
    assert.equal(ada.cookie('127.0.0.1', 'oathkeeper'), undefined, 'the browser forgets it all the same')
    const replayed = await copy.go(`${product.door}/me`, SCRIPT)
    if (mode === 'near cache') assert.equal(replayed.status, 401)
    else assert.ok([401, 503].includes(replayed.status))
    await redis.start()
    await until(WITHIN_MS, async () => assert.equal((await product.logIn(new Visitor())).status, 200))
    assert.equal((await copy.go(`${product.door}/me`, SCRIPT)).status, 401)
    await until(WITHIN_MS, async () => assert.equal(await liveSessions(scene), 1))
  }
})

test('FM-04: what this instance never saw is 503, not a login, although it has a near cache', async (t) => {
  const scene = await startFaultScene(t, { direct: true, redis: { persist: true } })
  await scene.touch()
  await scene.redis.stop()
  await noticed(scene)
  assertRefused(await scene.ask('/me'))
  await scene.redis.start()
  await assertRecovered(scene, 'FM-05', performance.now(), 'a session that was not known here')
})

async function liveSessions({ redis }: FaultScene): Promise<number> {
  const keys = (await redis.command('KEYS', 'session:*')) as string[]
  return keys.filter((name) => !/:(subject|sid|lease):/.test(name)).length
}
