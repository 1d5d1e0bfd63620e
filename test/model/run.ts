import { parseArgs } from 'node:util'
import { describeStep, drawProfile, drawSteps, type Profile, type Step } from './steps.ts'
import type { Violation } from './conduct.ts'
import { MemoryWorld } from './memory-world.ts'
import { World } from './world.ts'

/** How a run went. */
export interface RunResult {
  readonly seed: number
  readonly profile: Profile
  readonly counts: World['counts']
  readonly failure: (Violation & { readonly history: readonly string[] }) | undefined
}

/** Takes the steps of a seed, until something goes against the model. */
export async function runModel(seed: number, count: number): Promise<RunResult> {
  const profile = drawProfile(seed)
  return await runSteps(seed, profile, drawSteps(seed, count, profile))
}

async function runSteps(seed: number, profile: Profile, steps: readonly Step[]): Promise<RunResult> {
  const world = profile.memorySize === undefined ? new World(seed, profile) : new MemoryWorld(seed, profile)
  // What is measured by the clock that never stands still is measured in simulated time too.
  const real = performance.now
  performance.now = () => world.elapsedMs
  try {
    for (const [i, step] of steps.entries()) {
      await world.take(step, i + 1)
      if (world.violation !== undefined) break
    }
  } finally {
    performance.now = real
  }
  const failure = world.violation === undefined ? undefined : { ...world.violation, history: world.history }
  return { seed, profile, counts: world.counts, failure }
}

const MAX_SHRINKING = 400

/** The fewest steps found that go against the model in the same way: what can be left out is. */
export async function shrink(seed: number, count: number, { step, what }: Violation): Promise<readonly Step[]> {
  const profile = drawProfile(seed)
  let steps: readonly Step[] = drawSteps(seed, count, profile).slice(0, step)
  let attempts = 0
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < steps.length && attempts < MAX_SHRINKING; attempts++) {
      const fewer = [...steps.slice(0, at), ...steps.slice(at + size)]
      const { failure } = await runSteps(seed, profile, fewer)
      if (failure !== undefined && kindOf(failure.what) === kindOf(what)) steps = fewer.slice(0, failure.step)
      else at += size
    }
  }
  return steps
}

/** The same thing may happen to another session, or after another time. */
function kindOf(what: string): string {
  return what.replaceAll(/\d+/g, '')
}

/** All that a person needs to find out what went wrong. */
export async function explain(result: RunResult, count: number): Promise<string> {
  const { seed, profile, failure } = result
  if (failure === undefined) return ''
  const steps = await shrink(seed, count, failure)
  const again = await runSteps(seed, profile, steps)
  return [
    `seed ${seed}, step ${failure.step} of ${count}: ${failure.what}`,
    `profile ${JSON.stringify(profile)}`,
    `again: node test/model/run.ts --seed ${seed} --steps ${count}`,
    `shrunk to ${steps.length} steps:`,
    ...steps.map((step, i) => `  ${i + 1}. ${describeStep(step)}`),
    'how it went:',
    ...(again.failure ?? failure).history,
  ].join('\n')
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: process.env['OATHKEEPER_MODEL_SEED'] ?? String(Date.now() % 1_000_000) },
      steps: { type: 'string', default: process.env['OATHKEEPER_MODEL_STEPS'] ?? '3000' },
      seeds: { type: 'string', default: '1' },
    },
  })
  const [first, steps, seeds] = [Number(values.seed), Number(values.steps), Number(values.seeds)]
  const begun = performance.now()
  for (let seed = first; seed < first + seeds; seed++) {
    const result = await runModel(seed, steps)
    if (result.failure !== undefined) {
      console.log(await explain(result, steps))
      process.exitCode = 1
      break
    }
    if (seeds === 1) console.log(`seed ${seed}: ${JSON.stringify(result.counts)}`)
  }
  console.log(`${seeds} seeds of ${steps} steps, from ${first}: ${Math.round(performance.now() - begun)} ms`)
}
