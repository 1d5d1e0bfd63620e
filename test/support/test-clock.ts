import type { Clock } from '../../src/kernel/clock.ts'

/** A clock that stands still until a test moves it. */
export interface TestClock extends Clock {
  /** Moves time forward and runs what falls due on the way, in order of time; each timer sees its own moment as `now()`. */
  advance(byMs: number): void
  /** How many timers wait. */
  readonly pending: number
}

interface Timer {
  readonly at: number
  readonly run: () => void
}

/** Creates a clock at `startMs`; the default is the real time of day, which a real Redis understands. */
export function createTestClock(startMs: number = Date.now()): TestClock {
  let now = startMs
  const timers = new Set<Timer>()

  function nextDue(end: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of timers) if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer
    return next
  }

  return {
    now: () => now,
    schedule(delayMs, run) {
      const timer: Timer = { at: now + Math.max(0, delayMs), run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance(byMs) {
      const end = now + byMs
      for (let due = nextDue(end); due !== undefined; due = nextDue(end)) {
        timers.delete(due)
        now = Math.max(now, due.at)
        due.run()
      }
      now = end
    },
    get pending() {
      return timers.size
    },
  }
}
