import { setTimeout as sleep } from 'node:timers/promises'

/** Tries again until `attempt` does not throw, at most for `withinMs`; tells how many milliseconds it took. */
export async function until(withinMs: number, attempt: () => unknown): Promise<number> {
  const begun = performance.now()
  for (;;) {
    try {
      await attempt()
      return performance.now() - begun
    } catch (cause) {
      if (performance.now() - begun > withinMs) throw cause
      await sleep(10)
    }
  }
}

/** How many milliseconds it takes until `run` settles, and how. */
export async function timed<T>(run: () => Promise<T>): Promise<{ ms: number; value?: T; error?: unknown }> {
  const begun = performance.now()
  try {
    const value = await run()
    return { ms: performance.now() - begun, value }
  } catch (error) {
    return { ms: performance.now() - begun, error }
  }
}
