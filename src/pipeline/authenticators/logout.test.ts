import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestGate, createTestRegistry, makeRule } from '../../../test/support/gate.ts'
import { requestView } from '../../../test/support/request-view.ts'

const settings = { authenticators: { logout: { enabled: true } } }

test('everybody is refused', async () => {
  const decision = await createTestGate({ rules: [{ authenticators: ['logout'] }], settings }).decide(requestView())
  assert.ok(!decision.granted)
  assert.equal(decision.error.code, 'ERR_CREDENTIALS_INVALID')
})

test('the keys of the form that logged out by itself are taken and do nothing', () => {
  const config = {
    oidc_logout_url: 'https://id.example/logout',
    post_logout_redirect_url: 'https://app.example/',
    retry: { max_delay: '1s' },
    cache: { ttl: '1m' },
  }
  const { problems } = createTestRegistry({}, settings).compileRule(
    makeRule({ authenticators: [{ handler: 'logout', config }] }),
  )
  assert.deepEqual(problems, [])
})
