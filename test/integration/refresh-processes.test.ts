// As refresh-once.test.ts with real processes, two of which are killed in the middle of a refresh.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { askAtOnce, type ManyTabs, SCRIPT, startManyTabs } from '../support/many-tabs.ts'
import type { Answer, Visitor } from '../support/visitor.ts'

const LIFE_MS = 10_000
const BEFORE_MS = 3_000

/** Uses the session on one instance until that refreshes its tokens, whose request is held. */
async function refreshHeld(scene: ManyTabs, tab: Visitor, at: 'beforeTokens' | 'afterTokens', held: Promise<void>) {
  let isHeld = false
  scene.provider.pauses[at] = () => {
    isHeld = true
    scene.provider.pauses[at] = undefined
    return held
  }
  const use = async (): Promise<boolean> => {
    await tab.go(`${scene.door}/waiting`, SCRIPT)
    return isHeld
  }
  await eventually(use, Boolean, 3 * LIFE_MS)
}

function countStatuses(answers: readonly Answer[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

test('A-32: three processes, and a token that is over', async (t) => {
  const scene = await startManyTabs(t, {
    nearCache: true,
    provider: { accessTokenSeconds: LIFE_MS / 1000 },
    session: { refresh: { before: `${BEFORE_MS}ms` } },
  })
  const browser = await scene.signIn()

  await t.test('200 requests on 20 tabs refresh it once', async () => {
    await sleep(LIFE_MS + 500)
    const answers = await askAtOnce(scene, scene.tabs(browser), 10)
    assert.deepEqual(countStatuses(answers), { 200: 200 })
    assert.deepEqual(scene.refreshes(), [200])
  })

  await t.test(
    'the instance that refreshes is killed before the provider has seen it: all go on with the next',
    async () => {
      const held = Promise.withResolvers<void>()
      const [tab] = scene.tabs(browser, [0])
      assert.ok(tab !== undefined)
      const before = scene.refreshes().length
      await refreshHeld(scene, tab, 'beforeTokens', held.promise)
      // Until the token is over; it holds its lease for as long as it lives.
      await sleep(BEFORE_MS + 1_000)
      assert.equal(scene.refreshes().length, before)
      scene.processes[0]?.kill('SIGKILL')
      await scene.processes[0]?.exited
      held.resolve()
      const answers = await askAtOnce(scene, scene.tabs(browser, [1, 2]), 10)
      assert.deepEqual(countStatuses(answers), { 200: 200 })
      assert.deepEqual(scene.refreshes().slice(before), [200])
    },
  )

  await t.test(
    'one is killed after the provider has answered it: the session ends when the next is refused',
    async () => {
      const held = Promise.withResolvers<void>()
      const [tab] = scene.tabs(browser, [1])
      assert.ok(tab !== undefined)
      const before = scene.refreshes().length
      await refreshHeld(scene, tab, 'afterTokens', held.promise)
      scene.processes[1]?.kill('SIGKILL')
      await scene.processes[1]?.exited
      held.resolve()
      // The token is still good for a while: nobody notices.
      const tabs = scene.tabs(browser, [2])
      assert.deepEqual(countStatuses(await askAtOnce(scene, tabs, 1)), { 200: 20 })
      await sleep(BEFORE_MS + 1_000)
      const answers = await askAtOnce(scene, tabs, 10)
      assert.deepEqual(countStatuses(answers), { 401: 200 })
      assert.deepEqual(scene.refreshes().slice(before), [200, 400])
      assert.match(scene.log(), /refresh_rejected/)
    },
  )
})
