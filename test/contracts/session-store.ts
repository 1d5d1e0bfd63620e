import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { END_REASONS, type EndReason, type SessionIndex, type SessionStore } from '../../src/sessions/contract.ts'
import type { TestClock } from '../support/test-clock.ts'
import { until } from '../support/until.ts'

/** How the suite makes a store. It is started by the suite and closed by it. */
export interface SessionStoreContract {
  /** For the titles. */
  readonly name: string
  /** A store with nothing in it, on a clock that the suite moves. */
  create(clock: TestClock): Promise<SessionStore>
  /** Another instance on the same data; absent where the data is in the process. */
  createAnother?(clock: TestClock): Promise<SessionStore>
  readonly clock: () => TestClock
}

const MINUTE = 60_000

/** What every session store has to do: called once for each. */
export function testSessionStore({ name, create, createAnother, clock: createClock }: SessionStoreContract): void {
  async function setUp() {
    const clock = createClock()
    const store = await create(clock)
    await store.start()
    return { clock, store, end: clock.now() + 10 * MINUTE, [Symbol.asyncDispose]: () => store.close() }
  }

  test(`${name}: a record is given back byte for byte, with its end, at version 1`, async () => {
    await using s = await setUp()
    const value = randomBytes(5000)
    const key = someKey()
    assert.equal(await s.store.createSession(key, value, s.end, someIndex()), true)
    const record = await s.store.getSession(key)
    assert.deepEqual(Buffer.from(record?.value ?? []), value)
    assert.deepEqual({ version: record?.version, expiresAt: record?.expiresAt }, { version: 1, expiresAt: s.end })
  })

  test(`${name}: an unknown key is undefined, in every operation that reads`, async () => {
    await using s = await setUp()
    assert.equal(await s.store.getSession(someKey()), undefined)
    assert.equal(await s.store.takeState(someKey()), undefined)
    assert.equal(await s.store.deleteSession(someKey()), false)
    assert.equal(await s.store.updateSession(someKey(), randomBytes(8), s.end, 1), false)
    assert.deepEqual(await s.store.findSessions({ subject: 'nobody' }), [])
    assert.deepEqual(await s.store.findSessions({ providerSession: 'none' }), [])
  })

  test(`${name}: a key that exists is not created again`, async () => {
    await using s = await setUp()
    const key = someKey()
    const first = randomBytes(8)
    await s.store.createSession(key, first, s.end, someIndex())
    assert.equal(await s.store.createSession(key, randomBytes(8), s.end, someIndex()), false)
    assert.deepEqual(Buffer.from((await s.store.getSession(key))?.value ?? []), first)
  })

  test(`${name}: a record ends at its end, to the millisecond, and then its key is free`, async () => {
    await using s = await setUp()
    const key = someKey()
    await s.store.createSession(key, randomBytes(8), s.end, someIndex())
    s.clock.advance(10 * MINUTE - 1)
    assert.notEqual(await s.store.getSession(key), undefined)
    s.clock.advance(1)
    assert.equal(await s.store.getSession(key), undefined)
    assert.equal(await s.store.updateSession(key, randomBytes(8), s.end + MINUTE, 1), false)
    assert.equal(await s.store.deleteSession(key), false)
    assert.equal(await s.store.createSession(key, randomBytes(8), s.end + MINUTE, someIndex()), true)
  })

  test(`${name}: an update counts the version up and may move the end both ways`, async () => {
    await using s = await setUp()
    const key = someKey()
    await s.store.createSession(key, randomBytes(8), s.end, someIndex())
    assert.equal(await s.store.updateSession(key, Buffer.from('two'), s.end + 10 * MINUTE, 1), true)
    s.clock.advance(15 * MINUTE)
    const record = await s.store.getSession(key)
    assert.equal(Buffer.from(record?.value ?? []).toString(), 'two')
    assert.equal(record?.version, 2)
    assert.equal(await s.store.updateSession(key, Buffer.from('three'), s.clock.now() + 10, 2), true)
    s.clock.advance(10)
    assert.equal(await s.store.getSession(key), undefined)
  })

  test(`${name}: of many updates of one version exactly one is done`, async () => {
    await using s = await setUp()
    const key = someKey()
    await s.store.createSession(key, randomBytes(8), s.end, someIndex())
    const done = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => await s.store.updateSession(key, Buffer.from([i]), s.end, 1)),
    )
    assert.equal(done.filter(Boolean).length, 1)
    const record = await s.store.getSession(key)
    assert.equal(record?.version, 2)
    assert.equal(record?.value[0], done.indexOf(true))
  })

  test(`${name}: V-092: a late update does not bring a deleted session back`, async () => {
    await using s = await setUp()
    const key = someKey()
    const index = someIndex()
    await s.store.createSession(key, randomBytes(8), s.end, index)
    assert.equal(await s.store.deleteSession(key), true)
    assert.equal(await s.store.deleteSession(key), false)
    assert.equal(await s.store.updateSession(key, randomBytes(8), s.end, 1), false)
    assert.equal(await s.store.getSession(key), undefined)
    assert.deepEqual(await s.store.findSessions({ subject: index.subject }), [])
  })

  test(`${name}: word of an end stays where the record was, for every reason, until it is over`, async () => {
    await using s = await setUp()
    const told = hearEnds(s.store)
    if (told === undefined) return
    for (const reason of END_REASONS) {
      const key = someKey()
      const index = someIndex()
      await s.store.createSession(key, randomBytes(500), s.end, index)
      assert.equal(await s.store.deleteSession(key, { reason, until: s.end }), true)
      assert.equal(await s.store.deleteSession(key, { reason: 'revoked', until: s.end + MINUTE }), false)
      assert.equal(await s.store.deleteSession(key), false)
      assert.equal(await s.store.updateSession(key, randomBytes(8), s.end, 1), false)
      assert.equal(await s.store.updateSession(key, randomBytes(8), s.end, 2), false)
      assert.equal(await s.store.createSession(key, randomBytes(8), s.end, index), false)
      assert.equal(await s.store.getSession(key), undefined)
      assert.equal(told.get(key), reason)
      assert.deepEqual(await s.store.findSessions(index), [])
      assert.deepEqual(await s.store.findSessions({ providerSession: index.providerSession }), [])
      told.clear()
    }
    const key = someKey()
    await s.store.createSession(key, randomBytes(8), s.end, someIndex())
    await s.store.deleteSession(key, { reason: 'revoked', until: s.clock.now() + MINUTE })
    s.clock.advance(MINUTE)
    assert.equal(await s.store.getSession(key), undefined)
    assert.equal(told.size, 0)
  })

  test(`${name}: an end leaves no word without a reason, nor where there was no record`, async () => {
    await using s = await setUp()
    const told = hearEnds(s.store)
    const [ended, never] = [someKey(), someKey()]
    await s.store.createSession(ended, randomBytes(8), s.end, someIndex())
    assert.equal(await s.store.deleteSession(ended), true)
    assert.equal(await s.store.deleteSession(never, { reason: 'revoked', until: s.end }), false)
    for (const key of [ended, never]) assert.equal(await s.store.getSession(key), undefined)
    assert.equal(told?.size ?? 0, 0)
    assert.equal(await s.store.createSession(ended, randomBytes(8), s.end, someIndex()), true)
  })

  test(`${name}: of many who notice an end exactly one leaves word of it; a record is not touched`, async () => {
    await using s = await setUp()
    const told = hearEnds(s.store)
    if (s.store.markEnd === undefined) return
    const [gone, live] = [someKey(), someKey()]
    const notes = await Promise.all(
      Array.from({ length: 20 }, async () => await s.store.markEnd?.(gone, { reason: 'store_lost', until: s.end })),
    )
    assert.equal(notes.filter(Boolean).length, 1)
    assert.equal(await s.store.getSession(gone), undefined)
    assert.equal(told?.get(gone), 'store_lost')
    await s.store.createSession(live, randomBytes(8), s.end, someIndex())
    assert.equal(await s.store.markEnd(live, { reason: 'idle', until: s.end }), false)
    assert.equal((await s.store.getSession(live))?.version, 1)
    s.clock.advance(10 * MINUTE)
    assert.equal(await s.store.getSession(live), undefined)
    assert.equal(await s.store.markEnd(live, { reason: 'idle', until: s.end + MINUTE }), true)
  })

  test(`${name}: sessions are found by subject and by provider session while they live`, async () => {
    await using s = await setUp()
    const [first, second, third] = [someKey(), someKey(), someKey()]
    const alice = someIndex()
    const other = { subject: alice.subject, providerSession: `${alice.providerSession}-2` }
    const bob = someIndex()
    await s.store.createSession(first, randomBytes(8), s.end, alice)
    await s.store.createSession(second, randomBytes(8), s.end + MINUTE, other)
    await s.store.createSession(third, randomBytes(8), s.end, { subject: bob.subject })
    assert.deepEqual((await s.store.findSessions({ subject: alice.subject })).toSorted(), [first, second].toSorted())
    assert.deepEqual(await s.store.findSessions({ providerSession: alice.providerSession }), [first])
    assert.deepEqual(await s.store.findSessions({ subject: bob.subject }), [third])
    assert.deepEqual(await s.store.findSessions({ subject: alice.subject, providerSession: other.providerSession }), [
      second,
    ])
    assert.deepEqual(await s.store.findSessions({ subject: bob.subject, providerSession: other.providerSession }), [])
    assert.deepEqual(await s.store.findSessions({}), [])
    s.clock.advance(10 * MINUTE)
    assert.deepEqual(await s.store.findSessions({ subject: alice.subject }), [second])
    await s.store.deleteSession(second)
    assert.deepEqual(await s.store.findSessions({ subject: alice.subject }), [])
  })

  test(`${name}: where it counts its sessions, it counts those that are live, to the millisecond`, async () => {
    await using s = await setUp()
    const { countSessions } = s.store
    if (countSessions === undefined) return
    const counted = async (): Promise<number> => await countSessions.call(s.store)
    // What other tests left is over by then.
    s.clock.advance(24 * 60 * MINUTE)
    assert.equal(await counted(), 0)
    const keys = [someKey(), someKey(), someKey()] as const
    const end = s.clock.now() + 10 * MINUTE
    for (const key of keys) await s.store.createSession(key, randomBytes(8), end, someIndex())
    assert.equal(await counted(), 3)
    await s.store.deleteSession(keys[0], { reason: 'logout', until: end })
    await s.store.deleteSession(keys[0])
    assert.equal(await counted(), 2)
    await s.store.updateSession(keys[1], randomBytes(8), end + MINUTE, 1)
    s.clock.advance(10 * MINUTE - 1)
    assert.equal(await counted(), 2)
    s.clock.advance(1)
    assert.equal(await counted(), 1)
    s.clock.advance(MINUTE)
    assert.equal(await counted(), 0)
  })

  test(`${name}: an updated session is still found when its first end is past`, async () => {
    await using s = await setUp()
    const key = someKey()
    const index = someIndex()
    await s.store.createSession(key, randomBytes(8), s.end, index)
    await s.store.updateSession(key, randomBytes(8), s.end + 60 * MINUTE, 1)
    s.clock.advance(30 * MINUTE)
    assert.deepEqual(await s.store.findSessions({ subject: index.subject }), [key])
    assert.deepEqual(await s.store.findSessions({ providerSession: index.providerSession }), [key])
  })

  test(`${name}: E-15, A-02: of many takers of a state exactly one gets it`, async () => {
    await using s = await setUp()
    const key = someKey()
    const value = randomBytes(300)
    await s.store.putState(key, value, s.end, '192.0.2.1')
    const taken = await Promise.all(Array.from({ length: 50 }, async () => await s.store.takeState(key)))
    const got = taken.filter((found) => found !== undefined)
    assert.equal(got.length, 1)
    assert.deepEqual(Buffer.from(got[0] ?? []), value)
    assert.equal(await s.store.takeState(key), undefined)
  })

  test(`${name}: states and sessions of one key do not meet`, async () => {
    await using s = await setUp()
    const key = someKey()
    await s.store.putState(key, Buffer.from('state'), s.end, '192.0.2.1')
    assert.equal(await s.store.getSession(key), undefined)
    await s.store.createSession(key, Buffer.from('session'), s.end, someIndex())
    assert.equal(Buffer.from((await s.store.takeState(key)) ?? []).toString(), 'state')
    assert.equal(Buffer.from((await s.store.getSession(key))?.value ?? []).toString(), 'session')
  })

  test(`${name}: a lease has one holder, who alone gives it back`, async () => {
    await using s = await setUp()
    const lease = someKey()
    assert.equal(await s.store.acquireLease(lease, 'a', MINUTE), true)
    assert.equal(await s.store.acquireLease(lease, 'b', MINUTE), false)
    await s.store.releaseLease(lease, 'b')
    assert.equal(await s.store.acquireLease(lease, 'b', MINUTE), false)
    await s.store.releaseLease(lease, 'a')
    assert.equal(await s.store.acquireLease(lease, 'b', MINUTE), true)
  })

  test(`${name}: a lease is renewed by its holder, and by nobody once it is over`, async (t) => {
    await using s = await setUp()
    const { store } = s
    if (store.renewLease === undefined) return t.skip('its leases last as long as they were taken for')
    const lease = someKey()
    assert.equal(await store.renewLease(lease, 'a', MINUTE), false)
    // Of the server's time, not of the test's: nothing here may depend on how fast the machine is.
    assert.equal(await store.acquireLease(lease, 'a', 10 * MINUTE), true)
    assert.equal(await store.renewLease(lease, 'b', 20 * MINUTE), false)
    assert.equal(await store.renewLease(lease, 'a', 10 * MINUTE), true)
    assert.equal(await store.acquireLease(lease, 'b', MINUTE), false)
    // Down as well as up: over at once, by either clock.
    assert.equal(await store.renewLease(lease, 'a', 1), true)
    s.clock.advance(10)
    await until(2_000, async () => assert.equal(await store.acquireLease(lease, 'b', MINUTE), true))
    assert.equal(await store.renewLease(lease, 'a', MINUTE), false)
    await store.releaseLease(lease, 'a')
    assert.equal(await store.acquireLease(lease, 'c', MINUTE), false)
  })

  test(`${name}: a note is read as often as one likes, until its end, and is replaced by the next of its name`, async () => {
    await using s = await setUp()
    const note = someKey()
    assert.equal(await s.store.getNote(note), undefined)
    await s.store.putNote(note, 'one', s.end)
    assert.deepEqual([await s.store.getNote(note), await s.store.getNote(note)], ['one', 'one'])
    await s.store.putNote(note, 'two', s.end)
    assert.equal(await s.store.getNote(note), 'two')
    s.clock.advance(10 * MINUTE)
    assert.equal(await s.store.getNote(note), undefined)
  })

  test(`${name}: V-083, V-133: keys and subjects of any text are data and nothing else`, async () => {
    await using s = await setUp()
    const texts = ['__proto__', 'constructor', '%s %b', 'x\r\nSET y z', '*', '?', '[', 'nul\0', '名前', ' ', '{tag}']
    for (const text of texts) {
      const key = `${someKey()}${text}`
      const index = { subject: `${someKey()}${text}`, providerSession: `${someKey()}${text}` }
      assert.equal(await s.store.createSession(key, Buffer.from(text), s.end, index), true, text)
      assert.equal(Buffer.from((await s.store.getSession(key))?.value ?? []).toString(), text)
      assert.deepEqual(await s.store.findSessions({ subject: index.subject }), [key])
      assert.equal(await s.store.deleteSession(key), true)
    }
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  })

  test(`${name}: is there when it is asked`, async () => {
    await using s = await setUp()
    await s.store.ping()
  })

  if (createAnother === undefined) return

  test(`${name}: FM-25: why a session ended on one instance the other is told too`, async () => {
    await using s = await setUp()
    const other = await createAnother(s.clock)
    await using closing = { [Symbol.asyncDispose]: () => other.close() }
    void closing
    await other.start()
    const told = hearEnds(other)
    if (told === undefined) return
    const key = someKey()
    await s.store.createSession(key, Buffer.from('one'), s.end, someIndex())
    await s.store.deleteSession(key, { reason: 'backchannel', until: s.end })
    assert.equal(await other.getSession(key), undefined)
    assert.equal(told.get(key), 'backchannel')
    assert.equal(await other.deleteSession(key, { reason: 'revoked', until: s.end }), false)
  })

  test(`${name}: FM-25, E-08: what one instance writes the other reads, takes and ends`, async () => {
    await using s = await setUp()
    const other = await createAnother(s.clock)
    await using closing = { [Symbol.asyncDispose]: () => other.close() }
    void closing
    await other.start()
    const key = someKey()
    const index = someIndex()
    await s.store.createSession(key, Buffer.from('one'), s.end, index)
    assert.equal(await other.updateSession(key, Buffer.from('two'), s.end, 1), true)
    assert.equal((await s.store.getSession(key))?.version, 2)
    await s.store.putState(key, Buffer.from('state'), s.end, '')
    assert.notEqual(await other.takeState(key), undefined)
    assert.equal(await s.store.takeState(key), undefined)
    await s.store.putNote(key, 'seen', s.end)
    assert.equal(await other.getNote(key), 'seen')
    assert.equal(await other.deleteSession(key), true)
    assert.equal(await s.store.getSession(key), undefined)
    assert.deepEqual(await s.store.findSessions({ subject: index.subject }), [])
  })
}

/** Reasons by key, as `getSession` comes across them; nothing where the store keeps no word of ends. */
function hearEnds(store: SessionStore): Map<string, EndReason> | undefined {
  const told = new Map<string, EndReason>()
  store.onEnd?.((news) => {
    if (news.kind === 'found') told.set(news.key, news.reason)
    return undefined
  })
  return store.onEnd === undefined ? undefined : told
}

function someKey(): string {
  return randomBytes(32).toString('base64url')
}

function someIndex(): Required<SessionIndex> {
  return { subject: `subject ${someKey()}`, providerSession: `sid ${someKey()}` }
}
