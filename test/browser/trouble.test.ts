import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page, Response } from 'playwright-core'
import { eventually } from '../support/eventually.ts'
import { signInWithoutCallback, startProduct, type Product } from '../support/product.ts'
import { Visitor } from '../support/visitor.ts'
import { gatherCrowd, PROVIDER_PAGE, signIn, type Crowd, type Person } from './person.ts'

const SHORT_LIFETIME_MS = 3000
const PROVIDER_RETRIED_WITHIN_MS = 15_000
/** The least that `login.state_ttl` can be. */
const SHORT_STATE_MS = 10_000

describe('when something goes wrong in a browser', () => {
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

  test('someone who goes back at the provider gets a page that offers to start again', async () => {
    await using ada = await crowd.person()
    await ada.page.goto(`${product.door}/reports?sort=amount`)
    const page = await answerTo(ada.page, () => ada.page.getByRole('button', { name: 'Go back' }).click())
    assert.ok(page.status() >= 400 && page.status() < 500)
    await checkErrorPage(ada, page)
    await startAgain(ada.page)
    assert.match(ada.page.url(), PROVIDER_PAGE)
    await signIn(ada.page)
    await ada.page.waitForURL(`${product.door}/reports?sort=amount`)
  })

  test('a callback page that is opened again offers to start again and leaves the session alone', async () => {
    await using ada = await crowd.person()
    const callbacks: string[] = []
    ada.page.on('request', (request) => {
      if (request.url().includes('/.oathkeeper/callback')) callbacks.push(request.url())
    })
    await ada.page.goto(`${product.door}/me`)
    await signIn(ada.page)
    await ada.page.waitForURL(`${product.door}/me`)
    assert.equal(callbacks.length, 1)
    const page = await answerTo(ada.page, () => ada.page.goto(callbacks[0] ?? ''))
    assert.ok(page.status() >= 400 && page.status() < 500)
    await checkErrorPage(ada, page)
    const answer = await ada.page.goto(`${product.door}/me`)
    assert.equal(answer?.status(), 200)
    assert.equal(ada.page.url(), `${product.door}/me`)
  })

  test('a callback address that someone else sends opens nothing', async () => {
    await using ada = await crowd.person()
    const mallory = new Visitor()
    const signInPage = await mallory.follow(`${product.door}/me`)
    const stolen = await signInWithoutCallback(mallory, signInPage.url)
    const page = await answerTo(ada.page, () => ada.page.goto(stolen))
    assert.ok(page.status() >= 400 && page.status() < 500)
    await checkErrorPage(ada, page)
    await ada.page.goto(`${product.door}/me`)
    assert.match(ada.page.url(), PROVIDER_PAGE)
  })

  test('a provider that is down is a clear page, and the same address works when it is back', async () => {
    // A fresh instance, which has not read the discovery document yet.
    await using fresh = await startProduct()
    await using ada = await crowd.person()
    await fresh.provider.shut()
    const answer = await ada.page.goto(`${fresh.door}/me`)
    assert.ok(answer !== null)
    assert.ok([502, 503, 504].includes(answer.status()), `status ${answer.status()}`)
    await checkErrorPage(ada, answer)
    await fresh.provider.listen()
    // A failed attempt is not repeated for some seconds, so that a provider in trouble is left in peace.
    await eventually(
      async () => {
        await startAgain(ada.page)
        return ada.page.url()
      },
      (url) => PROVIDER_PAGE.test(url),
      PROVIDER_RETRIED_WITHIN_MS,
    )
    await signIn(ada.page)
    await ada.page.waitForURL(`${fresh.door}/me`)
  })

  for (const kind of ['error', 'garbage'] as const) {
    test(`a provider whose token endpoint answers ${kind} is a clear page that offers to start again`, async () => {
      await using ada = await crowd.person()
      await ada.page.goto(`${product.door}/me`)
      product.provider.fault = { kind, at: '/token' }
      const page = await answerTo(ada.page, () => signIn(ada.page))
      product.provider.fault = undefined
      assert.ok(page.status() >= 400, `status ${page.status()}`)
      await checkErrorPage(ada, page)
      await startAgain(ada.page)
      await ada.page.waitForURL(`${product.door}/me`)
    })
  }

  test('a login page that stood open for too long offers to start again', async () => {
    await using slow = await startProduct({ config: { login: { state_ttl: `${SHORT_STATE_MS}ms` } } })
    await using ada = await crowd.person()
    await ada.page.goto(`${slow.door}/me`)
    await ada.page.waitForTimeout(SHORT_STATE_MS + 500)
    const page = await answerTo(ada.page, () => signIn(ada.page))
    assert.ok(page.status() >= 400 && page.status() < 500)
    await checkErrorPage(ada, page)
    await startAgain(ada.page)
    await ada.page.waitForURL(`${slow.door}/**`)
  })

  test('an expired session leads through the login to the page asked for, under a new id', async () => {
    await using brief = await startProduct({ config: { session: { lifetime: `${SHORT_LIFETIME_MS}ms` } } })
    await using ada = await crowd.person()
    await ada.page.goto(`${brief.door}/me`)
    await signIn(ada.page)
    await ada.page.waitForURL(`${brief.door}/me`)
    const ticket = await sessionCookie(ada.page, brief.door)
    await ada.page.waitForTimeout(SHORT_LIFETIME_MS + 300)
    const expired = await ada.page.request.get(`${brief.door}/me`, { headers: { accept: 'application/json' } })
    assert.equal(expired.status(), 401)
    // The provider still knows the person, so nobody has to click; but they are told why they were away.
    await ada.page.goto(`${brief.door}/reports?sort=amount`)
    assert.equal(await ada.page.locator('main').getAttribute('data-reason'), 'absolute')
    await ada.page.getByText('You had been signed in for as long as').waitFor()
    await ada.page.waitForURL(`${brief.door}/reports?sort=amount`)
    assert.notEqual(await sessionCookie(ada.page, brief.door), ticket)
  })
})

/** The last document that the browser gets after an action. */
async function answerTo(page: Page, act: () => Promise<unknown>): Promise<Response> {
  const answered = page.waitForResponse(
    (response) => response.request().isNavigationRequest() && (response.status() < 300 || response.status() >= 400),
  )
  await act()
  const response = await answered
  await page.waitForLoadState('load')
  return response
}

/** What every page of ours for people has to be. */
async function checkErrorPage({ page, refused }: Person, response: Response): Promise<void> {
  assert.deepEqual(refused, [])
  const headers = response.headers()
  assert.match(headers['content-type'] ?? '', /^text\/html/)
  assert.match(headers['content-security-policy'] ?? '', /default-src 'none'/)
  assert.equal(headers['cache-control'], 'no-store')
  assert.equal(headers['referrer-policy'], 'no-referrer')
  assert.notEqual(await page.getAttribute('html', 'lang'), null)
  assert.notEqual(await page.title(), '')
  assert.equal(await page.locator('main').count(), 1)
  assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1)
  const { searchParams } = new URL(page.url())
  const text = await page.content()
  for (const name of ['code', 'state']) {
    const value = searchParams.get(name)
    if (value !== null) assert.ok(!text.includes(value), `the page shows the ${name}`)
  }
}

async function startAgain(page: Page): Promise<void> {
  await page.getByRole('link', { name: /again/i }).click()
}

async function sessionCookie(page: Page, door: string): Promise<string | undefined> {
  return (await page.context().cookies(door)).find(({ name }) => name === 'oathkeeper')?.value
}
