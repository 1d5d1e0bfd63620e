import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startProduct, type Product } from '../support/product.ts'
import { gatherCrowd, PROVIDER_PAGE, signIn, type Crowd } from './person.ts'

const DAY_SECONDS = 86_400

describe('other logins in a browser', () => {
  let crowd: Crowd
  let product: Product

  before(async () => {
    product = await startProduct({
      config: { session: { remember_me: { enabled: true, ask: true, lifetime: '30d' } } },
      rules: (door, upstream) => [
        {
          id: 'golden',
          match: { url: `${door}/golden`, methods: ['GET'] },
          authenticators: [{ handler: 'session', config: { acr: 'gold' } }],
          authorizer: { handler: 'allow' },
          mutators: [{ handler: 'noop' }],
          upstream: { url: upstream },
        },
      ],
    })
    crowd = await gatherCrowd()
  })
  after(async () => {
    await crowd.close()
    await product[Symbol.asyncDispose]()
  })

  for (const [answer, isKept] of [
    ['Sign in and stay signed in', true],
    ['Sign in for now', false],
  ] as const) {
    test(`"${answer}" is asked once and holds for the cookie`, async () => {
      await using ada = await crowd.person()
      const sessionCookie = async () =>
        (await ada.context.cookies(product.door)).find(({ name }) => name === 'oathkeeper')
      await ada.page.goto(`${product.door}/me?a=%20b`)
      await ada.page.getByRole('link', { name: answer }).click()
      await ada.page.waitForURL(PROVIDER_PAGE)
      await signIn(ada.page)
      await ada.page.waitForURL(`${product.door}/me?a=%20b`)
      const cookie = await sessionCookie()
      if (isKept) assert.ok((cookie?.expires ?? 0) > Date.now() / 1000 + 29 * DAY_SECONDS)
      else assert.equal(cookie?.expires, -1)
      assert.deepEqual(ada.refused, [])

      // The provider knows no acr: a page says so, and the session from before goes on.
      await ada.page.goto(`${product.door}/golden`)
      await ada.page.waitForURL(/\/callback/)
      assert.match((await ada.page.textContent('h1')) ?? '', /This page needs another sign-in/)
      assert.deepEqual(await sessionCookie(), cookie)
      await ada.page.goto(`${product.door}/me`)
      assert.equal(await ada.page.getByRole('heading', { level: 1 }).textContent(), 'Hello, Ada Lovelace')
    })
  }
})
