import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startProduct } from '../support/product.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { gatherCrowd, PROVIDER_PAGE, signIn } from './person.ts'

test('FM-04: a login waits while the store is away, before and after the provider, and goes on without a click', async (t) => {
  const redis = await startRedisServer({ persist: true })
  t.after(() => redis.close())
  await using product = await startProduct({
    config: { session_store: { type: 'redis', redis: { addr: redis.addr } } },
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
  assert.deepEqual(ada.refused, [])
})
