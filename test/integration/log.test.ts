import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logIn, startProduct } from '../support/product.ts'
import { Visitor } from '../support/visitor.ts'

test('E-11: at the most talkative level the log of a whole stay holds no token, code, state, cookie or query value', async () => {
  await using product = await startProduct({ config: { log: { level: 'trace' } } })
  const ada = new Visitor()
  const arrival = await logIn(ada, `${product.door}/reports?note=never-in-a-log&sort=amount`)
  assert.equal(arrival.status, 200)
  const ticket = ada.cookie('127.0.0.1', 'oathkeeper') ?? ''
  const callback = new URL(arrival.trail.find((url) => url.includes('/callback')) ?? '')
  await ada.go(callback.href)
  await ada.go(`${product.door}/nowhere?secret=never-in-a-log`)
  await ada.submit(`${product.door}/.oathkeeper/logout`, {})
  await product.instances[0]?.stop()

  const log = product.instances[0]?.log() ?? ''
  assert.match(log, /"?members"?/, 'the rule of a decision is logged')
  const secrets = {
    ticket,
    code: callback.searchParams.get('code') ?? '',
    state: callback.searchParams.get('state') ?? '',
    query: 'never-in-a-log',
    'client secret': String(product.provider.configuration['client_secret']),
    token: 'eyJ',
  }
  for (const [what, secret] of Object.entries(secrets)) {
    assert.ok(secret.length > 2, `${what} is known`)
    assert.ok(!log.includes(secret), `the log holds the ${what}`)
  }
})
