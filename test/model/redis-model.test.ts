// The same against a real Redis that is stopped, killed, paused and filled, with a spoiled way to it, in real time.
// OATHKEEPER_MODEL_SEED and OATHKEEPER_MODEL_STEPS choose a run; so does `node test/model/redis-run.ts --seed N --steps N`.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainRedis, runRedisModel } from './redis-run.ts'

const seed = Number(process.env['OATHKEEPER_MODEL_SEED'] ?? 17)
const steps = Math.min(Number(process.env['OATHKEEPER_MODEL_STEPS'] ?? 1_200), 1_500)

test(`E-08, A-32, V-092: no ended session is accepted and no live one lost on a real Redis, seed ${seed}, ${steps} steps`, async (t) => {
  const result = await runRedisModel(seed, steps)
  t.diagnostic(JSON.stringify({ seed, ...result.counts }))
  if (result.failure !== undefined) assert.fail(explainRedis(result, steps))
})
