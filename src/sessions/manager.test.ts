import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestClock } from '../../test/support/test-clock.ts'
import { sessionDraft } from '../../test/support/session-draft.ts'
import { silentLogger } from '../kernel/logger.ts'
import { createSessionManager, type SessionManagerOptions } from './manager.ts'
import { MemoryStore } from './memory.ts'

const HOUR = 3_600_000

function setUp(options: Partial<SessionManagerOptions> = {}) {
  const clock = createTestClock()
  const store = new MemoryStore({ maxSessions: 1000, maxStates: 1000 }, clock)
  const manager = createSessionManager({
    store,
    clock,
    logger: silentLogger,
    lifetimes: { lifetimeMs: 24 * HOUR, idleTimeoutMs: undefined },
    refresh: { refreshBeforeMs: 60_000, onRefreshFailure: 'keep' },
    ...options,
  })
  return { clock, store, manager }
}

test('a ticket opens the session that it was made for, at once with the memory store', async () => {
  const { manager } = setUp()
  const { ticket, session } = await manager.create(sessionDraft())
  const opened = manager.open(ticket)
  assert.deepEqual(opened, session)
})

test('a second manager on the same store opens it too, with the same content', async () => {
  const { manager, store, clock } = setUp()
  const other = setUp({ store, clock }).manager
  const { ticket, session } = await manager.create(sessionDraft())
  assert.deepEqual(other.open(ticket), session)
})

test('E-06: the absolute lifetime is not moved by use', async () => {
  const { manager, clock } = setUp({ lifetimes: { lifetimeMs: HOUR, idleTimeoutMs: HOUR / 2 } })
  const { ticket } = await manager.create(sessionDraft())
  for (let minute = 0; minute < 59; minute++) {
    clock.advance(60_000)
    assert.notEqual(await manager.open(ticket), undefined, `minute ${minute}`)
  }
  clock.advance(60_000)
  assert.equal(await manager.open(ticket), undefined)
})

test('E-05: a session that is not used for the idle timeout ends, one that is used does not', async () => {
  const { manager, clock } = setUp({ lifetimes: { lifetimeMs: 24 * HOUR, idleTimeoutMs: 60_000 } })
  const used = await manager.create(sessionDraft())
  const unused = await manager.create(sessionDraft())
  clock.advance(50_000)
  assert.notEqual(await manager.open(used.ticket), undefined)
  clock.advance(11_000)
  assert.equal(await manager.open(unused.ticket), undefined)
  assert.notEqual(await manager.open(used.ticket), undefined)
  clock.advance(61_000)
  assert.equal(await manager.open(used.ticket), undefined)
})

test('E-02, V-066: every login gets a new id, and an ended ticket opens nothing on any instance', async () => {
  const { manager, store, clock } = setUp()
  const other = setUp({ store, clock }).manager
  const first = await manager.create(sessionDraft())
  assert.notEqual(await other.open(first.ticket), undefined)
  const second = await manager.create(sessionDraft())
  assert.notEqual(first.session.id, second.session.id)
  assert.deepEqual(await manager.end(first.ticket, 'superseded'), first.session)
  assert.equal(await manager.open(first.ticket), undefined)
  assert.equal(await other.open(first.ticket), undefined)
  assert.notEqual(await manager.open(second.ticket), undefined)
})

test('ending twice, or ending junk, is no error', async () => {
  const { manager } = setUp()
  const { ticket } = await manager.create(sessionDraft())
  await manager.end(ticket, 'logout')
  assert.equal(await manager.end(ticket, 'logout'), undefined)
  assert.equal(await manager.end('junk', 'logout'), undefined)
})

test('V-075: a right id with a wrong secret neither opens nor ends the session', async () => {
  const { manager } = setUp()
  const { ticket } = await manager.create(sessionDraft())
  const forged = ticket.slice(0, 26) + (ticket.slice(26, 45) === 'A'.repeat(19) ? 'B' : 'A').repeat(19) + 'A'
  assert.equal(await manager.open(forged), undefined)
  assert.equal(await manager.end(forged, 'logout'), undefined)
  assert.notEqual(await manager.open(ticket), undefined)
})
