import type { Clock } from '../kernel/clock.ts'

/** Time since a moment, by the clock that says more: one may have been set back, the other may have stood still. */
export class Stopwatch {
  readonly #clock: Clock
  readonly #startedAt: number
  readonly #monotonicStart = performance.now()

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedAt = clock.now()
  }

  get elapsedMs(): number {
    return Math.max(this.#clock.now() - this.#startedAt, performance.now() - this.#monotonicStart)
  }
}
