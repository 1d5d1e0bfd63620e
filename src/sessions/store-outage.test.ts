import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  NEAR_CACHE,
  startRedisInstance,
  startRedisRig,
  startSecondWay,
  type RedisInstance,
} from '../../test/support/redis-instances.ts'
import { sessionDraft } from '../../test/support/session-draft.ts'
import { timed, until } from '../../test/support/until.ts'

const UNAVAILABLE = { code: 'ERR_SESSION_STORE_UNAVAILABLE' }
const DEADLINE_MS = 250
const GRACE_MS = NEAR_CACHE.outageGraceMs

/** Somebody logged in, and the store knows it. */
async function logIn({ manager }: RedisInstance, subject = 'alice'): Promise<string> {
  const { ticket } = await manager.create(sessionDraft({ subject }))
  assert.equal((await manager.open(ticket))?.subject, subject)
  return ticket
}

async function assertUnavailable(open: () => unknown): Promise<void> {
  await assert.rejects(async () => await open(), UNAVAILABLE)
}

/** Until the instance has noticed that the store is away. */
async function noticed({ store }: RedisInstance): Promise<void> {
  await until(2000, () => assert.rejects(async () => await store.ping()))
}

test('FM-04: who is signed in goes on for the grace and not a moment longer; then it is 503, and nobody was logged out', async (t) => {
  const rig = await startRedisRig(t, { persist: true })
  const instance = await startRedisInstance(t, rig)
  const ticket = await logIn(instance)
  await rig.server.stop()
  await noticed(instance)
  const goneAt = rig.clock.now()
  assert.equal(await instance.subjectOf(ticket), 'alice')
  rig.clock.advance(goneAt + GRACE_MS - 1 - rig.clock.now())
  assert.equal(await instance.subjectOf(ticket), 'alice')
  rig.clock.advance(1)
  await assertUnavailable(() => instance.manager.open(ticket))
  await rig.server.start()
  const recovery = await until(2000, async () => assert.equal(await instance.subjectOf(ticket), 'alice'))
  t.diagnostic(`recovered after ${Math.round(recovery)} ms`)
})

test('a session from before max_age goes on too: it was vouched for up to the outage', async (t) => {
  const rig = await startRedisRig(t)
  const instance = await startRedisInstance(t, rig)
  const ticket = await logIn(instance)
  rig.clock.advance(NEAR_CACHE.maxAgeMs * 10)
  await rig.server.stop()
  await noticed(instance)
  assert.equal(await instance.subjectOf(ticket), 'alice')
})

test('a login that nobody has used yet goes on too, and so does what was touched last', async (t) => {
  const rig = await startRedisRig(t)
  const lifetimes = { lifetimeMs: 86_400_000, idleTimeoutMs: 3_600_000 }
  const instance = await startRedisInstance(t, rig, { manager: { lifetimes } })
  const unused = (await instance.manager.create(sessionDraft())).ticket
  const touched = await logIn(instance)
  rig.clock.advance(600_000)
  await rig.server.command('CONFIG', 'RESETSTAT')
  assert.equal(await instance.subjectOf(touched), 'alice')
  // It was read, its head was read for the write, and by the write itself, and what was written is read back.
  await until(2000, async () => {
    const stats = String(await rig.server.command('INFO', 'commandstats'))
    assert.ok(Number(/cmdstat_getrange:calls=(\d+)/.exec(stats)?.[1]) >= 4)
  })
  await rig.server.stop()
  await noticed(instance)
  for (const ticket of [unused, touched]) assert.equal(await instance.subjectOf(ticket), 'alice')
})

test('store_outage: deny is 503 at once while the store is away, and as ever otherwise', async (t) => {
  const rig = await startRedisRig(t)
  const instance = await startRedisInstance(t, rig)
  const ticket = await logIn(instance)
  assert.equal((await instance.manager.open(ticket, 'deny'))?.subject, 'alice')
  await rig.server.stop()
  await noticed(instance)
  await assertUnavailable(() => instance.manager.open(ticket, 'deny'))
  assert.equal((await instance.manager.open(ticket, 'grace'))?.subject, 'alice')
})

test('without a grace, or without a near cache, it is 503 from the first moment', async (t) => {
  const rig = await startRedisRig(t)
  for (const nearCache of [{ ...NEAR_CACHE, outageGraceMs: 0 }, undefined]) {
    const instance = await startRedisInstance(t, rig, { manager: { nearCache } })
    const ticket = await logIn(instance)
    await rig.server.stop()
    await noticed(instance)
    await assertUnavailable(() => instance.manager.open(ticket))
    await rig.server.start()
  }
})

test('what this instance does not know is 503 and never "no session"', async (t) => {
  const rig = await startRedisRig(t)
  const [one, two] = [await startRedisInstance(t, rig), await startRedisInstance(t, rig)]
  const ticket = (await one.manager.create(sessionDraft())).ticket
  await rig.server.stop()
  await noticed(two)
  await assertUnavailable(() => two.manager.open(ticket))
})

test('what another instance had ended before the outage does not go on', async (t) => {
  const rig = await startRedisRig(t)
  const [one, two] = [await startRedisInstance(t, rig), await startRedisInstance(t, rig)]
  const ticket = await logIn(one)
  assert.equal(await two.subjectOf(ticket), 'alice')
  await one.manager.end(ticket, 'logout')
  await sleep(50)
  await rig.server.stop()
  await noticed(two)
  await assertUnavailable(() => two.manager.open(ticket))
})

test('FM-10: a logout during the outage holds here at once, and everywhere when the store is back', async (t) => {
  const rig = await startRedisRig(t, { persist: true })
  const [one, two] = [await startRedisInstance(t, rig), await startRedisInstance(t, rig)]
  const ticket = await logIn(one)
  assert.equal(await two.subjectOf(ticket), 'alice')
  await rig.server.stop()
  await noticed(one)
  await assertUnavailable(() => one.manager.end(ticket, 'logout'))
  assert.equal(await one.subjectOf(ticket), undefined)
  await rig.server.start()
  await until(2000, () => one.store.ping())
  assert.equal(await one.subjectOf(ticket), undefined)
  rig.clock.advance(5_000)
  await until(2000, async () => assert.equal(await two.subjectOf(ticket), undefined))
})

test('FM-06: a store that comes back empty ends the sessions that went on', async (t) => {
  const rig = await startRedisRig(t)
  const instance = await startRedisInstance(t, rig)
  const ticket = await logIn(instance)
  await rig.server.stop()
  await noticed(instance)
  assert.equal(await instance.subjectOf(ticket), 'alice')
  await rig.server.start()
  await until(2000, async () => assert.equal(await instance.subjectOf(ticket), undefined))
})

test('FM-14: a store that hangs costs those who are signed in nothing, and all others one deadline together', async (t) => {
  const rig = await startRedisRig(t)
  const instance = await startRedisInstance(t, rig)
  const ticket = await logIn(instance)
  const unknown = (await (await startRedisInstance(t, await startSecondWay(t, rig))).manager.create(sessionDraft()))
    .ticket
  rig.server.pause()
  t.after(() => rig.server.resume())
  const known = await timed(() => instance.subjectOf(ticket))
  assert.equal(known.value, 'alice')
  assert.ok(known.ms < DEADLINE_MS, `${known.ms} ms`)
  const { ms } = await timed(async () => {
    for (let i = 0; i < 200; i++) {
      await assertUnavailable(() => instance.manager.open(unknown))
      assert.equal(await instance.subjectOf(ticket), 'alice')
    }
  })
  t.diagnostic(`200 requests one after the other took ${Math.round(ms)} ms`)
  assert.ok(ms < 4 * DEADLINE_MS, `${ms} ms`)
  rig.server.resume()
  const recovery = await until(2000, async () => assert.equal(await instance.subjectOf(unknown), 'alice'))
  t.diagnostic(`recovered after ${Math.round(recovery)} ms`)
})

test('FM-19: a store that is there and cannot answer is bridged as one that is away', async (t) => {
  const rig = await startRedisRig(t)
  const instance = await startRedisInstance(t, rig)
  const ticket = await logIn(instance)
  rig.clock.advance(NEAR_CACHE.maxAgeMs)
  rig.proxy.answer = (request) =>
    request.includes('GETRANGE') ? '-BUSY Redis is busy running a script\r\n' : undefined
  assert.equal(await instance.subjectOf(ticket), 'alice')
  rig.clock.advance(GRACE_MS)
  await assertUnavailable(() => instance.manager.open(ticket))
  rig.proxy.answer = undefined
  assert.equal(await instance.subjectOf(ticket), 'alice')
})

test('a refresh that falls into the outage is made up for, and ends no session', async (t) => {
  const rig = await startRedisRig(t, { persist: true })
  const instance = await startRedisInstance(t, rig)
  let refreshes = 0
  instance.manager.onRefresh(async (session) => {
    refreshes++
    const tokens = { ...session.tokens, accessToken: 'access-2', accessTokenExpiresAt: rig.clock.now() + 600_000 }
    return { kind: 'refreshed', tokens, claims: undefined }
  })
  const { tokens } = sessionDraft()
  const due = { ...tokens, refreshToken: 'r', accessTokenExpiresAt: rig.clock.now() + 70_000 }
  const { ticket } = await instance.manager.create(sessionDraft({ tokens: due }))
  await instance.manager.open(ticket)
  await rig.server.stop()
  await noticed(instance)
  rig.clock.advance(20_000)
  assert.equal(await instance.subjectOf(ticket), 'alice')
  assert.equal(refreshes, 0, 'nobody holds the lease')
  await rig.server.start()
  await until(2000, () => instance.store.ping())
  rig.clock.advance(40_000)
  await until(2000, async () => assert.equal((await instance.manager.open(ticket))?.tokens.accessToken, 'access-2'))
  assert.equal(refreshes, 1)
})
