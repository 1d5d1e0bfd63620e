import { LRUCache } from 'lru-cache'
import type { EndReason, SessionEnd } from '../contract.ts'

/** When as many are kept, the oldest goes: a person who comes back later is not told why. */
const MAX_ENDS = 100_000

/** Word of ends, under the keys of the records that are gone. */
export class KeptEnds {
  readonly #ends: LRUCache<string, SessionEnd>

  constructor(maxSessions: number) {
    this.#ends = new LRUCache({ max: Math.min(maxSessions, MAX_ENDS) })
  }

  add(key: string, end: SessionEnd): void {
    this.#ends.set(key, end)
  }

  /** Why it ended; nothing when nobody left word, or it is too long ago. */
  find(key: string, now: number): EndReason | undefined {
    if (this.#ends.size === 0) return undefined
    const end = this.#ends.get(key)
    if (end === undefined || end.until > now) return end?.reason
    this.#ends.delete(key)
    return undefined
  }
}
