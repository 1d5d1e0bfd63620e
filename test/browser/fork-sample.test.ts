import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { type ForkSample, startForkSample } from '../support/fork-sample.ts'
import { type Crowd, gatherCrowd, type Person, signIn } from './person.ts'

describe("the fork's sample configuration in a browser", () => {
  let crowd: Crowd
  let sample: ForkSample

  before(async () => {
    sample = await startForkSample()
    crowd = await gatherCrowd()
  })
  after(async () => {
    await crowd.close()
    await sample[Symbol.asyncDispose]()
  })

  async function loggedIn(): Promise<Person> {
    const person = await crowd.person()
    await person.page.goto(`${sample.door}/home/reports?month=10`)
    await signIn(person.page, 'id-of-ada')
    await person.page.waitForURL(`${sample.door}/home/reports?month=10`)
    return person
  }

  test('a person arrives where they wanted to go, and the address bar has nothing of the login', async () => {
    await using ada = await loggedIn()
    assert.equal(await ada.page.getByRole('heading').textContent(), 'the application')
    const cookies = await ada.context.cookies(sample.door)
    const session = cookies.find(({ name }) => name === 'IG_SESSION_ID')
    assert.deepEqual([session?.httpOnly, session?.sameSite], [true, 'Lax'])
    assert.deepEqual(
      cookies.filter(({ name }) => name.includes('-login-')),
      [],
    )
  })

  test('a link of the application logs out, here and at the provider', async () => {
    await using ada = await loggedIn()
    await ada.page.getByRole('link', { name: 'Log out' }).click()
    await ada.page.waitForURL((url) => url.href.startsWith(`${sample.provider.issuer}/session/end?id_token_hint=`))
    const names = (await ada.context.cookies(sample.door)).map(({ name }) => name)
    assert.ok(!names.includes('IG_SESSION_ID'))
    const over = await ada.context.request.get(`${sample.door}/home/reports`, { maxRedirects: 0 })
    assert.equal(over.status(), 302)
  })

  test('fork 29: an image and a link of another site log nobody out; the page that asks does, with one click', async (t) => {
    const foreign = createServer((_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/html' })
      response.end(`<img src="${sample.door}/logout"><a href="${sample.door}/logout">a prize</a>`)
    })
    foreign.listen(0, '127.0.0.1')
    await once(foreign, 'listening')
    t.after(() => foreign.close())
    await using ada = await loggedIn()
    await ada.page.goto(`http://localhost:${(foreign.address() as AddressInfo).port}/`)
    await ada.page.getByRole('link', { name: 'a prize' }).click()
    await ada.page.getByRole('heading', { name: 'Do you want to sign out?' }).waitFor()
    assert.deepEqual(ada.refused, [])
    const still = await ada.context.request.get(`${sample.door}/home/reports`)
    assert.equal(still.status(), 200)
    await ada.page.getByRole('link', { name: 'Sign out' }).click()
    await ada.page.waitForURL((url) => url.href.startsWith(sample.provider.issuer))
    const over = await ada.context.request.get(`${sample.door}/home/reports`, { maxRedirects: 0 })
    assert.equal(over.status(), 302)
  })
})
