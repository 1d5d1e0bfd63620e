import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { silentLogger, type LogFields } from '../kernel/logger.ts'
import { watchStandstill } from './standstill.ts'

test('a process that stood still says so once, with how long; until it is told to stop looking', async (t) => {
  const told: LogFields[] = []
  const end = watchStandstill({ ...silentLogger, warn: (fields) => void told.push(fields) })
  t.after(end)
  await standStill(1_600)
  assert.equal(told.length, 1)
  assert.ok(Number(told[0]?.['stood_still_ms']) >= 1_000)
  end()
  await standStill(1_600)
  assert.equal(told.length, 1)
})

async function standStill(ms: number): Promise<void> {
  const end = performance.now() + ms
  while (performance.now() < end);
  await sleep(10)
}
