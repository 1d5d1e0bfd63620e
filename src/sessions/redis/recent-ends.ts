import type { Clock } from '../../kernel/clock.ts'
import type { SessionEnd } from '../contract.ts'

/** A replica that takes over, or a server that reads its file again, may be behind by as long. */
const KEPT_MS = 600_000
const MAX_KEPT = 10_000
/** So many are told again at once. */
const CHUNK = 100
/** A server that has just become the master may take no writes yet, for want of replicas. */
const RETRY_MS = 1_000

type TellEnd = (key: string, end: SessionEnd | undefined) => Promise<unknown>

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
  #cancelRetry: (() => void) | undefined
  #isClosed = false

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

  /** `tell` rejects while there is nobody to tell, or one who takes nothing: then it is told later. */
  tellAgain(tell: TellEnd): void {
    if (this.#ends.size === 0 || this.#isClosed) return
    this.#isAskedAgain = true
    if (!this.#isTelling) void this.#tellAll(tell)
  }

  close(): void {
    this.#isClosed = true
    this.#cancelRetry?.()
  }

  async #tellAll(tell: TellEnd): Promise<void> {
    this.#isTelling = true
    this.#cancelRetry?.()
    let areTaken = true
    while (this.#isAskedAgain) {
      this.#isAskedAgain = false
      areTaken = await this.#tellEach(tell)
    }
    this.#isTelling = false
    if (areTaken || this.#isClosed) return
    this.#cancelRetry = this.#clock.schedule(RETRY_MS, () => this.tellAgain(tell))
  }

  /** No further than the first that are not taken. */
  async #tellEach(tell: TellEnd): Promise<boolean> {
    const since = this.#clock.now() - KEPT_MS
    const ends = [...this.#ends].filter(([, { at }]) => at > since)
    for (let from = 0; from < ends.length; from += CHUNK) {
      const chunk = ends.slice(from, from + CHUNK)
      const told = await Promise.allSettled(chunk.map(([key, { end }]) => tell(key, end)))
      if (told.some(({ status }) => status === 'rejected')) return false
    }
    return true
  }
}
