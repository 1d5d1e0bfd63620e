import type { Clock } from '../kernel/clock.ts'

/** Something that may stop making progress. */
export interface Watched {
  /** Called now and then; ends what has stood still for too long. */
  check(now: number): void
}

/**
 * One timer for the deadlines of all exchanges: each notes when it last made progress by the watch's own coarse time,
 * which costs nothing, and is asked a few times per deadline whether it has stalled.
 */
export class StallWatch {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #watched = new Set<Watched>()
  #cancel: (() => void) | undefined
  /** The time of the last round; late by up to one interval. */
  now: number

  /** @param shortestMs the shortest deadline of those who are watched */
  constructor(clock: Clock, shortestMs: number) {
    this.#clock = clock
    this.#intervalMs = Math.min(1_000, Math.max(10, Math.floor(shortestMs / 5)))
    this.now = clock.now()
  }

  add(watched: Watched): void {
    this.#watched.add(watched)
    if (this.#cancel !== undefined) return
    this.now = this.#clock.now()
    this.#cancel = this.#clock.schedule(this.#intervalMs, this.#round)
  }

  delete(watched: Watched): void {
    this.#watched.delete(watched)
  }

  get size(): number {
    return this.#watched.size
  }

  readonly #round = (): void => {
    this.now = this.#clock.now()
    for (const watched of this.#watched) watched.check(this.now)
    this.#cancel = this.#watched.size === 0 ? undefined : this.#clock.schedule(this.#intervalMs, this.#round)
  }
}
