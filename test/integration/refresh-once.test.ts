// 200 requests at once on 20 tabs over 3 instances, when the access token is nearly over and when it is over.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { askAtOnce, startManyTabs, type ManyTabs, type ManyTabsOptions } from '../support/many-tabs.ts'
import { createShiftedClock } from '../support/shifted-clock.ts'
import type { Visitor } from '../support/visitor.ts'

const BEFORE_MS = 60_000
const LIFE_MS = 300_000

async function start(t: TestContext, nearCache: boolean, options: Partial<ManyTabsOptions> = {}) {
  const clock = createShiftedClock()
  const scene = await startManyTabs(t, { nearCache, clock, ...options })
  const tabs = scene.tabs(await scene.signIn())
  // Every instance knows the session before its token is due.
  await askAtOnce(scene, tabs, 1)
  return { clock, scene, tabs }
}

/** Since `before`, the access tokens that reached the application. */
function tokensSince({ upstream }: ManyTabs, before: number): Set<string | undefined> {
  return new Set(upstream.requests.slice(before).map((request) => request.header('x-token')))
}

/** One token for all, on each instance, and another than there was. */
async function assertRenewed(scene: ManyTabs, tabs: readonly Visitor[], old: string | undefined): Promise<void> {
  await eventually(
    async () => {
      const before = scene.upstream.requests.length
      const answers = await askAtOnce(scene, tabs, 1)
      assert.ok(answers.every(({ status }) => status === 200))
      return [...tokensSince(scene, before)]
    },
    (tokens) => tokens.length === 1 && tokens[0] !== old,
    5_000,
  )
}

for (const nearCache of [true, false]) {
  for (const isSlow of [false, true]) {
    const provider = isSlow ? 'a provider that takes two seconds' : 'a quick provider'
    const title = `(near cache: ${nearCache}, ${provider})`

    test(`A-32: a token that is nearly over is refreshed once, and nobody waits for it ${title}`, async (t) => {
      const { clock, scene, tabs } = await start(t, nearCache)
      const [old] = [...tokensSince(scene, 0)]
      const held = Promise.withResolvers<void>()
      if (isSlow) scene.provider.pauses.beforeTokens = () => held.promise
      clock.shift(LIFE_MS - BEFORE_MS + 1_000)
      const before = scene.upstream.requests.length
      const answers = await askAtOnce(scene, tabs, 10)
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
      assert.equal(scene.upstream.requests.length - before, 200)
      if (isSlow) {
        assert.deepEqual([...tokensSince(scene, before)], [old], 'they went on with the token that was still good')
        await sleep(2_000)
        held.resolve()
      }
      await assertRenewed(scene, tabs, old)
      assert.deepEqual(scene.refreshes(), [200])
    })

    test(`A-32: a token that is over is refreshed once, and everybody has the new one ${title}`, async (t) => {
      const { clock, scene, tabs } = await start(t, nearCache)
      const [old] = [...tokensSince(scene, 0)]
      if (isSlow) scene.provider.pauses.beforeTokens = () => sleep(2_000)
      clock.shift(LIFE_MS + 1_000)
      const before = scene.upstream.requests.length
      const answers = await askAtOnce(scene, tabs, 10)
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
      const tokens = [...tokensSince(scene, before)]
      assert.equal(tokens.length, 1)
      assert.notEqual(tokens[0], old)
      assert.deepEqual(scene.refreshes(), [200])
    })
  }
}

test('an instance that is stopped in the middle of a refresh waits for the new tokens and stores them', async (t) => {
  const { clock, scene, tabs } = await start(t, true)
  const [old] = [...tokensSince(scene, 0)]
  const [asked, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  scene.provider.pauses.afterTokens = () => {
    asked.resolve()
    return held.promise
  }
  clock.shift(LIFE_MS - BEFORE_MS + 1_000)
  await askAtOnce(scene, tabs.slice(0, 1), 1)
  await asked.promise
  const stopping = scene.stop(0)
  await sleep(200)
  held.resolve()
  await stopping
  await assertRenewed(scene, tabs.slice(1, 3), old)
  clock.shift(LIFE_MS + 1_000)
  const answers = await askAtOnce(scene, tabs.slice(1, 3), 5)
  assert.ok(answers.every(({ status }) => status === 200))
  assert.deepEqual(scene.refreshes(), [200, 200])
})

test('A-32: round after round each refresh token is used once', async (t) => {
  const { clock, scene, tabs } = await start(t, true)
  for (let round = 1; round <= 5; round++) {
    clock.shift(LIFE_MS + 1_000)
    const answers = await askAtOnce(scene, tabs, 5)
    assert.ok(answers.every(({ status }) => status === 200))
    assert.deepEqual(
      scene.refreshes(),
      Array.from({ length: round }, () => 200),
    )
  }
})

for (const nearCache of [true, false]) {
  test(`V-026: UserInfo is read again on its interval, once for all tabs and instances (near cache: ${nearCache})`, async (t) => {
    const session = { refresh: { userinfo: '2m' } }
    const { clock, scene, tabs } = await start(t, nearCache, { userinfo: true, session })
    assert.equal(scene.provider.userinfoReads, 1, 'at the login')
    const ask = async (): Promise<void> => {
      const answers = await askAtOnce(scene, tabs, 3)
      assert.ok(answers.every(({ status }) => status === 200))
    }
    const untilRead = (times: number) =>
      eventually(
        () => scene.provider.userinfoReads,
        (reads) => reads >= times,
        5_000,
      )
    clock.shift(121_000)
    await ask()
    await untilRead(2)
    // Now the tokens are due as well: the claims come with them.
    clock.shift(121_000)
    await ask()
    await untilRead(3)
    await ask()
    await ask()
    assert.equal(scene.provider.userinfoReads, 3)
    assert.deepEqual(scene.refreshes(), [200])
  })
}
