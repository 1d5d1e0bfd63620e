import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sessionDraft } from '../../test/support/session-draft.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { createUnreliableStore } from '../../test/support/unreliable-store.ts'
import { silentLogger } from '../kernel/logger.ts'
import { createSessionManager } from './manager.ts'
import { MemoryStore } from './memory.ts'
import { createProviderLogouts } from './provider-logouts.ts'

const issuer = 'https://issuer.example'

function setUp() {
  const clock = createTestClock()
  const store = createUnreliableStore(new MemoryStore({ maxSessions: 1000, maxStates: 1000 }, clock))
  const manager = createSessionManager({
    store,
    clock,
    logger: silentLogger,
    lifetimes: { lifetimeMs: 3_600_000, idleTimeoutMs: undefined },
    refresh: { refreshBeforeMs: 60_000, onRefreshFailure: 'keep' },
  })
  const begin = async (sid?: string) => (await manager.create(sessionDraft({ sid }))).ticket
  const isAlive = async (ticket: string) => (await manager.open(ticket)) !== undefined
  const login = (changes = {}) => ({ issuer, subject: 'alice', sid: 'one', startedAt: 0, issuedAt: 0, ...changes })
  return { clock, store, begin, isAlive, login, logouts: createProviderLogouts(manager, store, clock) }
}

test('C-13, V-010: a token that is told again ends nothing more, at whatever instance and in the same millisecond', async () => {
  const { clock, begin, isAlive, logouts } = setUp()
  const logout = { of: { issuer, subject: 'alice' }, tokenId: 'jti', issuedAt: clock.now() }
  const before = await begin()
  assert.equal(await logouts.complete(logout), 1)
  const after = await begin()
  assert.equal(await logouts.complete(logout), 'repeated')
  assert.deepEqual([await isAlive(before), await isAlive(after)], [false, true])
  // The id is the issuer's: another's token of the same id is another token.
  assert.equal(await logouts.complete({ ...logout, of: { issuer: 'https://other.example', subject: 'alice' } }), 0)
})

test('C-13: a token that comes late spares a session that began after it was made', async () => {
  const { clock, begin, isAlive, logouts } = setUp()
  const issuedAt = clock.now()
  const before = await begin()
  clock.advance(61_001)
  const after = await begin()
  assert.equal(await logouts.complete({ of: { issuer, subject: 'alice' }, tokenId: 'jti', issuedAt }), 1)
  assert.deepEqual([await isAlive(before), await isAlive(after)], [false, true])
})

test('C-15: a token whose logout failed is no repetition when it is told again', async () => {
  const { clock, store, begin, isAlive, logouts } = setUp()
  const logout = { of: { issuer, subject: 'alice' }, tokenId: 'jti', issuedAt: clock.now() }
  for (const operation of ['getNote', 'putNote', 'findSessions', 'getSession', 'deleteSession']) {
    await begin()
    store.failing.add(operation)
    await assert.rejects(logouts.complete(logout), { code: 'ERR_SESSION_STORE_UNAVAILABLE' }, operation)
    store.failing.clear()
  }
  const ticket = await begin()
  assert.notEqual(await logouts.complete(logout), 'repeated')
  assert.equal(await isAlive(ticket), false)
})

test('a login whose session at the provider was logged out while it was under way is over', async () => {
  const { clock, login, logouts } = setUp()
  const startedAt = clock.now()
  clock.advance(1000)
  const issuedAt = clock.now()
  await logouts.complete({ of: { issuer, subject: 'alice', sid: 'one' }, tokenId: 'jti', issuedAt })
  assert.equal(await logouts.hasOvertaken(login({ startedAt, issuedAt: issuedAt + 5000 })), true)
  assert.equal(await logouts.hasOvertaken(login({ startedAt, sid: 'two' })), false)
  assert.equal(await logouts.hasOvertaken(login({ startedAt, sid: undefined })), false)
  assert.equal(await logouts.hasOvertaken(login({ startedAt, subject: 'bob' })), false)
  assert.equal(await logouts.hasOvertaken(login({ startedAt, issuer: 'https://other.example' })), false)
  // Sent to the provider after it: a new login, even if the provider uses its names of sessions again.
  assert.equal(await logouts.hasOvertaken(login({ startedAt: clock.now() + 1 })), false)
})

test('a login of a person who was logged out everywhere meanwhile is over, unless the provider let them in afterwards', async () => {
  const { clock, login, logouts } = setUp()
  const startedAt = clock.now()
  clock.advance(5000)
  const issuedAt = clock.now()
  await logouts.complete({ of: { issuer, subject: 'alice' }, tokenId: 'jti', issuedAt })
  assert.equal(await logouts.hasOvertaken(login({ startedAt, issuedAt })), true)
  assert.equal(await logouts.hasOvertaken(login({ startedAt, issuedAt: undefined })), true)
  assert.equal(await logouts.hasOvertaken(login({ startedAt, issuedAt: issuedAt + 1000 })), false)
  assert.equal(await logouts.hasOvertaken(login({ startedAt: clock.now() + 1, issuedAt })), false)
  clock.advance(300_000)
  assert.equal(await logouts.hasOvertaken(login({ startedAt, issuedAt })), false)
})

test('however long the names of a provider are, what is noted of a logout is short', async () => {
  const { clock, store, login, logouts } = setUp()
  const subject = 'a'.repeat(5_000)
  const noted: string[] = []
  const { putNote } = store
  store.putNote = (name, text, expiresAt) => {
    noted.push(name + text)
    return putNote.call(store, name, text, expiresAt)
  }
  const startedAt = clock.now()
  clock.advance(1000)
  const of = { issuer, subject, sid: 's'.repeat(5_000) }
  await logouts.complete({ of, tokenId: 'j'.repeat(5_000), issuedAt: clock.now() })
  assert.ok(noted.length > 0 && noted.every((one) => one.length < 300))
  const late = login({ subject, sid: of.sid, startedAt, issuedAt: clock.now() })
  assert.equal(await logouts.hasOvertaken(late), true)
  assert.equal(await logouts.hasOvertaken({ ...late, subject: 'bob' }), false)
})
