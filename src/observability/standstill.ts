import type { Logger } from '../kernel/logger.ts'

const LOOK_EVERY_MS = 500
/** Shorter ones are what a busy machine does to everybody. */
const TOLD_FROM_MS = 1_000

/**
 * Tells the operator when the process stood still, such as for a garbage collection without end, or a machine that gave it no
 * time: what was late then was late here. The function that comes back ends it.
 */
export function watchStandstill(logger: Logger): () => void {
  let dueAt = performance.now() + LOOK_EVERY_MS
  const timer = setInterval(() => {
    const now = performance.now()
    const stoodStillMs = Math.round(now - dueAt)
    dueAt = now + LOOK_EVERY_MS
    if (stoodStillMs < TOLD_FROM_MS) return
    logger.warn({ stood_still_ms: stoodStillMs }, 'the process stood still: nothing was answered for a while')
  }, LOOK_EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}
