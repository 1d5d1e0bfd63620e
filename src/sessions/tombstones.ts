import { LRUCache } from 'lru-cache'
import type { Clock } from '../kernel/clock.ts'

const MAX_TOMBSTONES = 100_000
/** So that an end is known everywhere within two seconds of the return of the store. */
const RETRY_MS = 1_000
/** A process that stops does not wait longer for what it owes. */
const LAST_WORDS_MS = 1_000

/**
 * Keys of sessions that were ended here. They are refused in this process until they would have ended anyway, even if the
 * store could not be told, and even if a failover of the store brings the record back. Anybody can make up tickets and have them
 * ended: those of which nobody knows whether they are of a session push out only each other.
 */
export class Tombstones {
  readonly #until = new LRUCache<string, number>({ max: MAX_TOMBSTONES })
  readonly #unproven = new LRUCache<string, number>({ max: MAX_TOMBSTONES })
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  has(key: string): boolean {
    return this.isProven(key) || this.#holds(this.#unproven, key)
  }

  /** Whether it is of what was a session for certain. */
  isProven(key: string): boolean {
    return this.#holds(this.#until, key)
  }

  add(key: string, until: number, isProven = true): void {
    if (isProven) this.#until.set(key, until)
    else this.#unproven.set(key, until)
  }

  /** For one that turned out to be no session, unless it was ended once more meanwhile. */
  remove(key: string, until: number): void {
    if (this.#unproven.peek(key) === until) this.#unproven.delete(key)
  }

  #holds(tombstones: LRUCache<string, number>, key: string): boolean {
    if (tombstones.size === 0) return false
    const until = tombstones.get(key)
    return until !== undefined && until > this.#clock.now()
  }
}

interface OwedEnd {
  readonly until: number
  readonly end: () => Promise<unknown>
}

/** Ends that the store could not be told of: told again, every second, until it takes them or the session is over. */
export class OwedEnds {
  readonly #owed = new Map<string, OwedEnd>()
  /** Of what may be no session: they wait for all others, and leave them their room. */
  readonly #unproven = new Map<string, OwedEnd>()
  readonly #clock: Clock
  #cancel: (() => void) | undefined
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `end` rejects while the store cannot be told. Of ends of one name the last counts. */
  add(name: string, until: number, end: () => Promise<unknown>, isProven = true): void {
    const owed = isProven ? this.#owed : this.#unproven
    if (owed.size >= MAX_TOMBSTONES) return
    owed.set(name, { until, end })
    this.#retryLater()
  }

  /** Tells what is owed a last time, since nobody else knows of it; a store that is away costs one attempt. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancel?.()
    await this.#tell(this.#clock.now() + LAST_WORDS_MS)
    this.#owed.clear()
    this.#unproven.clear()
  }

  #retryLater(): void {
    if (this.#closed) return
    this.#cancel ??= this.#clock.schedule(RETRY_MS, () => void this.#retry())
  }

  /** One after the other, and no further than the first failure: a store that is away is not asked thousands of times. */
  async #tell(giveUpAt = Number.POSITIVE_INFINITY): Promise<void> {
    try {
      for (const owed of [this.#owed, this.#unproven]) {
        for (const [name, { until, end }] of owed) {
          if (this.#clock.now() > giveUpAt) return
          if (until > this.#clock.now()) await end()
          owed.delete(name)
        }
      }
    } catch {
      // Still away: what is owed stays owed.
    }
  }

  async #retry(): Promise<void> {
    await this.#tell()
    this.#cancel = undefined
    if (this.#owed.size + this.#unproven.size > 0) this.#retryLater()
  }
}
