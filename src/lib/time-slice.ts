import { setImmediate } from 'node:timers/promises'

/** Cuts long work into slices, so that requests are served in between. */
export class TimeSlice {
  readonly #lengthMs: number
  #began = performance.now()

  constructor(lengthMs = 10) {
    this.#lengthMs = lengthMs
  }

  /** Whether it is time for {@link next}. */
  get isOver(): boolean {
    return performance.now() - this.#began > this.#lengthMs
  }

  /** Resolves once whatever else waited has had its turn, and begins the next slice. */
  async next(): Promise<void> {
    await setImmediate()
    this.#began = performance.now()
  }
}
