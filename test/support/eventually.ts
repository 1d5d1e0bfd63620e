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
