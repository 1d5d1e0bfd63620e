// What is in the store is gone, is not ours, or has lost its end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  MODES,
  PATIENT,
  signInAgain,
  startFaultScene,
  WITHIN_MS,
  toCallback,
  type FaultScene,
} from '../support/fault-scene.ts'
import { tellRecovery } from '../support/recovery.ts'
import { createTestClock } from '../support/test-clock.ts'
import { until } from '../support/until.ts'
import { Visitor } from '../support/visitor.ts'

const HOUR_MS = 3_600_000
const LOST = /This service does not have your session any more/

for (const mode of MODES) {
  test(`FM-18: Redis drops what it holds: a clean 401, and a login under way starts again (${mode})`, async (t) => {
    const scene = await startFaultScene(t, {
      ...PATIENT,
      mode,
      redis: { args: ['--maxmemory-policy', 'volatile-ttl'] },
    })
    const { product, redis } = scene
    assert.match(product.log(), /maxmemory-policy to noeviction/, 'it was warned of at the start')
    const alan = new Visitor()
    const callback = await toCallback(scene, alan, '/reports')
    await redis.command('CONFIG', 'SET', 'maxmemory', '1')
    await until(WITHIN_MS, async () => assert.equal(await redis.command('DBSIZE'), 0))
    await redis.command('CONFIG', 'SET', 'maxmemory', '0')
    const begun = performance.now()
    await assertLoggedOut(scene)
    const sent = product.provider.asked('/token').length
    const late = await alan.go(callback)
    assert.equal(late.status, 400, late.text)
    assert.match(late.text, /This sign-in cannot be finished.*Start again/s)
    assert.equal(product.provider.asked('/token').length, sent)
    assert.match(await signInAgain(scene), LOST)
    tellRecovery('FM-18', performance.now() - begun, `(${mode}, up to a new login)`)
  })

  test(`FM-21: FLUSHALL, or a key that was deleted: 401, and a login (${mode})`, async (t) => {
    const scene = await startFaultScene(t, { ...PATIENT, mode })
    const { product, redis } = scene
    for (const remove of [
      async () => await redis.command('FLUSHALL'),
      async () => await redis.command('DEL', scene.key()),
    ]) {
      await remove()
      const begun = performance.now()
      await assertLoggedOut(scene)
      assert.match(await signInAgain(scene), LOST)
      tellRecovery('FM-21', performance.now() - begun, `(${mode}, up to a new login)`)
    }
    assert.doesNotMatch(product.log(), /ERR_INTERNAL|level=fatal/)
  })

  test(`FM-22: what others wrote under the key is no session, and stays as it is (${mode})`, async (t) => {
    const scene = await startFaultScene(t, { ...PATIENT, mode })
    const { product, redis } = scene
    const key = scene.key()
    const before = Buffer.from(String(await redis.command('GET', key)))
    const nested = '['.repeat(100_000)
    for (const [command, ...args] of [
      ['SET', ''],
      ['SET', '1'],
      ['SET', 'null'],
      ['SET', '{"sub":"alice"}'],
      ['SET', '{"__proto__":{"subject":"root"}}'],
      ['SET', nested],
      ['SET', 'x'.repeat(10_000_000)],
      ['SET', `2${String(before).slice(1)}`],
      ['RPUSH', 'a'],
      ['HSET', 'value', '1'],
    ] as const) {
      await redis.command('DEL', key)
      await redis.command(command, key, ...args)
      const written = await redis.command('DUMP', key)
      await assertLoggedOut(scene)
      assert.deepEqual(await redis.command('DUMP', key), written, 'it is not overwritten')
    }
    assert.match(product.log(), /a value in Redis is none of ours/)
    assert.ok(!product.log().includes(scene.ticket))
    assert.ok((await scene.metric('session_records_unreadable_total')) >= 10)
    assert.equal((await scene.ready()).status, 200)
    const begun = performance.now()
    await signInAgain(scene)
    tellRecovery('FM-22', performance.now() - begun, `(${mode}, a new login)`)
  })

  test(`FM-23: keys that lost their expiry, and a clock that jumps: the end holds all the same (${mode})`, async (t) => {
    const clock = createTestClock()
    const scene = await startFaultScene(t, { ...PATIENT, mode, clock, config: { session: { lifetime: '8h' } } })
    const { redis } = scene
    const alan = new Visitor()
    const callback = await toCallback(scene, alan, '/reports')
    for (const key of (await redis.command('KEYS', '*')) as string[]) await redis.command('PERSIST', key)
    clock.advance(7 * HOUR_MS)
    await until(WITHIN_MS, async () => assert.equal((await scene.ask('/me')).status, 200))
    await until(WITHIN_MS, async () =>
      assert.equal((await alan.go(callback)).status, 400, 'a login of seven hours ago'),
    )
    clock.advance(HOUR_MS)
    await assertLoggedOut(scene)
    const begun = performance.now()
    await signInAgain(scene)
    tellRecovery('FM-23', performance.now() - begun, `(${mode}, a new login)`)
  })
}

test('FM-22, V-093: a record of which one octet was changed is no session, or still the same', async (t) => {
  const scene = await startFaultScene(t, { ...PATIENT, mode: 'no near cache' })
  const { redis } = scene
  const key = scene.key()
  const length = Number(await redis.command('STRLEN', key))
  assert.ok(length > 200)
  for (const at of [0, 1, 5, 14, 30, 100, 112, 116, 120, 150, Math.floor(length / 2), length - 20, length - 1]) {
    const before = await redis.command('GETRANGE', key, String(at), String(at))
    for (const octet of ['X', '\u0000', '{']) {
      if (octet === before) continue
      await redis.command('SETRANGE', key, String(at), octet)
      const changed = await redis.command('DUMP', key)
      const { status } = await scene.ask('/me')
      assert.ok(status === 401 || status === 200, `octet ${at}: ${status}`)
      // What stands in the open and is bound to nothing may change: the version, and an end that is checked against the seal.
      if (status === 200) assert.ok(at < 112, `octet ${at} is not protected`)
      assert.deepEqual(await redis.command('DUMP', key), changed, 'and it is left as it is')
    }
    await redis.command('SETRANGE', key, String(at), String(before))
  }
})

/** A script gets 401 and a page is sent to the login; whose cookie it was need not be asked any more. */
async function assertLoggedOut(scene: FaultScene): Promise<void> {
  const { product, ada } = scene
  await until(WITHIN_MS, async () => assert.equal((await scene.ask('/me')).status, 401))
  await until(WITHIN_MS, async () => assert.equal((await scene.ask('/strict')).status, 401))
  const page = await ada.copy().go(`${product.door}/me`)
  assert.equal(page.status, 302)
  assert.match(page.headers['location'] ?? '', /\/\.oathkeeper\/login\?/)
}
