import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  accessTokenOf as tokenOf,
  failed,
  MINUTE,
  refreshed,
  refreshableDraft as draft,
  settle,
  setUpRefresh as setUp,
} from '../../test/support/refresh-rig.ts'

test('ahead of its expiry the token is refreshed once, and nobody waits for it', async () => {
  const { clock, manager, provider } = setUp()
  const { ticket } = await manager.create(draft(clock))
  clock.advance(3 * MINUTE)
  await tokenOf(manager, ticket)
  assert.deepEqual(provider.used, [])
  clock.advance(MINUTE)
  provider.hold()
  const during = await Promise.all(Array.from({ length: 200 }, () => tokenOf(manager, ticket)))
  assert.deepEqual(new Set(during), new Set(['access-1']))
  provider.answer()
  await settle()
  assert.equal(await tokenOf(manager, ticket), 'access-2')
  assert.deepEqual(provider.used, ['refresh-1'])
})

test('when the token is over already, all wait for the one refresh and get the new token', async () => {
  const { clock, manager, provider } = setUp()
  const { ticket } = await manager.create(draft(clock))
  clock.advance(6 * MINUTE)
  const tokens = await Promise.all(Array.from({ length: 200 }, () => tokenOf(manager, ticket)))
  assert.deepEqual(new Set(tokens), new Set(['access-2']))
  assert.deepEqual(provider.used, ['refresh-1'])
})

test('the new tokens are in the store, and each refresh token is used once', async () => {
  const { clock, manager, provider, instance } = setUp()
  const { ticket } = await manager.create(draft(clock))
  for (let round = 2; round < 6; round++) {
    clock.advance(6 * MINUTE)
    assert.equal(await tokenOf(manager, ticket), `access-${round}`)
  }
  assert.equal(await tokenOf(instance(), ticket), 'access-5')
  assert.deepEqual(provider.used, ['refresh-1', 'refresh-2', 'refresh-3', 'refresh-4'])
})

test('two instances with the same session use its refresh token once', async () => {
  const { clock, manager, provider, instance } = setUp()
  const other = instance()
  const { ticket } = await manager.create(draft(clock))
  await other.open(ticket)
  clock.advance(6 * MINUTE)
  provider.hold()
  const tokens = Promise.all(Array.from({ length: 40 }, (_, i) => tokenOf(i % 2 === 0 ? manager : other, ticket)))
  await settle()
  clock.advance(250)
  provider.answer()
  await settle()
  clock.advance(250)
  assert.deepEqual(new Set(await tokens), new Set(['access-2']))
  assert.deepEqual(provider.used, ['refresh-1'])
})

test('an instance that dies during a refresh holds the others up for seconds, not for ever', async () => {
  const { clock, manager, store, provider } = setUp()
  const { ticket } = await manager.create(draft(clock))
  clock.advance(6 * MINUTE)
  const [key = ''] = await store.findSessions({ subject: JSON.stringify(['https://issuer.example', 'alice']) })
  await store.acquireLease(key, 'the dead one', 40_000)
  const waiting = tokenOf(manager, ticket)
  for (let waited = 0; waited < 10_000; waited += 100) {
    await settle()
    clock.advance(100)
  }
  assert.equal(await waiting, 'access-1')
  assert.equal(await tokenOf(manager, ticket), 'access-1')
  clock.advance(31_000)
  assert.equal(await tokenOf(manager, ticket), 'access-2')
  assert.deepEqual(provider.used, ['refresh-1'])
})

test('a refused refresh token ends the session on every instance', async () => {
  const { clock, manager, provider, instance } = setUp()
  const other = instance()
  const { ticket } = await manager.create(draft(clock))
  await other.open(ticket)
  provider.next = { kind: 'rejected', detail: 'invalid_grant' }
  clock.advance(4 * MINUTE + 1)
  assert.equal(await tokenOf(manager, ticket), 'access-1')
  await settle()
  assert.equal(await manager.open(ticket), undefined)
  assert.equal(await other.open(ticket), undefined)
  assert.deepEqual(provider.used, ['refresh-1'])
})

test('a provider that cannot be asked ends nobody, and is not asked with each request', async () => {
  const { clock, manager, provider } = setUp()
  const { ticket } = await manager.create(draft(clock))
  provider.next = failed
  clock.advance(6 * MINUTE)
  for (let i = 0; i < 50; i++) assert.equal(await tokenOf(manager, ticket), 'access-1')
  assert.equal(provider.used.length, 1)
  clock.advance(11_000)
  await tokenOf(manager, ticket)
  assert.equal(provider.used.length, 2)
  provider.next = undefined
  clock.advance(21_000)
  assert.equal(await tokenOf(manager, ticket), 'access-4')
})

test('with on_refresh_failure: end the session ends with its token, not before', async () => {
  const { clock, manager, provider } = setUp({ onRefreshFailure: 'end' })
  const { ticket } = await manager.create(draft(clock))
  provider.next = failed
  clock.advance(4 * MINUTE + 1)
  await tokenOf(manager, ticket)
  await settle()
  assert.equal(await tokenOf(manager, ticket), 'access-1')
  clock.advance(MINUTE)
  assert.equal(await manager.open(ticket), undefined)
})

test('E-06: a refresh does not move the end of the session', async () => {
  const { clock, manager } = setUp()
  const { ticket, session } = await manager.create(draft(clock))
  while (clock.now() < session.expiresAt - 6 * MINUTE) {
    clock.advance(6 * MINUTE)
    if (clock.now() < session.expiresAt) assert.equal((await manager.open(ticket))?.expiresAt, session.expiresAt)
  }
  clock.advance(6 * MINUTE)
  assert.equal(await manager.open(ticket), undefined)
})

test('tokens that live shorter than the time ahead are refreshed at half of their life', async () => {
  const { clock, manager, provider } = setUp()
  const { ticket } = await manager.create(draft(clock, 40_000))
  clock.advance(19_000)
  await tokenOf(manager, ticket)
  assert.equal(provider.used.length, 0)
  clock.advance(2_000)
  await tokenOf(manager, ticket)
  await settle()
  assert.equal(provider.used.length, 1)
})

test('V-089: a provider whose tokens are over as they come, or never, is not asked with each request', async () => {
  for (const lifeMs of [0, -1e9, 1e300, Number.POSITIVE_INFINITY, Number.NaN]) {
    const { clock, manager, provider, instance } = setUp()
    const { ticket } = await manager.create(draft(clock, lifeMs))
    provider.next = { ...refreshed(clock, 2), tokens: draft(clock, lifeMs).tokens }
    for (const one of [manager, instance()]) for (let i = 0; i < 20; i++) await one.open(ticket)
    clock.advance(5_001)
    for (const one of [manager, instance()]) for (let i = 0; i < 20; i++) await one.open(ticket)
    assert.ok(provider.used.length <= 1, `${lifeMs}: ${provider.used.length}`)
  }
})

test('a provider that gives no new refresh token has its old one used again; new claims replace the old', async () => {
  const { clock, manager, provider } = setUp()
  const { ticket } = await manager.create(draft(clock))
  const claims = { sub: 'alice', groups: ['staff'] }
  for (let round = 0; round < 2; round++) {
    clock.advance(6 * MINUTE)
    provider.next = { ...refreshed(clock, 9), claims }
    assert.deepEqual((await manager.open(ticket))?.claims, claims)
  }
  assert.deepEqual(provider.used, ['refresh-1', 'refresh-1'])
})

test('V-092: a session that is ended during its refresh stays ended', async () => {
  const { clock, manager, provider, memory, instance } = setUp()
  const { ticket } = await manager.create(draft(clock))
  clock.advance(6 * MINUTE)
  provider.hold()
  const opening = manager.open(ticket)
  await settle()
  await instance().end(ticket, 'logout')
  provider.answer()
  assert.equal(await opening, undefined)
  assert.equal(memory.sizes.sessions, 0)
})

test('a write in between, such as a touch elsewhere, loses neither the tokens nor the touch', async () => {
  const { clock, manager, provider, instance } = setUp()
  const other = instance()
  const { ticket } = await manager.create(draft(clock, 20 * MINUTE))
  await other.open(ticket)
  clock.advance(19 * MINUTE + 1)
  provider.hold()
  await manager.open(ticket)
  await settle()
  await other.open(ticket)
  await settle()
  const touchedAt = clock.now()
  provider.answer()
  await settle()
  const session = await instance().open(ticket)
  assert.equal(session?.tokens.accessToken, 'access-2')
  assert.equal(session?.lastSeenAt, touchedAt)
})

test('new tokens that the store cannot take yet are used and stored as soon as it can', async () => {
  const { clock, manager, store, provider, instance } = setUp()
  const { ticket } = await manager.create(draft(clock))
  clock.advance(6 * MINUTE)
  provider.onAsked = () => store.failing.add('updateSession')
  assert.equal(await tokenOf(manager, ticket), 'access-2')
  clock.advance(10_000)
  await settle()
  assert.equal(await tokenOf(manager, ticket), 'access-2')
  store.failing.clear()
  for (let i = 0; i < 3; i++) {
    clock.advance(1_000)
    await settle()
  }
  assert.equal(await tokenOf(instance(), ticket), 'access-2')
  assert.deepEqual(provider.used, ['refresh-1'])
})

test('a refresh function that throws is a provider that cannot be asked', async () => {
  const { clock, manager, provider } = setUp()
  const { ticket } = await manager.create(draft(clock))
  clock.advance(6 * MINUTE)
  manager.onRefresh(async () => {
    throw new Error('a bug')
  })
  assert.equal(await tokenOf(manager, ticket), 'access-1')
  assert.deepEqual(provider.used, [])
})
