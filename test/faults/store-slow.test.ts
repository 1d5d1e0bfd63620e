// The store is slow, or silent: one deadline for all of those who wait, and nothing piles up.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  ANSWERED_WITHIN_MS,
  assertOutage,
  assertRecovered,
  assertRefused,
  assertWorks,
  DEADLINE_MS,
  MODES,
  noticed,
  startFaultScene,
  WITHIN_MS,
  type FaultScene,
} from '../support/fault-scene.ts'
import { assertFlat } from '../support/flat-memory.ts'
import { rawRequest } from '../support/raw-client.ts'
import { timed, until } from '../support/until.ts'

for (const mode of MODES) {
  const members = mode === 'near cache' ? 'go on' : 'wait'

  test(`FM-12: replies come 100, 300, 5000 ms later (${mode})`, async (t) => {
    const scene = await startFaultScene(t, { mode })
    const { proxy, product } = scene
    await scene.touch()
    proxy.delayMs = 100
    // A machine that is busy adds to the delay, and may so pass the deadline of 250 ms.
    await until(5_000, async () => await assertWorks(scene))
    await until(5_000, async () => assert.equal((await product.signIn()).ticket.length > 0, true))
    for (const delayMs of [300, 5_000]) {
      // With the near cache nobody who is signed in asks Redis: one who is not known here does.
      proxy.delayMs = 0
      await scene.touch()
      proxy.delayMs = delayMs
      await assertAllAnsweredInTime(scene)
      await assertOutage(scene, 'wait')
      assert.ok(proxy.connections <= 2, `${proxy.connections} connections`)
      proxy.delayMs = 0
      await assertRecovered(scene, 'FM-12', performance.now(), `after +${delayMs} ms`)
    }
  })

  test(`FM-13: a black hole: sockets are released (${mode})`, async (t) => {
    const scene = await startFaultScene(t, { mode })
    const { proxy } = scene
    proxy.blackHole = true
    await assertOutage(scene, members)
    await sleep(500)
    assert.ok(proxy.connections <= 2, `${proxy.connections} connections`)
    proxy.blackHole = false
    await assertRecovered(scene, 'FM-13', performance.now())
  })

  test(`FM-14: Redis is stopped by SIGSTOP: one deadline for all, not one for each (${mode})`, async (t) => {
    const scene = await startFaultScene(t, { mode, direct: true })
    const { redis } = scene
    const usualMs = await costOf(() => scene.load(400, '/public'))
    await scene.touch()
    redis.pause()
    t.after(() => redis.resume())
    await assertAllAnsweredInTime(scene)
    await noticed(scene)
    const { ms } = await timed(async () => {
      for (let i = 0; i < 200; i++) assertRefused(await scene.ask('/me'))
    })
    t.diagnostic(`200 requests one after the other took ${Math.round(ms)} ms`)
    assert.ok(ms < 200 * DEADLINE_MS * 0.1, `${ms} ms`)
    await assertOutage(scene, 'wait')
    const meanwhileMs = await costOf(() => scene.load(400, '/public'))
    t.diagnostic(
      `400 requests without a session: ${Math.round(usualMs)} ms of the processor, ${Math.round(meanwhileMs)} ms meanwhile`,
    )
    assert.ok(meanwhileMs < 2 * usualMs + 50, `${usualMs} ms before, ${meanwhileMs} ms meanwhile`)
    redis.resume()
    await assertRecovered(scene, 'FM-14', performance.now())
  })
}

test('FM-14: a paused Redis costs who is signed in nothing: the near cache answers at once', async (t) => {
  const scene = await startFaultScene(t, { direct: true })
  scene.redis.pause()
  t.after(() => scene.redis.resume())
  const first = await timed(() => scene.ask('/me'))
  assert.equal(first.value?.status, 200)
  assert.ok(first.ms < DEADLINE_MS, `${first.ms} ms`)
  assert.deepEqual(await scene.load(1000, '/me'), { 200: 1000 })
  await assertOutage(scene, 'go on')
  t.diagnostic(await assertFlat(1000, (requests) => scene.load(requests, '/me')))
  scene.redis.resume()
  await assertRecovered(scene, 'FM-14', performance.now(), 'a member of the near cache')
})

test('FM-14: one that greets and then hangs is asked ever less often', async (t) => {
  const scene = await startFaultScene(t, { mode: 'no near cache' })
  const { proxy } = scene
  proxy.answer = (request) => (request.includes('GETRANGE') ? '' : undefined)
  let waited = 0
  let atOnce = 0
  for (const end = performance.now() + 2_500; performance.now() < end; await sleep(5)) {
    const { ms, value } = await timed(() => scene.ask('/me'))
    assert.equal(value?.status, 503)
    if (ms > 150) waited++
    else atOnce++
  }
  // Without the growing pauses every request would wait: ten deadlines in 2.5 s.
  assert.ok(waited <= 8 && atOnce > 5 * waited, `${waited} waited, ${atOnce} did not`)
  proxy.answer = undefined
  await assertRecovered(scene, 'FM-14', performance.now(), 'greets and hangs')
})

/** What it costs this process at best: what else the machine has to do does not count. */
async function costOf(run: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 3; i++) {
    const before = process.cpuUsage()
    await run()
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / 1000)
  }
  return best
}

/** Two hundred at the same moment, none of which is kept waiting for long. */
async function assertAllAnsweredInTime(scene: FaultScene): Promise<void> {
  const { host, proxyPort } = scene.product
  const request = `GET /me HTTP/1.1\r\nHost: ${host}\r\nCookie: oathkeeper=${scene.ticket}\r\nAccept: application/json\r\n\r\n`
  const { ms, value = [] } = await timed(() =>
    Promise.all(Array.from({ length: 200 }, () => rawRequest(proxyPort, request))),
  )
  for (const answer of value) {
    assert.deepEqual([answer.status, answer.header('retry-after'), answer.header('set-cookie')], [503, '1', undefined])
  }
  assert.equal(value.length, 200)
  assert.ok(ms < ANSWERED_WITHIN_MS + WITHIN_MS, `${ms} ms`)
}
