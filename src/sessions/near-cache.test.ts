import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  countReads,
  NEAR_CACHE,
  startRedisInstance,
  startRedisRig,
  startSecondWay,
} from '../../test/support/redis-instances.ts'
import { sessionDraft } from '../../test/support/session-draft.ts'
import { until } from '../../test/support/until.ts'

const AT_THE_LATEST_MS = 1000

test('a session that was opened is given at once, and Redis is not asked again', async (t) => {
  const rig = await startRedisRig(t)
  const { manager, subjectOf } = await startRedisInstance(t, rig)
  const { ticket } = await manager.create(sessionDraft())
  assert.equal(await subjectOf(ticket), 'alice')
  const reads = await countReads(rig, () => {
    for (let i = 0; i < 100; i++) {
      const opened = manager.open(ticket)
      assert.ok(!(opened instanceof Promise), 'no promise')
      assert.equal(opened?.subject, 'alice')
    }
  })
  assert.equal(reads, 0)
})

test('what another instance writes is seen, and opened once more', async (t) => {
  const rig = await startRedisRig(t)
  const refreshed = sessionDraft({ claims: { sub: 'alice', role: 'admin' } })
  const tokens = { ...refreshed.tokens, refreshToken: 'r', accessTokenExpiresAt: rig.clock.now() + 600_000 }
  const [one, two] = [await startRedisInstance(t, rig), await startRedisInstance(t, rig)]
  const { ticket } = await one.manager.create(sessionDraft({ tokens }))
  assert.equal((await two.manager.open(ticket))?.claims['role'], undefined)
  one.manager.onRefresh(async () => ({ kind: 'refreshed', tokens: refreshed.tokens, claims: refreshed.claims }))
  rig.clock.advance(590_000)
  await one.manager.open(ticket)
  await until(1000, async () => assert.equal((await two.manager.open(ticket))?.claims['role'], 'admin'))
  assert.equal(await countReads(rig, () => two.manager.open(ticket)), 0)
})

test('FM-21: FLUSHALL ends every session in every near cache', async (t) => {
  const rig = await startRedisRig(t)
  const { manager, subjectOf } = await startRedisInstance(t, rig)
  const tickets = await Promise.all(
    Array.from({ length: 10 }, async () => (await manager.create(sessionDraft())).ticket),
  )
  for (const ticket of tickets) assert.equal(await subjectOf(ticket), 'alice')
  await rig.server.command('FLUSHALL')
  for (const ticket of tickets)
    await until(AT_THE_LATEST_MS, async () => assert.equal(await subjectOf(ticket), undefined))
})

test('when the connection drops nothing is believed any more: the next request asks, once', async (t) => {
  const rig = await startRedisRig(t)
  const [one, two] = [await startRedisInstance(t, rig), await startRedisInstance(t, rig)]
  const { ticket } = await one.manager.create(sessionDraft())
  const other = await one.manager.create(sessionDraft())
  for (const each of [ticket, other.ticket]) assert.equal(await two.subjectOf(each), 'alice')
  rig.proxy.resetAll()
  await until(2000, () => one.store.ping())
  await one.manager.end(other.ticket, 'logout')
  await until(2000, () => two.store.ping())
  assert.equal(await two.subjectOf(other.ticket), undefined)
  const reads = await countReads(rig, async () => {
    for (let i = 0; i < 5; i++) assert.equal(await two.subjectOf(ticket), 'alice')
  })
  assert.equal(reads, 1)
})

test('a connection that died without a sign is noticed by itself, and an end that it kept back is seen', async (t) => {
  const rig = await startRedisRig(t)
  const direct = await startSecondWay(t, rig)
  const [one, two] = [await startRedisInstance(t, direct), await startRedisInstance(t, rig)]
  const { ticket } = await one.manager.create(sessionDraft())
  assert.equal(await two.subjectOf(ticket), 'alice')
  rig.proxy.blackHole = true
  await one.manager.end(ticket, 'logout')
  const noticed = await until(2000, () => assert.rejects(async () => await two.manager.open(ticket, 'deny')))
  t.diagnostic(`noticed after ${Math.round(noticed)} ms`)
  rig.proxy.blackHole = false
  await until(2000, async () => assert.equal(await two.subjectOf(ticket), undefined))
})

test('V-092: an end that arrives together with the answer that it overtook is not lost', async (t) => {
  const rig = await startRedisRig(t)
  const direct = await startSecondWay(t, rig)
  const [one, two] = [await startRedisInstance(t, direct), await startRedisInstance(t, rig)]
  for (let i = 0; i < 5; i++) {
    const { ticket } = await one.manager.create(sessionDraft())
    // The answer is held back until the message that the session is over stands behind it.
    rig.proxy.delayMs = 60
    const opening = two.subjectOf(ticket)
    await sleep(10)
    rig.proxy.delayMs = 0
    await one.manager.end(ticket, 'logout')
    assert.equal(await opening, 'alice', 'it was there when it was asked for')
    await until(AT_THE_LATEST_MS, async () => assert.equal(await two.subjectOf(ticket), undefined))
  }
})

test('after max_age the store is asked, whoever vouches', async (t) => {
  const rig = await startRedisRig(t)
  const { manager } = await startRedisInstance(t, rig)
  const { ticket } = await manager.create(sessionDraft())
  await manager.open(ticket)
  rig.clock.advance(59_999)
  assert.equal(await countReads(rig, () => manager.open(ticket)), 0)
  rig.clock.advance(1)
  assert.equal(await countReads(rig, () => manager.open(ticket)), 1)
  assert.equal(await countReads(rig, () => manager.open(ticket)), 0)
})

test('no more than max_sessions are kept; the one unused for longest is asked for again', async (t) => {
  const rig = await startRedisRig(t)
  const { manager } = await startRedisInstance(t, rig, {
    manager: { nearCache: { ...NEAR_CACHE, maxSessions: 3 } },
  })
  const tickets: string[] = []
  for (let i = 0; i < 4; i++) {
    const { ticket } = await manager.create(sessionDraft())
    await manager.open(ticket)
    tickets.push(ticket)
  }
  const reads = await countReads(rig, async () => {
    for (const ticket of tickets.slice(1)) await manager.open(ticket)
  })
  assert.equal(reads, 0)
  assert.equal(await countReads(rig, () => manager.open(tickets[0] ?? '')), 1)
})

test('E-06, E-05: a session in the near cache ends at its time', async (t) => {
  const rig = await startRedisRig(t)
  const lifetimes = { lifetimeMs: 100_000, idleTimeoutMs: 50_000 }
  const { manager, subjectOf } = await startRedisInstance(t, rig, {
    manager: { lifetimes, nearCache: { ...NEAR_CACHE, maxAgeMs: 3_600_000 } },
  })
  const { ticket } = await manager.create(sessionDraft())
  await manager.open(ticket)
  rig.clock.advance(50_000)
  assert.equal(await subjectOf(ticket), undefined)
})

test('switched off, the store is asked at each request, and the server tracks nothing', async (t) => {
  const rig = await startRedisRig(t)
  const { manager } = await startRedisInstance(t, rig, {
    manager: { nearCache: undefined },
    redis: { tracking: false },
  })
  const { ticket } = await manager.create(sessionDraft())
  const reads = await countReads(rig, async () => {
    for (let i = 0; i < 5; i++) await manager.open(ticket)
  })
  assert.equal(reads, 5)
  assert.match(String(await rig.server.command('INFO', 'clients')), /tracking_clients:0/)
})
