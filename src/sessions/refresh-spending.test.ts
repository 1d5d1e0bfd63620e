import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  accessTokenOf,
  failed,
  invalidGrant,
  MINUTE,
  pass,
  refreshableDraft,
  refreshed,
  settle,
  setUpRefresh,
} from '../../test/support/refresh-rig.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { createUnreliableStore } from '../../test/support/unreliable-store.ts'
import type { SessionManager, SessionStore } from './contract.ts'
import { sessionEvents, type SessionEvent } from './events.ts'

/** Two instances, each with its own way to one store and its own clock, and a session of both whose token is over, or nearly. */
async function setUp(state: 'over' | 'nearly over' = 'over') {
  const rig = setUpRefresh()
  const [way, otherWay] = [createUnreliableStore(rig.memory), createUnreliableStore(rig.memory)]
  const [one, other] = [rig.instance(way), rig.instance(otherWay)]
  const { ticket } = await one.create(refreshableDraft(rig.clock))
  await other.open(ticket)
  rig.clock.advance(state === 'over' ? 6 * MINUTE : 4 * MINUTE + 1)
  return { ...rig, one, other, way, otherWay, ticket }
}

/** Opens it as a request does, and tells whether that is through. */
function open(manager: SessionManager, ticket: string) {
  const opening = { token: undefined as string | undefined, isDone: false, done: Promise.resolve() }
  const finish = async (): Promise<void> => {
    opening.token = await accessTokenOf(manager, ticket)
    opening.isDone = true
  }
  opening.done = finish()
  return opening
}

/** A store whose leases mean nothing: everybody gets each. */
function withoutLeases(store: SessionStore): SessionStore {
  return { ...store, acquireLease: () => true, renewLease: () => true, releaseLease: () => undefined }
}

test('a refresh that takes as long as it may is not begun by anybody else', async () => {
  const { clock, one, other, provider, ticket } = await setUp()
  provider.hold()
  const first = open(one, ticket)
  await pass(clock, 9_000)
  const second = open(other, ticket)
  await pass(clock, 9_000)
  assert.deepEqual(provider.used, ['refresh-1'])
  provider.answer()
  await pass(clock, 500)
  assert.deepEqual([first.token, second.token], ['access-2', 'access-2'])
  assert.deepEqual(provider.used, ['refresh-1'])
})

test('who is stopped between the claim and the sending does not send, when the lease is over by then', async () => {
  const { clock, one, other, way, provider, ticket } = await setUp()
  const stopped = Promise.withResolvers<void>()
  provider.beforeSend = () => stopped.promise
  const first = open(one, ticket)
  await settle()
  // Stopped: nothing that it asks of the store comes through either.
  way.before = () => stopped.promise
  provider.beforeSend = undefined
  const second = open(other, ticket)
  await pass(clock, 9_900)
  assert.equal(second.token, 'access-2', 'the other instance has taken over')
  way.before = undefined
  stopped.resolve()
  await pass(clock, 500)
  assert.equal(first.token, 'access-2')
  assert.deepEqual(provider.used, ['refresh-1'])
})

test('who is stopped before the claim finds the claim of another, and sends nothing', async () => {
  const { clock, one, other, way, provider, ticket } = await setUp()
  const stopped = Promise.withResolvers<void>()
  way.before = (operation) => (operation === 'updateSession' ? stopped.promise : undefined)
  const first = open(one, ticket)
  await settle()
  way.failing.add('renewLease')
  provider.hold()
  const second = open(other, ticket)
  await pass(clock, 8_500)
  assert.deepEqual(provider.used, ['refresh-1'])
  stopped.resolve()
  await pass(clock, 500)
  assert.deepEqual(provider.used, ['refresh-1'])
  provider.answer()
  await pass(clock, 500)
  assert.deepEqual([first.token, second.token], ['access-2', 'access-2'])
  assert.deepEqual(provider.used, ['refresh-1'])
})

test('who is cut off from the store with new tokens in hand is waited for', async () => {
  const { clock, one, other, way, provider, ticket } = await setUp('nearly over')
  provider.hold()
  const first = open(one, ticket)
  await settle()
  way.down = true
  provider.answer()
  await pass(clock, 8_500)
  // The lease is over. The other one takes it, sees that somebody was spending, and waits.
  const second = open(other, ticket)
  await pass(clock, 2_000)
  assert.deepEqual([first.token, second.token], ['access-1', 'access-1'])
  way.down = false
  await pass(clock, 2_000)
  assert.deepEqual([await accessTokenOf(one, ticket), await accessTokenOf(other, ticket)], ['access-2', 'access-2'])
  await pass(clock, 20_000)
  assert.deepEqual(provider.used, ['refresh-1'])
})

test('who died after the claim and before the sending costs seconds, and no session', async () => {
  const { clock, one, other, way, provider, ticket } = await setUp()
  provider.beforeSend = () => new Promise(() => undefined)
  open(one, ticket)
  await settle()
  way.before = () => new Promise(() => undefined)
  provider.beforeSend = undefined
  const waiting = open(other, ticket)
  await pass(clock, 7_500)
  assert.equal(waiting.isDone, false)
  await pass(clock, 1_500)
  assert.equal(waiting.token, 'access-2')
  assert.deepEqual(provider.used, ['refresh-1'])
})

test('who died after the sending: the provider is asked again, and what it says counts', async () => {
  for (const answer of ['a new token all the same', 'no'] as const) {
    const { clock, one, other, way, provider, ticket } = await setUp()
    provider.hold()
    open(one, ticket)
    await settle()
    way.before = () => new Promise(() => undefined)
    provider.answer()
    if (answer !== 'no') provider.next = refreshed(clock, 7, 'refresh-7')
    const waiting = open(other, ticket)
    await pass(clock, 11_500)
    assert.equal(waiting.isDone, true)
    assert.equal(waiting.token, answer === 'no' ? undefined : 'access-7')
    assert.deepEqual(provider.used, ['refresh-1', 'refresh-1'])
  }
})

test('an answer that is lost keeps the session; it ends when the provider really refuses', async () => {
  const { clock, one, other, provider, ticket } = await setUp()
  provider.losesAnswers = true
  assert.equal(await accessTokenOf(one, ticket), 'access-1')
  provider.losesAnswers = false
  await pass(clock, 5_000)
  assert.equal(await accessTokenOf(other, ticket), 'access-1')
  assert.equal(provider.used.length, 1)
  await pass(clock, 6_000)
  assert.equal(await accessTokenOf(other, ticket), undefined)
  assert.equal(await accessTokenOf(one, ticket), undefined)
})

test('a failure is every instance’s: the provider is asked again by one, once it is time', async () => {
  const { clock, one, other, provider, ticket } = await setUp()
  provider.next = { ...failed, retryAfterMs: 45_000 }
  assert.equal(await accessTokenOf(one, ticket), 'access-1')
  for (let i = 0; i < 44; i++) {
    for (const manager of [one, other]) assert.equal(await accessTokenOf(manager, ticket), 'access-1')
    await pass(clock, 1_000)
  }
  assert.equal(provider.used.length, 1)
  provider.next = undefined
  await pass(clock, 1_000)
  const both = [open(one, ticket), open(other, ticket)]
  await pass(clock, 200)
  assert.deepEqual(
    both.map(({ token }) => token),
    ['access-3', 'access-3'],
  )
  assert.equal(provider.used.length, 2)
})

test('Retry-After is kept to, and neither a day nor a moment', async () => {
  for (const [retryAfterMs, waitsMs] of [
    [86_400_000, 600_000],
    [0, 10_000],
    [undefined, 10_000],
  ] as const) {
    const { clock, one, provider, ticket } = await setUp()
    provider.next = { ...failed, retryAfterMs }
    await accessTokenOf(one, ticket)
    clock.advance(waitsMs - 1)
    await accessTokenOf(one, ticket)
    assert.equal(provider.used.length, 1)
    clock.advance(1)
    await accessTokenOf(one, ticket)
    assert.equal(provider.used.length, 2)
  }
})

test('a no to a token that another instance has replaced ends nothing', async () => {
  const { clock, one, memory, instance, provider, ticket } = await setUp()
  // Two without leases to part them, one stopped for longer than anybody waits.
  const slow = instance(withoutLeases(createUnreliableStore(memory)))
  provider.hold()
  const first = open(one, ticket)
  await settle()
  const second = open(slow, ticket)
  await pass(clock, 5_500)
  assert.deepEqual(provider.used, ['refresh-1', 'refresh-1'])
  provider.answer()
  await pass(clock, 500)
  assert.deepEqual([first.token, second.token], ['access-2', 'access-2'])
  assert.equal(await accessTokenOf(slow, ticket), 'access-2')
})

test('a failure here ends nothing that another instance has renewed, with on_refresh_failure: end either', async () => {
  const { clock, memory, instance, provider } = setUpRefresh({ onRefreshFailure: 'end' })
  const [one, other] = [1, 2].map(() => instance(withoutLeases(createUnreliableStore(memory))))
  assert.ok(one !== undefined && other !== undefined)
  const { ticket } = await one.create(refreshableDraft(clock))
  clock.advance(6 * MINUTE)
  provider.hold()
  provider.next = failed
  const first = open(one, ticket)
  await settle()
  provider.next = undefined
  provider.letThrough()
  const second = open(other, ticket)
  await pass(clock, 5_500)
  assert.equal(second.token, 'access-3')
  provider.answer()
  await pass(clock, 500)
  assert.deepEqual([first.token, await accessTokenOf(other, ticket)], ['access-3', 'access-3'])
})

test('with a store whose leases part nobody the record does, for a refresh of seconds', async () => {
  const { clock, memory, instance, provider, ticket } = await setUp()
  const managers = Array.from({ length: 5 }, () => instance(withoutLeases(createUnreliableStore(memory))))
  provider.hold()
  const opening = managers.map((manager) => open(manager, ticket))
  await pass(clock, 4_000)
  provider.answer()
  await pass(clock, 500)
  assert.deepEqual(new Set(opening.map(({ token }) => token)), new Set(['access-2']))
  assert.deepEqual(provider.used, ['refresh-1'])
})

test('a store that renews no leases does too', async () => {
  const { clock, store, instance, provider, ticket } = await setUp()
  const { renewLease: _, ...plain } = store
  const managers = [instance(plain), instance(plain)]
  provider.hold()
  const opening = managers.map((manager) => open(manager, ticket))
  await pass(clock, 9_000)
  provider.answer()
  await pass(clock, 500)
  assert.deepEqual(
    opening.map(({ token }) => token),
    ['access-2', 'access-2'],
  )
  assert.deepEqual(provider.used, ['refresh-1'])
})

for (const apartMs of [-600_000, -90_000, 90_000, 600_000]) {
  test(`two instances whose clocks are ${apartMs} ms apart spend each token once`, async () => {
    const { clock, memory, instance, provider } = setUpRefresh()
    const otherClock = createTestClock(clock.now() + apartMs)
    const [one, other] = [instance(memory), instance(memory, { clock: otherClock })]
    const { ticket } = await one.create({ ...refreshableDraft(clock), expiresAt: clock.now() + 60 * MINUTE })
    for (let round = 0; round < 20; round++) {
      const opening = [open(one, ticket), open(other, ticket)]
      for (let i = 0; i < 12_000; i += 100) {
        clock.advance(100)
        otherClock.advance(100)
        await settle()
      }
      assert.ok(opening.every(({ isDone, token }) => isDone && token !== undefined))
    }
    assert.equal(new Set(provider.used).size, provider.used.length, provider.used.join(' '))
    assert.ok(provider.used.length <= 3, `${provider.used.length} refreshes in four minutes`)
  })
}

test('when the store cannot take the claim nothing is spent', async () => {
  const { one, way, provider, ticket, clock } = await setUp()
  way.failing.add('updateSession')
  assert.equal(await accessTokenOf(one, ticket), 'access-1')
  assert.deepEqual(provider.used, [])
  way.failing.clear()
  clock.advance(10_001)
  assert.equal(await accessTokenOf(one, ticket), 'access-2')
})

test('tokens that are still to be written are written when the process stops', async () => {
  const { one, other, way, provider, ticket } = await setUp()
  provider.onAsked = () => way.failing.add('updateSession')
  assert.equal(await accessTokenOf(one, ticket), 'access-2')
  way.failing.clear()
  await one.close()
  assert.equal(await accessTokenOf(other, ticket), 'access-2')
  assert.deepEqual(provider.used, ['refresh-1'])
})

test('what the provider said is counted, once for each time that it was asked', async (t) => {
  const outcomes: string[] = []
  const note = (event: unknown): void => {
    const { type, ...rest } = event as SessionEvent
    if (type === 'refreshed' && 'outcome' in rest) outcomes.push(rest.outcome)
  }
  sessionEvents.subscribe(note)
  t.after(() => sessionEvents.unsubscribe(note))
  const { clock, one, provider, ticket } = await setUp()
  provider.beforeSend = () => {
    provider.beforeSend = undefined
    clock.advance(60_000)
  }
  const withheld = open(one, ticket)
  await pass(clock, 1_000)
  await withheld.done
  assert.deepEqual(outcomes, ['refreshed'])
  for (const next of [failed, undefined, invalidGrant]) {
    provider.next = next
    clock.advance(6 * MINUTE)
    await accessTokenOf(one, ticket)
  }
  assert.deepEqual(outcomes, ['refreshed', 'failed', 'refreshed', 'rejected'])
})
