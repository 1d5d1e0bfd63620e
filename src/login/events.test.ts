import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test, type TestContext } from 'node:test'
import { callbackUrl, startLogin } from '../../test/support/login-rig.ts'
import { startMockProvider, type MockSwitches } from '../../test/support/mock-provider.ts'
import { Visitor } from '../../test/support/visitor.ts'
import { createUnreliableStore, type UnreliableStore } from '../../test/support/unreliable-store.ts'
import type { LoginEvent } from './events.ts'

/** How a login goes wrong, by the stage that it gets to. */
const FAULTS: Readonly<Record<string, { readonly switches: MockSwitches; readonly outcome: string }>> = {
  callback: {
    switches: {
      redirect: (location) => {
        location.searchParams.delete('code')
        location.searchParams.set('error', 'access_denied')
      },
    },
    outcome: 'access_denied',
  },
  token: { switches: { tokenStatus: 500 }, outcome: 'ERR_PROVIDER_UNAVAILABLE' },
  id_token: { switches: { claims: (claims) => ({ ...claims, nonce: 'another' }) }, outcome: 'answer_untrusted' },
  userinfo: { switches: { userinfo: () => ({ sub: 'somebody else' }) }, outcome: 'answer_untrusted' },
}

function hear(t: TestContext): LoginEvent[] {
  const events: LoginEvent[] = []
  const listen = (event: unknown): void => void events.push(event as LoginEvent)
  subscribe('oathkeeper:login', listen)
  t.after(() => unsubscribe('oathkeeper:login', listen))
  return events
}

for (const [stage, { switches, outcome }] of Object.entries(FAULTS)) {
  test(`a login that fails at the stage ${stage} says so`, async (t) => {
    const provider = await startMockProvider(t)
    const rig = await startLogin(t, [provider], { provider: { userinfo: true } })
    const events = hear(t)
    const visitor = new Visitor()
    Object.assign(provider.switches, switches)
    await visitor.go(await callbackUrl(visitor, rig))
    const [begun, failed] = events
    assert.equal(begun?.type, 'begun')
    assert.deepEqual(failed, { type: 'failed', provider: begun?.provider, stage, reason: outcome })
  })
}

test('a store that is away is told by the stage that it stops: the beginning, or the session', async (t) => {
  const provider = await startMockProvider(t)
  let store: UnreliableStore | undefined
  const rig = await startLogin(t, [provider], { wrapStore: (inner) => (store = createUnreliableStore(inner)) })
  const events = hear(t)
  const visitor = new Visitor()
  const url = await callbackUrl(visitor, rig)
  store?.failing.add('createSession').add('putState')
  await visitor.go(url)
  await visitor.go(rig.url('/.oathkeeper/login?return_to=/wanted'))
  const reason = 'ERR_SESSION_STORE_UNAVAILABLE'
  const failed = { type: 'failed', provider: events[0]?.provider, reason } as const
  assert.deepEqual(events.slice(1), [
    { ...failed, stage: 'session' },
    { ...failed, stage: 'begin' },
  ])
})
