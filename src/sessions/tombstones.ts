import { LRUCache } from 'lru-cache'
import type { Clock } from '../kernel/clock.ts'

const MAX_TOMBSTONES = 100_000
/** So that an end is known everywhere within two seconds of the return of the store. */
const RETRY_MS = 1_000

/**
 * Keys of sessions that were ended here. They are refused in this process until they would have ended anyway, even if the
 * store could not be told, and even if a failover of the store brings the record back.
 */
export class Tombstones {
  readonly #until = new LRUCache<string, number>({ max: MAX_TOMBSTONES })
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  has(key: string): boolean {
    if (this.#until.size === 0) return false
    const until = this.#until.get(key)
    return until !== undefined && until > this.#clock.now()
  }

  add(key: string, until: number): void {
    this.#until.set(key, until)
  }

  /** For one that turned out to be no session, unless it was ended once more meanwhile. */
  remove(key: string, until: number): void {
    if (this.#until.peek(key) === until) this.#until.delete(key)
  }
}

/** Ends that the store could not be told of: told again, every second, until it takes them or the session is over. */
export class OwedEnds {
  readonly #owed = new Map<string, { readonly until: number; readonly end: () => Promise<unknown> }>()
  readonly #clock: Clock
  #cancel: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `end` rejects while the store cannot be told. Of ends of one name the last counts. */
  add(name: string, until: number, end: () => Promise<unknown>): void {
    if (this.#owed.size >= MAX_TOMBSTONES) return
    this.#owed.set(name, { until, end })
    this.#retryLater()
  }

  close(): void {
    this.#cancel?.()
    this.#owed.clear()
  }

  #retryLater(): void {
    this.#cancel ??= this.#clock.schedule(RETRY_MS, () => void this.#retry())
  }

  /** One after the other, and no further than the first failure: a store that is away is not asked thousands of times. */
  async #retry(): Promise<void> {
    try {
      for (const [name, { until, end }] of this.#owed) {
        if (until > this.#clock.now()) await end()
        this.#owed.delete(name)
      }
    } catch {
      // Still away: what is owed stays owed.
    }
    this.#cancel = undefined
    if (this.#owed.size > 0) this.#retryLater()
  }
}
