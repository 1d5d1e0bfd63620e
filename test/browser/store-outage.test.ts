import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startProduct } from '../support/product.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { gatherCrowd, PROVIDER_PAGE, signIn } from './person.ts'

test('FM-04: a login and then a page wait while the store is away, and go on without a click', async (t) => {
  const redis = await startRedisServer({ persist: true })
  t.after(() => redis.close())
  await using product = await startProduct({
    config: { session_store: { type: 'redis', redis: { addr: redis.addr }, outage: { grace: '0s' } } },
  })
  const crowd = await gatherCrowd()
  t.after(() => crowd.close())
  await using ada = await crowd.person()

  await redis.stop()
  const waiting = await ada.page.goto(`${product.door}/reports?sort=amount`)
  assert.equal(waiting?.status(), 503)
  await ada.page.getByRole('heading', { name: 'Signing in has to wait a moment' }).waitFor()
  await redis.start()
  await ada.page.waitForURL(PROVIDER_PAGE)

  await redis.stop()
  await signIn(ada.page)
  await ada.page.getByRole('heading', { name: 'Signing in has to wait a moment' }).waitFor()
  await redis.start()
  await ada.page.waitForURL(`${product.door}/reports?sort=amount`)

  // Signed in, and the grace is over: the page waits, and comes by itself.
  await redis.stop()
  const later = await ada.page.goto(`${product.door}/me`)
  assert.equal(later?.status(), 503)
  await ada.page.getByRole('heading', { name: 'This page has to wait a moment' }).waitFor()
  await redis.start()
  await ada.page.getByText('Hello, Ada Lovelace').waitFor()
  assert.equal(ada.page.url(), `${product.door}/me`)
  assert.deepEqual(ada.refused, [])
})
