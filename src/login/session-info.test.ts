import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callbackUrl, startLogin } from '../../test/support/login-rig.ts'
import { startMockProvider } from '../../test/support/mock-provider.ts'
import { createUnreliableStore, type UnreliableStore } from '../../test/support/unreliable-store.ts'
import { Visitor } from '../../test/support/visitor.ts'

test('A-30: V-025: the session as JSON holds who and how long, and no token, ticket or claim', async (t) => {
  const provider = await startMockProvider(t)
  const rig = await startLogin(t, [provider])
  provider.now = rig.clock.now
  const visitor = new Visitor()
  await visitor.go(await callbackUrl(visitor, rig))
  const answer = await visitor.go(rig.url('/.oathkeeper/session'))
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
  assert.equal(answer.headers['cache-control'], 'no-store')
  const now = rig.clock.now()
  assert.deepEqual(JSON.parse(answer.text), {
    subject: 'alice',
    provider: 'demo',
    created_at: new Date(now).toISOString(),
    expires_at: new Date(now + 3_600_000).toISOString(),
    auth_time: new Date(Math.floor(now / 1000) * 1000).toISOString(),
  })
})

test('without a session, and with two, it is a 401', async (t) => {
  const rig = await startLogin(t, [await startMockProvider(t)])
  for (const cookie of ['', 'oathkeeper=junk', 'oathkeeper=%', 'oathkeeper=a; oathkeeper=b']) {
    const answer = await new Visitor().go(rig.url('/.oathkeeper/session'), { headers: { cookie } })
    assert.equal(answer.status, 401)
    assert.equal(JSON.parse(answer.text).error.code, 401)
    assert.equal(answer.headers['cache-control'], 'no-store')
  }
})

test('with the store down it is a 503 to be tried again, and the cookie stays', async (t) => {
  let store: UnreliableStore | undefined
  const provider = await startMockProvider(t)
  const rig = await startLogin(t, [provider], { wrapStore: (inner) => (store = createUnreliableStore(inner)) })
  const visitor = new Visitor()
  await visitor.go(await callbackUrl(visitor, rig))
  store!.down = true
  const answer = await visitor.go(rig.url('/.oathkeeper/session'))
  assert.deepEqual([answer.status, answer.setCookies], [503, []])
  assert.match(answer.headers['retry-after'] ?? '', /^\d+$/)
  store!.down = false
  assert.equal((await visitor.go(rig.url('/.oathkeeper/session'))).status, 200)
})
