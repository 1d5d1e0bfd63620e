import { setTimeout as wait } from 'node:timers/promises'
import { timed } from './until.ts'

/** Asks again and again until the answer is what is awaited. @throws {Error} with the last answer, when time is up. */
export async function eventually<Value>(
  ask: () => Promise<Value> | Value,
  isAwaited: (value: Value) => boolean,
  withinMs: number,
): Promise<Value> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const value = await ask()
    if (isAwaited(value)) return value
    if (performance.now() >= deadline) throw new Error(`still ${JSON.stringify(value)} after ${withinMs} ms`)
    await wait(20)
  }
}

/** The shortest of a few runs: what the product takes; the rest is what else the machine has to do. */
export async function fastest(runs: number, run: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < runs; i++) {
    const { ms, error } = await timed(run)
    if (error !== undefined) throw error
    best = Math.min(best, ms)
  }
  return best
}
