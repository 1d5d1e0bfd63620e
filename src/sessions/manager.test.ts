import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createTestClock } from '../../test/support/test-clock.ts'
import { createUnreliableStore } from '../../test/support/unreliable-store.ts'
import { sessionDraft } from '../../test/support/session-draft.ts'
import { silentLogger } from '../kernel/logger.ts'
import { sessionEvents } from './events.ts'
import { createSessionManager, type SessionManagerOptions } from './manager.ts'
import { MemoryStore } from './memory.ts'
import { issueTicket } from './ticket.ts'

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

test('V-041, E-10: junk is refused without asking the store', async () => {
  const { store, clock } = setUp()
  const slow = createUnreliableStore(store)
  const asked: string[] = []
  slow.before = (operation) => asked.push(operation)
  const { manager } = setUp({ store: slow, clock })
  const { ticket } = await setUp({ store, clock }).manager.create(sessionDraft())
  for (const junk of ['', ticket.slice(1), `${ticket}=`, ticket.slice(0, -1), '*', `v1.${'%'.repeat(43)}`]) {
    assert.equal(manager.open(junk), undefined)
    assert.equal(await manager.end(junk, 'logout'), undefined)
  }
  assert.deepEqual(asked, [])
})

test('E-03, V-095: an id that was not issued here is never adopted', async () => {
  const { manager, store } = setUp()
  const planted = `v1.${'A'.repeat(43)}`
  assert.equal(await manager.open(planted), undefined)
  const { ticket } = await manager.create(sessionDraft())
  assert.notEqual(ticket, planted)
  assert.equal(await manager.open(planted), undefined)
  assert.equal(store.sizes.sessions, 1)
})

test('V-134: a store that cannot be asked is an error with Retry-After and never "no session"; the ticket works again after', async () => {
  const { store, clock } = setUp()
  const slow = createUnreliableStore(store)
  const { manager } = setUp({ store: slow, clock })
  const { ticket } = await manager.create(sessionDraft())
  slow.down = true
  const refusal = { code: 'ERR_SESSION_STORE_UNAVAILABLE', status: 503, headers: [['Retry-After', '1']] }
  await assert.rejects(async () => await manager.open(ticket), refusal)
  await assert.rejects(manager.create(sessionDraft()), refusal)
  slow.down = false
  assert.notEqual(await manager.open(ticket), undefined)
})

test('FM-10: a logout that the store could not be told of never claims success, holds here, and is told later', async () => {
  const { store, clock } = setUp()
  const slow = createUnreliableStore(store)
  const { manager } = setUp({ store: slow, clock })
  const other = setUp({ store, clock }).manager
  const { ticket } = await manager.create(sessionDraft())
  slow.down = true
  await assert.rejects(manager.end(ticket, 'logout'), { code: 'ERR_SESSION_STORE_UNAVAILABLE' })
  assert.equal(manager.open(ticket), undefined)
  clock.advance(5_000)
  await turn()
  slow.down = false
  assert.equal(manager.open(ticket), undefined)
  assert.notEqual(await other.open(ticket), undefined)
  clock.advance(5_000)
  await turn()
  assert.equal(await other.open(ticket), undefined)
  assert.equal(clock.pending, 1)
})

test('FM-10: a record that a failover brought back stays ended here', async () => {
  const { manager, store, clock } = setUp()
  const { ticket } = await manager.create(sessionDraft())
  const [key = ''] = store.findSessions({ subject: JSON.stringify(['https://issuer.example', 'alice']) })
  const record = store.getSession(key)
  await manager.end(ticket, 'logout')
  store.createSession(key, record?.value ?? new Uint8Array(), clock.now() + HOUR, { subject: 'alice' })
  assert.equal(await manager.open(ticket), undefined)
})

test('FM-10: a record that a failover brought back stays ended here, also when there was nothing left to end', async () => {
  const { store, clock } = setUp()
  const lossy = createUnreliableStore(store)
  const { manager } = setUp({ store: lossy, clock })
  const { ticket } = await manager.create(sessionDraft())
  const [key = ''] = store.findSessions({ subject: JSON.stringify(['https://issuer.example', 'alice']) })
  const record = store.getSession(key)
  // The store does it, and its answer is lost: the next time there is nothing.
  lossy.before = (operation) => operation === 'deleteSession' && store.deleteSession(key)
  lossy.failing.add('deleteSession')
  await assert.rejects(manager.end(ticket, 'logout'), { code: 'ERR_SESSION_STORE_UNAVAILABLE' })
  await manager.end(ticket, 'logout')
  clock.advance(5_000)
  await turn()
  store.createSession(key, record?.value ?? new Uint8Array(), clock.now() + HOUR, { subject: 'alice' })
  assert.equal(await manager.open(ticket), undefined)
})

test('FM-10: a write that a failover threw away is not taken for the one that has its version now', async () => {
  const { store, clock, manager } = setUp({ lifetimes: { lifetimeMs: 24 * HOUR, idleTimeoutMs: HOUR } })
  const other = setUp({ store, clock }).manager
  const { tokens } = sessionDraft()
  const due = { ...tokens, refreshToken: 'r-1', accessTokenExpiresAt: clock.now() + 5 * 60_000 }
  const { ticket, session } = await manager.create(sessionDraft({ tokens: due }))
  const index = { subject: JSON.stringify([session.issuer, session.subject]) }
  const [key = ''] = store.findSessions(index)
  const before = store.getSession(key)
  clock.advance(4 * 60_000)
  // It was used here: version 2.
  await manager.open(ticket)
  store.deleteSession(key)
  store.createSession(key, before?.value ?? new Uint8Array(), clock.now() + HOUR, index)
  // It is refreshed elsewhere, and not touched yet: version 2 once more.
  other.onRefresh(async () => ({ kind: 'refreshed', tokens: { ...due, refreshToken: 'r-2' }, claims: undefined }))
  await other.open(ticket)
  await turn()
  assert.equal((await manager.open(ticket))?.tokens.refreshToken, 'r-2')
})

test('V-092: an open that was under way when the session ended gives nothing', async () => {
  const { store, clock } = setUp()
  const slow = createUnreliableStore(store)
  const { manager } = setUp({ store: slow, clock })
  const { ticket } = await manager.create(sessionDraft())
  const { promise: held, resolve: answer } = Promise.withResolvers<void>()
  const inner = store.getSession.bind(store)
  slow.getSession = async (key) => {
    const record = inner(key)
    await held
    return record
  }
  const opening = manager.open(ticket)
  slow.getSession = async (key) => inner(key)
  await manager.end(ticket, 'logout')
  answer()
  assert.equal(await opening, undefined)
})

test('V-092: writing "last seen" late does not bring an ended session back', async () => {
  const { store, clock } = setUp()
  const slow = createUnreliableStore(store)
  const lifetimes = { lifetimeMs: 24 * HOUR, idleTimeoutMs: HOUR }
  const { manager } = setUp({ store: slow, clock, lifetimes })
  const { ticket } = await manager.create(sessionDraft())
  clock.advance(HOUR / 2)
  const { promise: held, resolve: write } = Promise.withResolvers<void>()
  slow.before = (operation) => (operation === 'updateSession' ? held : undefined)
  assert.notEqual(await manager.open(ticket), undefined)
  await setUp({ store, clock, lifetimes }).manager.end(ticket, 'logout')
  write()
  await turn()
  assert.equal(await manager.open(ticket), undefined)
  assert.equal(store.sizes.sessions, 0)
})

test('"last seen" is written at most once in its interval, however many requests there are', async () => {
  const { store, clock } = setUp()
  const slow = createUnreliableStore(store)
  let writes = 0
  slow.before = (operation) => operation === 'updateSession' && writes++
  const { manager } = setUp({ store: slow, clock, lifetimes: { lifetimeMs: 24 * HOUR, idleTimeoutMs: HOUR } })
  const { ticket } = await manager.create(sessionDraft())
  for (let second = 0; second < 600; second++) {
    clock.advance(1_000)
    await manager.open(ticket)
  }
  assert.ok(writes >= 9 && writes <= 10, `${writes} writes in ten minutes`)
})

test('FM-22: a record that is corrupt or foreign is no session, is left as it is, and is told with the hash alone', async () => {
  const { store, clock } = setUp()
  const logged: unknown[] = []
  const logger = { ...silentLogger, warn: (fields: unknown, message: string) => void logged.push(fields, message) }
  const { manager } = setUp({ store, clock, logger })
  const { ticket } = await manager.create(sessionDraft())
  const [key = ''] = store.findSessions({ subject: JSON.stringify(['https://issuer.example', 'alice']) })
  let version = 1
  for (const bytes of [
    Buffer.from('{"sub":"alice"}'),
    Buffer.alloc(10_000_000, 1),
    Buffer.from('['.repeat(100_000)),
    new Uint8Array(),
  ]) {
    store.updateSession(key, bytes, clock.now() + HOUR, version++)
    assert.equal(await manager.open(ticket), undefined)
    assert.deepEqual(store.getSession(key)?.value, new Uint8Array(bytes))
  }
  assert.equal(logged.length, 8)
  assert.equal(JSON.stringify(logged).includes(ticket), false)
})

test('what happens is told on a diagnostics channel', async () => {
  const { manager } = setUp()
  const events: unknown[] = []
  const listen = (event: unknown) => void events.push(event)
  sessionEvents.subscribe(listen)
  const { ticket } = await manager.create(sessionDraft())
  await manager.open('junk')
  await manager.open(ticket)
  await manager.end(ticket, 'logout')
  await manager.open(ticket)
  sessionEvents.unsubscribe(listen)
  assert.deepEqual(events, [
    { type: 'created', provider: 'demo' },
    { type: 'refused', cause: 'malformed' },
    { type: 'ended', provider: 'demo', reason: 'logout' },
    { type: 'refused', cause: 'ended' },
  ])
})

test('E-18: ten thousand guessed tickets cost the store one look-up each and leave nothing behind', async () => {
  const { manager, store } = setUp()
  for (let i = 0; i < 10_000; i++) {
    const guess = issueTicket(randomBytes).text
    assert.equal(await manager.open(guess), undefined)
    if (i % 100 === 0) assert.equal(await manager.end(guess, 'logout'), undefined)
  }
  assert.equal(store.sizes.sessions, 0)
})

test('a session that is to end earlier than the lifetime does, and one that is to end later does not', async () => {
  const { manager, clock } = setUp({ lifetimes: { lifetimeMs: HOUR, idleTimeoutMs: undefined } })
  const early = await manager.create(sessionDraft({ expiresAt: clock.now() + 60_000 }))
  const late = await manager.create(sessionDraft({ expiresAt: clock.now() + 2 * HOUR }))
  assert.equal(late.session.expiresAt, clock.now() + HOUR)
  clock.advance(60_000)
  assert.equal(await manager.open(early.ticket), undefined)
  assert.notEqual(await manager.open(late.ticket), undefined)
})
