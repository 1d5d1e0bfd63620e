import { parseArgs } from 'node:util'
import { drawRedisSteps } from './redis-steps.ts'
import { RedisWorld } from './redis-world.ts'
import type { Violation } from './conduct.ts'

/** How a run against a real Redis went. */
export interface RedisRunResult {
  readonly seed: number
  readonly counts: RedisWorld['counts']
  readonly failure: (Violation & { readonly history: readonly string[] }) | undefined
}

/** Takes the steps of a seed against a real Redis. The steps are the same each time; the moments at which things happen are not. */
export async function runRedisModel(seed: number, count: number): Promise<RedisRunResult> {
  const world = await RedisWorld.start()
  try {
    for (const [i, step] of drawRedisSteps(seed, count).entries()) {
      await world.take(step, i + 1)
      if (world.violation !== undefined) break
    }
    const failure = world.violation === undefined ? undefined : { ...world.violation, history: world.history }
    return { seed, counts: world.counts, failure }
  } finally {
    await world.close()
  }
}

/** All that a person needs to find out what went wrong. */
export function explainRedis({ seed, failure }: RedisRunResult, count: number): string {
  if (failure === undefined) return ''
  return [
    `seed ${seed}, step ${failure.step} of ${count}: ${failure.what}`,
    `again, if the moments fall alike: node test/model/redis-run.ts --seed ${seed} --steps ${count}`,
    'how it went:',
    ...failure.history,
  ].join('\n')
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: process.env['OATHKEEPER_MODEL_SEED'] ?? String(Date.now() % 1_000_000) },
      steps: { type: 'string', default: process.env['OATHKEEPER_MODEL_STEPS'] ?? '1500' },
      seeds: { type: 'string', default: '1' },
    },
  })
  const [first, steps, seeds] = [Number(values.seed), Number(values.steps), Number(values.seeds)]
  for (let seed = first; seed < first + seeds; seed++) {
    const begun = performance.now()
    const result = await runRedisModel(seed, steps)
    console.log(`seed ${seed}: ${JSON.stringify(result.counts)}, ${Math.round(performance.now() - begun)} ms`)
    if (result.failure === undefined) continue
    console.log(explainRedis(result, steps))
    process.exitCode = 1
    break
  }
}
