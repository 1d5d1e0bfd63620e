// Auth.js GHSA-8fpg-xm3f-6cx3: with a broken configuration "is there a session" was answered with yes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../src/lib/secret.ts'
import { startLogin } from '../support/login-rig.ts'
import { type MockSwitches, startMockProvider } from '../support/mock-provider.ts'
import { Visitor } from '../support/visitor.ts'

const broken: Record<string, MockSwitches> = {
  'a discovery document that is not there': { discovery: () => '' },
  'a provider that knows neither us nor our secret': { tokenStatus: 401, token: () => ({ error: 'invalid_client' }) },
  'keys that are not there': { jwks: () => ({ keys: [] }) },
  'a token endpoint that says nothing': { token: () => ({}) },
}
for (const [name, switches] of Object.entries(broken)) {
  test(`V-072: with ${name} nobody has a session`, async (t) => {
    const provider = await startMockProvider(t)
    Object.assign(provider.switches, switches)
    const rig = await startLogin(t, [provider], { provider: { clientSecret: new Secret('wrong') } })
    const visitor = new Visitor()
    const arrival = await visitor.follow(rig.url('/x'))
    assert.ok(arrival.status >= 400)
    assert.equal((await visitor.go(rig.url('/.oathkeeper/session'))).status, 401)
    assert.equal((await visitor.go(rig.url('/x'))).status, 302)
    assert.equal(rig.store.sizes.sessions, 0)
  })
}
