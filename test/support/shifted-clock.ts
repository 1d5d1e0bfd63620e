import { type Clock, systemClock } from '../../src/kernel/clock.ts'

/** The real clock, which a test may set forward. */
export interface ShiftedClock extends Clock {
  shift(byMs: number): void
}

/** Creates one that shows the time of day. Timers run in real time. */
export function createShiftedClock(): ShiftedClock {
  let offset = 0
  return {
    now: () => systemClock.now() + offset,
    schedule: (delayMs, run) => systemClock.schedule(delayMs, run),
    shift: (byMs) => {
      offset += byMs
    },
  }
}
