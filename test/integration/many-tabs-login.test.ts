// 50 tabs of one browser log in at once, over three instances.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type ManyTabs, startManyTabs } from '../support/many-tabs.ts'
import { signInAs } from '../support/real-provider.ts'
import { createShiftedClock } from '../support/shifted-clock.ts'
import { Visitor } from '../support/visitor.ts'

const TABS = 50
/** What nginx takes as one header by default; Node takes 16 KiB for all of them. */
const MAX_COOKIE_HEADER = 8 * 1024

function routeTo({ hosts }: ManyTabs, tab: Visitor, instance: number): void {
  tab.route(hosts[0] ?? '', hosts[instance % hosts.length] ?? '')
}

async function start(t: TestContext, nearCache: boolean) {
  const scene = await startManyTabs(t, { nearCache, clock: createShiftedClock() })
  const browser = new Visitor()
  const tabs = Array.from({ length: TABS }, (_, i) => ({
    tab: browser.tab(),
    page: `${scene.door}/page-${i}?q=${i}`,
    instance: i,
  }))
  return { scene, browser, tabs }
}

for (const nearCache of [true, false]) {
  test(`50 tabs of one browser that log in at once all arrive at what they asked for (near cache: ${nearCache})`, async (t) => {
    const { scene, browser, tabs } = await start(t, nearCache)
    const forms = await Promise.all(
      tabs.map(({ tab, page, instance }) => {
        routeTo(scene, tab, instance)
        return tab.follow(page)
      }),
    )
    const header = browser.cookieHeader(new URL(scene.door))
    assert.equal(header.split('; ').filter((cookie) => cookie.startsWith('oathkeeper-login-')).length, TABS)
    assert.ok(header.length < MAX_COOKIE_HEADER, `${header.length} bytes of cookies`)
    t.diagnostic(`${TABS} attempts are ${header.length} bytes of cookies`)

    // Each comes back to another instance than it began on.
    const arrivals = await Promise.all(
      tabs.map(({ tab, instance }, i) => {
        routeTo(scene, tab, instance + 1)
        return signInAs(tab, forms[i]!, 'ada')
      }),
    )
    assert.deepEqual(
      arrivals.map(({ status, url }) => `${status} ${url}`),
      tabs.map(({ page }) => `200 ${page}`),
    )
    // What the attempts left behind is gone, and the browser has one session.
    assert.deepEqual(
      browser.cookieNames('127.0.0.1').filter((name) => name.startsWith('oathkeeper')),
      ['oathkeeper'],
    )
    const again = await Promise.all(tabs.map(({ tab, page }) => tab.go(page)))
    assert.ok(again.every(({ status }) => status === 200))
  })
}

test('50 tabs without a session log in by themselves at once, where the provider still knows the person', async (t) => {
  const { scene, browser, tabs } = await start(t, true)
  const [first] = tabs
  assert.ok(first !== undefined)
  assert.equal((await signInAs(first.tab, await first.tab.follow(first.page), 'ada')).status, 200)
  browser.forget('127.0.0.1', 'oathkeeper')
  const arrivals = await Promise.all(
    tabs.map(({ tab, page, instance }) => {
      routeTo(scene, tab, instance)
      return tab.follow(page)
    }),
  )
  assert.deepEqual(
    arrivals.map(({ status, url }) => `${status} ${url}`),
    tabs.map(({ page }) => `200 ${page}`),
  )
  assert.notEqual(browser.cookie('127.0.0.1', 'oathkeeper'), undefined)
})
