// Sessions on many instances, whatever happens to them, to their store and to the provider, against a model of what is true.
// OATHKEEPER_MODEL_SEED and OATHKEEPER_MODEL_STEPS choose a run; so does `node test/model/run.ts --seed N --steps N`.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explain, runModel } from './run.ts'

/** With and without a near cache, an idle timeout, other instances. */
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]

const chosen = process.env['OATHKEEPER_MODEL_SEED']
const steps = Number(process.env['OATHKEEPER_MODEL_STEPS'] ?? 2_000)
const seeds = chosen === undefined ? SEEDS : [Number(chosen)]

for (const seed of seeds) {
  test(`E-08, A-32, V-092: no ended session is accepted and no live one lost, seed ${seed}, ${steps} steps`, async (t) => {
    const result = await runModel(seed, steps)
    t.diagnostic(JSON.stringify({ seed, ...result.counts, ...result.profile }))
    if (result.failure !== undefined) assert.fail(await explain(result, steps))
  })
}
