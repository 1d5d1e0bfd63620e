import type { Clock } from '../kernel/clock.ts'

/** Something that may stop making progress. */
export interface Watched {
  /** Its place in the list of the watch, kept by the watch; -1 while it is not watched. */
  slot: number
  /** Called now and then; ends what has stood still for too long. */
  check(now: number): void
}

/** A round may be late on a busy machine; what is missing beyond that nobody was awake for. */
const MAX_INTERVALS = 3

/**
 * One timer for the deadlines of all exchanges: each notes when it last made progress by the watch's own coarse time,
 * which costs nothing, and is asked a few times per deadline whether it has stalled.
 */
export class StallWatch {
  readonly #clock: Clock
  readonly #intervalMs: number
  /** Not a Set: a Set that changes with every request leaves a chain of old tables, which keep dead exchanges alive. */
  readonly #watched: Watched[] = []
  #cancel: (() => void) | undefined
  /**
   * The time of the last round, late by up to one interval. It counts what the rounds have seen: when the clock is set, or the process is
   * stopped for a while, nobody has stood still for that long.
   */
  now: number
  #clockAt: number

  /** @param shortestMs the shortest deadline of those who are watched */
  constructor(clock: Clock, shortestMs: number) {
    this.#clock = clock
    this.#intervalMs = Math.min(1_000, Math.max(10, Math.floor(shortestMs / 5)))
    this.now = clock.now()
    this.#clockAt = this.now
  }

  add(watched: Watched): void {
    if (watched.slot !== -1) return
    watched.slot = this.#watched.length
    this.#watched.push(watched)
    if (this.#cancel !== undefined) return
    this.#pass(Number.POSITIVE_INFINITY)
    this.#cancel = this.#clock.schedule(this.#intervalMs, this.#round)
  }

  delete(watched: Watched): void {
    const { slot } = watched
    if (slot === -1) return
    watched.slot = -1
    const last = this.#watched.pop()
    if (last === undefined || last === watched) return
    this.#watched[slot] = last
    last.slot = slot
  }

  get size(): number {
    return this.#watched.length
  }

  readonly #round = (): void => {
    this.#pass(MAX_INTERVALS * this.#intervalMs)
    // From the end: who is deleted meanwhile is replaced by one that was asked already.
    for (let i = this.#watched.length - 1; i >= 0; i--) this.#watched[i]?.check(this.now)
    this.#cancel = this.#watched.length === 0 ? undefined : this.#clock.schedule(this.#intervalMs, this.#round)
  }

  #pass(atMostMs: number): void {
    const clockAt = this.#clock.now()
    this.now += Math.min(Math.max(0, clockAt - this.#clockAt), atMostMs)
    this.#clockAt = clockAt
  }
}
