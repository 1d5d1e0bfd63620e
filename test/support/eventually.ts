import { setTimeout as wait } from 'node:timers/promises'

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

/** What something gives, and how long it took. */
export async function timed<Value>(run: () => Promise<Value>): Promise<{ value: Value; tookMs: number }> {
  const begun = performance.now()
  const value = await run()
  return { value, tookMs: performance.now() - begun }
}

/** The shortest of a few runs: what the product takes; the rest is what else the machine has to do. */
export async function fastest(runs: number, run: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < runs; i++) best = Math.min(best, (await timed(run)).tookMs)
  return best
}
