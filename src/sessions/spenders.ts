import type { Clock } from '../kernel/clock.ts'
import type { SessionContent } from './record.ts'
import { Stopwatch } from './stopwatch.ts'

/**
 * How long another one that was spending the refresh token is waited for once its lease has run out. It may have been stopped for a
 * moment, or cut off from the store with the new tokens in hand; to spend the token again would make both worthless.
 */
const HOLD_MS = 5_000

/** Watches, during one refresh, who has written into the record that he is spending the refresh token. Asks no other instance's clock. */
export class Spenders {
  readonly #clock: Clock
  readonly #ownPrefix: string
  #seen: { readonly spender: string; readonly since: Stopwatch } | undefined

  /** `ownPrefix`: of the names of this process, which spends one at a time for a session. */
  constructor(clock: Clock, ownPrefix: string) {
    this.#clock = clock
    this.#ownPrefix = ownPrefix
  }

  /** Looks at a record that was just read: whether the refresh token may be spent by whoever has the lease. */
  mayFollow({ refresh }: SessionContent): boolean {
    const spender = refresh?.spender
    if (spender === undefined || spender.startsWith(this.#ownPrefix)) return true
    if (this.#seen?.spender !== spender) this.#seen = { spender, since: new Stopwatch(this.#clock) }
    return this.#seen.since.elapsedMs >= HOLD_MS
  }
}
