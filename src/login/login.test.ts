import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startLogin } from '../../test/support/login-rig.ts'
import { startMockProvider } from '../../test/support/mock-provider.ts'
import { Visitor } from '../../test/support/visitor.ts'

test('a page that needs a session is reached by way of the provider, query and all', async (t) => {
  const provider = await startMockProvider(t)
  const rig = await startLogin(t, [provider])
  const arrival = await new Visitor().follow(rig.url('/reports/a%2Fb?month=10&sort=%C3%A9'))
  assert.equal(arrival.status, 200)
  assert.equal(arrival.url, rig.url('/reports/a%2Fb?month=10&sort=%C3%A9'))
  assert.equal(JSON.parse(arrival.text).subject, 'alice')
})
