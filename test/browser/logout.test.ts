import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { startProduct, type Product } from '../support/product.ts'
import { gatherCrowd, PROVIDER_PAGE, signIn, type Crowd, type Person } from './person.ts'

describe('logout in a browser', () => {
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

  async function loggedIn(): Promise<Person> {
    const person = await crowd.person()
    await person.page.goto(`${product.door}/me`)
    await signIn(person.page)
    await person.page.waitForURL(`${product.door}/me`)
    return person
  }

  test('the button ends the session here and at the provider', async () => {
    await using ada = await loggedIn()
    const cookies = await ada.context.cookies(product.door)
    await ada.page.getByRole('button', { name: 'Log out' }).click()
    await ada.page.waitForURL((url) => url.origin === product.door && url.pathname !== '/me')
    assert.ok(product.provider.requests.some((request) => request.startsWith('GET /session/end')))
    assert.deepEqual(ada.refused, [])
    const names = (await ada.context.cookies(product.door)).map(({ name }) => name)
    assert.ok(!names.includes('oathkeeper'))

    // The provider asks again who it is: its own session has ended too.
    await ada.page.goto(`${product.door}/me`)
    assert.match(ada.page.url(), PROVIDER_PAGE)

    // A copy of the cookie from before opens nothing.
    await ada.context.addCookies(cookies.filter(({ name }) => name === 'oathkeeper'))
    const replayed = await ada.page.request.get(`${product.door}/me`, { headers: { accept: 'application/json' } })
    assert.equal(replayed.status(), 401)
  })

  test('another browser of the same person stays logged in', async () => {
    await using here = await loggedIn()
    await using there = await loggedIn()
    await here.page.getByRole('button', { name: 'Log out' }).click()
    await here.page.waitForURL((url) => url.origin === product.door && url.pathname !== '/me')
    const answer = await there.page.reload()
    assert.equal(answer?.status(), 200)
    assert.equal(there.page.url(), `${product.door}/me`)
  })

  test('a foreign site cannot log a person out, neither by a form nor by a link or an image', async (t) => {
    const trap = createServer((_request, response) => {
      response.setHeader('Content-Type', 'text/html')
      response.end(
        `<img src="${product.door}/.oathkeeper/logout" alt="">` +
          `<form method="post" action="${product.door}/.oathkeeper/logout"><button>Win a prize</button></form>` +
          `<a href="${product.door}/.oathkeeper/logout">or here</a>`,
      )
    }).listen(0, '127.0.0.1')
    await once(trap, 'listening')
    t.after(() => {
      trap.closeAllConnections()
      trap.close()
    })
    // Another site for the browser: another host name.
    const address = `http://localhost:${(trap.address() as AddressInfo).port}/`
    await using ada = await loggedIn()
    for (const bait of ['button', 'a']) {
      const tab = await ada.context.newPage()
      await tab.goto(address)
      await Promise.all([tab.waitForLoadState('load'), tab.locator(bait).click()])
      await tab.waitForURL(`${product.door}/**`)
      await tab.close()
    }
    const answer = await ada.page.reload()
    assert.equal(answer?.status(), 200)
    assert.equal(ada.page.url(), `${product.door}/me`)
  })
})
