import type { Clock } from '../../kernel/clock.ts'
import type { SessionEnd } from '../contract.ts'

/** A replica that takes over, or a server that reads its file again, may be behind by as long. */
const KEPT_MS = 600_000
const MAX_KEPT = 10_000
/** So many are told again at once. */
const CHUNK = 100

interface RecentEnd {
  readonly end: SessionEnd | undefined
  readonly at: number
}

/**
 * Ends of sessions that a server has taken, but may not have told its replicas, nor its disk: they are told again to whoever is
 * connected to next, where they do nothing unless the session has come back.
 */
export class RecentEnds {
  readonly #ends = new Map<string, RecentEnd>()
  readonly #clock: Clock
  #isTelling = false
  #isAskedAgain = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  note(key: string, end: SessionEnd | undefined): void {
    this.#ends.delete(key)
    this.#ends.set(key, { end, at: this.#clock.now() })
    for (const [oldest, { at }] of this.#ends) {
      if (this.#ends.size <= MAX_KEPT && at > this.#clock.now() - KEPT_MS) break
      this.#ends.delete(oldest)
    }
  }

  /** `tell` rejects while there is nobody to tell: then it is for the next connection. */
  tellAgain(tell: (key: string, end: SessionEnd | undefined) => Promise<unknown>): void {
    if (this.#ends.size === 0) return
    this.#isAskedAgain = true
    if (!this.#isTelling) void this.#tellAll(tell)
  }

  async #tellAll(tell: (key: string, end: SessionEnd | undefined) => Promise<unknown>): Promise<void> {
    this.#isTelling = true
    while (this.#isAskedAgain) {
      this.#isAskedAgain = false
      const since = this.#clock.now() - KEPT_MS
      const ends = [...this.#ends].filter(([, { at }]) => at > since)
      for (let from = 0; from < ends.length; from += CHUNK) {
        const chunk = ends.slice(from, from + CHUNK)
        await Promise.allSettled(chunk.map(([key, { end }]) => tell(key, end)))
      }
    }
    this.#isTelling = false
  }
}
