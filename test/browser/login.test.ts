import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startProduct, type Product } from '../support/product.ts'
import { gatherCrowd, PROVIDER_PAGE, signIn, type Crowd } from './person.ts'

describe('login in a browser', () => {
  let crowd: Crowd
  let product: Product

  before(async () => {
    product = await startProduct()
    crowd = await gatherCrowd()
  })
  after(async () => {
    await crowd.close()
    await product[Symbol.asyncDispose]()
  })

  test('a protected page sends a person to log in, and the application then knows who they are', async () => {
    await using ada = await crowd.person()
    await ada.page.goto(`${product.door}/me`)
    assert.match(ada.page.url(), PROVIDER_PAGE)
    await signIn(ada.page)
    await ada.page.waitForURL(`${product.door}/me`)
    assert.equal(await ada.page.getByRole('heading', { level: 1 }).textContent(), 'Hello, Ada Lovelace')
    const headers = product.received.at(-1)?.headers ?? {}
    assert.deepEqual(
      [headers['x-user'], headers['x-name'], headers['x-email']],
      ['ada', 'Ada Lovelace', 'ada@example.com'],
    )
    assert.doesNotMatch(headers.cookie ?? '', /oathkeeper/)
  })

  test('a deep link survives the login with its query, to the letter', async () => {
    await using ada = await crowd.person()
    const deep = `${product.door}/reports?month=2026-10&sort=amount&note=%C3%BC%20%2B%261&empty=&again=1&again=2`
    await ada.page.goto(deep)
    await signIn(ada.page)
    await ada.page.waitForURL(/\/reports/)
    assert.equal(ada.page.url(), deep)
    assert.equal(product.received.at(-1)?.url, deep.slice(product.door.length))
  })

  test('a page for everyone asks nobody to log in', async () => {
    await using guest = await crowd.person()
    await guest.page.goto(`${product.door}/`)
    assert.equal(guest.page.url(), `${product.door}/`)
    assert.match((await guest.page.textContent('main')) ?? '', /You are not signed in/)
  })

  test('the cookies are out of reach of scripts and foreign sites', async () => {
    await using ada = await crowd.person()
    await ada.page.goto(`${product.door}/me`)
    const pending = (await ada.context.cookies(product.door)).filter(({ name }) => name.includes('oathkeeper'))
    assert.ok(pending.length > 0, 'a login under way is bound to its browser by a cookie')
    await signIn(ada.page)
    await ada.page.waitForURL(`${product.door}/me`)
    const kept = (await ada.context.cookies(product.door)).filter(({ name }) => name.includes('oathkeeper'))
    assert.deepEqual(
      kept.map(({ name, httpOnly, sameSite, path }) => ({ name, httpOnly, sameSite, path })),
      [{ name: 'oathkeeper', httpOnly: true, sameSite: 'Lax', path: '/' }],
    )
    assert.ok([...pending, ...kept].every(({ httpOnly, sameSite }) => httpOnly && sameSite === 'Lax'))
    assert.equal(await ada.page.evaluate('document.cookie.includes("oathkeeper")'), false)
  })

  test('a script without a session gets a 401 and no redirect, one with a session who is signed in', async () => {
    await using ada = await crowd.person()
    await ada.page.goto(`${product.door}/`)
    const ask = (path: string): Promise<unknown> =>
      ada.page.evaluate(`fetch(${JSON.stringify(path)}).then(async (r) => [r.status, r.redirected, await r.text()])`)
    assert.deepEqual(((await ask('/me')) as unknown[]).slice(0, 2), [401, false])
    assert.deepEqual(((await ask('/.oathkeeper/session')) as unknown[]).slice(0, 2), [401, false])
    await ada.page.goto(`${product.door}/me`)
    await signIn(ada.page)
    await ada.page.waitForURL(`${product.door}/me`)
    const [status, , body] = (await ask('/.oathkeeper/session')) as [number, boolean, string]
    assert.equal(status, 200)
    const session = JSON.parse(body) as Record<string, unknown>
    assert.equal(session['subject'], 'ada')
    assert.doesNotMatch(body, /token/)
  })

  for (const order of ['first', 'second'] as const) {
    test(`two tabs log in at once and both arrive, the ${order} one first`, async () => {
      await using ada = await crowd.person()
      const other = await ada.context.newPage()
      await ada.page.goto(`${product.door}/me`)
      await other.goto(`${product.door}/reports?tab=2&sort=amount`)
      const [early, late] = order === 'first' ? [ada.page, other] : [other, ada.page]
      await signIn(early)
      await early.waitForURL(`${product.door}/**`)
      await signIn(late)
      await late.waitForURL(`${product.door}/**`)
      assert.equal(ada.page.url(), `${product.door}/me`)
      assert.equal(other.url(), `${product.door}/reports?tab=2&sort=amount`)
      for (const page of [ada.page, other]) {
        const answer = await page.reload()
        assert.equal(answer?.status(), 200)
      }
    })
  }

  test('five tabs that opened before anyone signed in all arrive', async () => {
    await using ada = await crowd.person()
    const tabs = await Promise.all([1, 2, 3, 4, 5].map(() => ada.context.newPage()))
    for (const [i, tab] of tabs.entries()) await tab.goto(`${product.door}/reports?tab=${i}`)
    for (const tab of tabs.toReversed()) {
      await signIn(tab)
      await tab.waitForURL(`${product.door}/**`)
    }
    assert.deepEqual(
      tabs.map((tab) => tab.url()),
      tabs.map((_, i) => `${product.door}/reports?tab=${i}`),
    )
  })
})
