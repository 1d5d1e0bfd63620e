import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failed, MINUTE, pass, refreshableDraft, settle, setUpRefresh } from '../../test/support/refresh-rig.ts'
import { sessionDraft } from '../../test/support/session-draft.ts'
import type { SessionManager, UserinfoOutcome } from './contract.ts'

/** UserInfo is read every five minutes, of a session whose tokens live for an hour. */
async function setUp(options: { readonly lifeMs?: number; readonly refreshes?: boolean } = {}) {
  const rig = setUpRefresh({ userinfoEveryMs: 5 * MINUTE })
  const { lifeMs = 60 * MINUTE, refreshes = true } = options
  const draft = refreshableDraft(rig.clock, lifeMs)
  const tokens = refreshes ? draft.tokens : { ...draft.tokens, refreshToken: undefined }
  const { ticket } = await rig.manager.create({ ...draft, tokens })
  return { ...rig, ticket }
}

const unavailable: UserinfoOutcome = { kind: 'failed', detail: 'UserInfo answered with status 503' }
const tokenRefused: UserinfoOutcome = {
  kind: 'failed',
  detail: 'UserInfo answered with status 401',
  isTokenRefused: true,
}

async function groupsOf(manager: SessionManager, ticket: string): Promise<unknown> {
  const session = await manager.open(ticket)
  return session === undefined ? 'no session' : session.claims['groups']
}

test('V-026: UserInfo is read again on its interval, in the background, once for all who ask on all instances', async () => {
  const { clock, manager, instance, userinfo, ticket } = await setUp()
  const managers = [manager, instance(), instance()]
  const all = () => Promise.all(managers.flatMap((one) => Array.from({ length: 20 }, () => groupsOf(one, ticket))))
  await all()
  clock.advance(5 * MINUTE - 1)
  await all()
  assert.deepEqual(userinfo.readWith, [])
  clock.advance(1)
  assert.deepEqual(new Set(await all()), new Set([undefined]), 'nobody waits for it')
  await settle()
  await pass(clock, 500)
  for (const groups of await all()) assert.deepEqual(groups, ['staff'])
  assert.deepEqual(userinfo.readWith, ['access-1'])

  userinfo.next = { kind: 'read', claims: { sub: 'alice' } }
  clock.advance(5 * MINUTE)
  await all()
  await settle()
  await pass(clock, 500)
  assert.deepEqual(new Set(await all()), new Set([undefined]))
  assert.equal(userinfo.readWith.length, 2)
})

test('a session that nobody uses is not read for, and one that is used again is at once', async () => {
  const { clock, manager, userinfo, ticket } = await setUp()
  clock.advance(30 * MINUTE)
  await settle()
  assert.deepEqual(userinfo.readWith, [])
  await manager.open(ticket)
  await settle()
  assert.deepEqual(await groupsOf(manager, ticket), ['staff'])
})

test('it is off unless it is asked for, and where claims do not come from UserInfo', async () => {
  const off = setUpRefresh()
  const one = await off.manager.create(refreshableDraft(off.clock, 600 * MINUTE))
  const elsewhere = await setUp({ lifeMs: 600 * MINUTE })
  elsewhere.userinfo.isReadAtAll = false
  for (const [{ clock, manager, userinfo }, ticket] of [
    [off, one.ticket],
    [elsewhere, elsewhere.ticket],
  ] as const) {
    clock.advance(120 * MINUTE)
    await manager.open(ticket)
    await settle()
    assert.deepEqual(userinfo.readWith, [])
  }
})

test('UserInfo that is down keeps the claims, and is asked again once a minute by one of all instances', async () => {
  const { clock, manager, instance, userinfo, ticket } = await setUp()
  const managers = [manager, instance()]
  clock.advance(5 * MINUTE)
  await manager.open(ticket)
  await settle()
  userinfo.next = unavailable
  clock.advance(5 * MINUTE)
  for (let second = 0; second < 59; second++) {
    for (const one of managers) assert.deepEqual(await groupsOf(one, ticket), ['staff'])
    await settle()
    await pass(clock, 1_000)
  }
  assert.equal(userinfo.readWith.length, 2)
  userinfo.next = { kind: 'read', claims: { sub: 'alice', groups: ['late'] } }
  await pass(clock, 2_000)
  for (const one of managers) await one.open(ticket)
  await settle()
  await pass(clock, 500)
  for (const one of managers) assert.deepEqual(await groupsOf(one, ticket), ['late'])
  assert.equal(userinfo.readWith.length, 3)
})

test('Retry-After of UserInfo is kept to', async () => {
  const { clock, manager, userinfo, ticket } = await setUp()
  userinfo.next = { ...unavailable, retryAfterMs: 300_000 } as UserinfoOutcome
  clock.advance(5 * MINUTE)
  for (let minute = 0; minute < 5; minute++) {
    await manager.open(ticket)
    await settle()
    clock.advance(MINUTE - 1)
  }
  assert.equal(userinfo.readWith.length, 1)
})

test('B-12: UserInfo that speaks of somebody else ends the session', async () => {
  const { clock, manager, instance, userinfo, ticket } = await setUp()
  userinfo.next = { kind: 'rejected', detail: 'UserInfo speaks of another sub' }
  clock.advance(5 * MINUTE)
  await manager.open(ticket)
  await settle()
  assert.equal(await manager.open(ticket), undefined)
  assert.equal(await instance().open(ticket), undefined)
})

test('an access token that UserInfo does not take is refreshed, once', async () => {
  const { clock, manager, provider, userinfo, ticket } = await setUp()
  userinfo.next = tokenRefused
  clock.advance(5 * MINUTE)
  await manager.open(ticket)
  await settle()
  assert.deepEqual(provider.used, ['refresh-1'])
  assert.equal((await manager.open(ticket))?.tokens.accessToken, 'access-2')
  // It does not take the new one either: that is not the token's fault.
  for (let second = 0; second < 180; second++) {
    assert.notEqual(await manager.open(ticket), undefined)
    await pass(clock, 1_000)
  }
  assert.deepEqual(provider.used, ['refresh-1'])
  assert.ok(userinfo.readWith.length <= 6, `${userinfo.readWith.length}`)
})

for (const refreshes of [true, false]) {
  test(`a 401 of UserInfo logs nobody out, ${refreshes ? 'nor a provider that cannot be asked besides' : 'nor without a refresh token'}`, async () => {
    const { clock, manager, provider, userinfo, ticket } = await setUp({ refreshes })
    userinfo.next = tokenRefused
    provider.next = failed
    clock.advance(5 * MINUTE)
    for (let second = 0; second < 120; second++) {
      assert.notEqual(await manager.open(ticket), undefined)
      await pass(clock, 1_000)
    }
    assert.ok(userinfo.readWith.length <= 6, `${userinfo.readWith.length}`)
  })
}

test('when tokens are due too they go first, and claims that came with them are not read twice', async () => {
  const { clock, manager, provider, userinfo, ticket } = await setUp({ lifeMs: 5 * MINUTE })
  provider.withUserinfo = true
  clock.advance(5 * MINUTE)
  await manager.open(ticket)
  await manager.open(ticket)
  await settle()
  assert.deepEqual([provider.used, userinfo.readWith], [['refresh-1'], []])
})

test('with an access token that is over and nothing to refresh it with UserInfo is not read, and nobody waits', async () => {
  const { clock, manager, store, userinfo, ticket } = await setUp({ refreshes: false, lifeMs: 4 * MINUTE })
  clock.advance(6 * MINUTE)
  await manager.open(ticket)
  let asked = 0
  store.before = (operation) => void (operation === 'acquireLease' && asked++)
  for (let i = 0; i < 10; i++) assert.notEqual(await manager.open(ticket), undefined)
  assert.deepEqual([userinfo.readWith.length, asked], [0, 0])
})

test('V-092: a session that is ended while UserInfo is read stays ended', async () => {
  const { clock, manager, memory, userinfo, ticket } = await setUp()
  const { read } = userinfo
  userinfo.read = async (session) => {
    await manager.end(ticket, 'logout')
    return read(session)
  }
  clock.advance(5 * MINUTE)
  await manager.open(ticket)
  await settle()
  assert.equal(await manager.open(ticket), undefined)
  assert.equal(memory.sizes.sessions, 0)
})

test('claims of which it is not known when they were read are as old as the tokens', async () => {
  const { clock, manager, userinfo } = setUpRefresh({ userinfoEveryMs: 5 * MINUTE })
  const { tokens } = sessionDraft()
  const { ticket } = await manager.create(sessionDraft({ tokens: { ...tokens, accessTokenExpiresAt: undefined } }))
  clock.advance(5 * MINUTE)
  await manager.open(ticket)
  await settle()
  assert.equal(userinfo.readWith.length, 1)
})
