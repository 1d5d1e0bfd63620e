import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createTestClock } from '../../test/support/test-clock.ts'
import { sessionDraft } from '../../test/support/session-draft.ts'
import { createUnreliableStore } from '../../test/support/unreliable-store.ts'
import { until } from '../../test/support/until.ts'
import { silentLogger } from '../kernel/logger.ts'
import { createSessionManager } from './manager.ts'
import { MemoryStore } from './memory.ts'
import { issueTicket } from './ticket.ts'

/** More than are kept. */
const FORGED = 100_001

function createManager() {
  const clock = createTestClock()
  const inner = new MemoryStore({ maxSessions: 1000, maxStates: 1000 }, clock)
  const store = createUnreliableStore(inner)
  const manager = createSessionManager({
    store,
    clock,
    logger: silentLogger,
    lifetimes: { lifetimeMs: 3_600_000, idleTimeoutMs: undefined },
    refresh: { refreshBeforeMs: 60_000, onRefreshFailure: 'keep' },
  })
  return { clock, inner, store, manager }
}

test('FM-04: an instance that stops tells a store that is back of the logouts that it owes', async () => {
  for (const isBack of [true, false]) {
    const { inner, store, manager, clock } = createManager()
    const { ticket } = await manager.create(sessionDraft())
    store.down = true
    await assert.rejects(manager.end(ticket, 'logout'))
    store.down = !isBack
    await manager.close()
    assert.equal(inner.sizes.sessions, isBack ? 0 : 1)
    await inner.close()
    assert.equal(clock.pending, 0)
  }
})

test('FM-10, V-078: forged tickets that are logged out during an outage push out nobody’s logout', async () => {
  const { clock, inner, store, manager } = createManager()
  const { ticket: before } = await manager.create(sessionDraft())
  const { ticket: after } = await manager.create(sessionDraft())
  store.down = true
  await assert.rejects(manager.end(before, 'logout'))
  for (let i = 0; i < FORGED; i++) await manager.end(issueTicket(randomBytes).text, 'logout').catch(() => undefined)
  await assert.rejects(manager.end(after, 'logout'))
  store.down = false
  for (const ticket of [before, after]) assert.equal(await manager.open(ticket), undefined)
  clock.advance(1_000)
  // In the store too: another instance has no tombstones.
  await until(10_000, async () => assert.equal(inner.sizes.sessions, 0))
  await manager.close()
})
