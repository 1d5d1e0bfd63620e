import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { callbackUrl, startLogin } from '../../test/support/login-rig.ts'
import { startMockProvider } from '../../test/support/mock-provider.ts'
import { createUnreliableStore, type UnreliableStore } from '../../test/support/unreliable-store.ts'
import { type Answer, Visitor } from '../../test/support/visitor.ts'

async function setUp(t: TestContext) {
  const stores: UnreliableStore[] = []
  const wrapStore = (inner: Parameters<typeof createUnreliableStore>[0]): UnreliableStore => {
    const store = createUnreliableStore(inner)
    stores.push(store)
    return store
  }
  const rig = await startLogin(t, [await startMockProvider(t)], { wrapStore })
  const [store] = stores
  assert.ok(store !== undefined)
  return { rig, store, visitor: new Visitor() }
}

/** What the page does by itself: the seconds, and the address if it is another one. */
function retryOf({ text }: Answer): [seconds: number, url: string | undefined] | undefined {
  const [, seconds, url] = /<meta http-equiv="refresh" content="(\d+)(?:; url=([^"]*))?" \/>/.exec(text) ?? []
  return seconds === undefined ? undefined : [Number(seconds), url?.replaceAll('&amp;', '&')]
}

test('FM-04: a login that begins while the store is away waits on a page that says so, and goes on by itself', async (t) => {
  const { rig, store, visitor } = await setUp(t)
  store.down = true
  const page = await visitor.go(rig.url('/.oathkeeper/login?return_to=%2Freports%3Fa%3D1%26b%3D2'))
  assert.equal(page.status, 503)
  assert.equal(page.headers['retry-after'], '1')
  assert.match(page.text, /Signing in has to wait a moment.*Whoever is signed in stays so/s)
  const [seconds = 0, url = ''] = retryOf(page) ?? []
  assert.ok(seconds >= 2 && seconds <= 4, `${seconds} s`)
  store.down = false
  assert.equal((await visitor.go(url)).status, 302)
  assert.match(decodeURIComponent(url), /return_to=[^?]*\/reports\?a=1&b=2$/)
})

test('FM-04, A-21: a callback waits at its own address, which is not written into the page', async (t) => {
  const { rig, store, visitor } = await setUp(t)
  const url = await callbackUrl(visitor, rig)
  store.down = true
  const page = await visitor.go(url)
  assert.equal(page.status, 503)
  assert.deepEqual(page.setCookies, [])
  const [seconds = 0, target] = retryOf(page) ?? []
  assert.ok(seconds >= 2)
  assert.equal(target, undefined)
  const { searchParams } = new URL(url)
  for (const name of ['code', 'state']) assert.ok(!page.text.includes(searchParams.get(name) ?? '?'))
  store.down = false
  assert.equal((await visitor.go(url)).status, 302)
})

test('FM-04: a login whose code is spent when the store goes away begins anew by itself', async (t) => {
  const { rig, store, visitor } = await setUp(t)
  const url = await callbackUrl(visitor, rig)
  store.failing.add('createSession')
  const page = await visitor.go(url)
  assert.equal(page.status, 503)
  assert.match(retryOf(page)?.[1] ?? '', /\/\.oathkeeper\/login/)
})

test('no other page goes on by itself: neither what came too late nor a logout that could not be completed', async (t) => {
  const { rig, store, visitor } = await setUp(t)
  const url = await callbackUrl(visitor, rig)
  await visitor.go(url)
  const used = await visitor.go(url)
  assert.equal(used.status, 400)
  assert.equal(retryOf(used), undefined)
  store.down = true
  const logout = await visitor.submit(rig.url('/.oathkeeper/logout'), {})
  assert.equal(logout.status, 503)
  assert.equal(retryOf(logout), undefined)
})
