import type { Clock } from '../kernel/clock.ts'
import type { SessionStore } from './contract.ts'
import { Stopwatch } from './stopwatch.ts'

/** How long others wait for an instance that died. */
const LEASE_MS = 8_000
const RENEW_EVERY_MS = 2_500
/** After a renewal that the store did not answer. */
const RENEW_AGAIN_MS = 500
/** What is left of a lease at least when something is begun that must be over before somebody else begins it. */
const SAFETY_MS = 3_000
/** Where a store renews none: longer than what it is taken for lasts. */
const UNRENEWED_LEASE_MS = 40_000

export interface LeaseDeps {
  readonly store: SessionStore
  readonly clock: Clock
}

/**
 * A lease in hand, renewed until it is given back. Whoever holds it may find at any time that he does not any more: after a pause, or
 * because the store could not be asked. He has to look before he does what nobody may do twice.
 */
export class Lease {
  /** Nobody else has it, and no other lease of this process. */
  readonly holder: string
  readonly #deps: LeaseDeps
  readonly #name: string
  /** Runs from before the store was asked: the lease ends there later than here. */
  #sinceAsked: Stopwatch
  #isLost = false
  #cancelRenewal: (() => void) | undefined

  /** Takes it, unless somebody has it. */
  static async take(deps: LeaseDeps, name: string, holder: string): Promise<Lease | undefined> {
    const asked = new Stopwatch(deps.clock)
    const isTaken = await deps.store.acquireLease(name, holder, lengthIn(deps.store))
    return isTaken ? new Lease(deps, name, holder, asked) : undefined
  }

  private constructor(deps: LeaseDeps, name: string, holder: string, asked: Stopwatch) {
    this.#deps = deps
    this.#name = name
    this.holder = holder
    this.#sinceAsked = asked
    if (deps.store.renewLease !== undefined) this.#renewAfter(RENEW_EVERY_MS)
  }

  /** Whether nobody else can have it, now and for a while. */
  get isSafe(): boolean {
    return !this.#isLost && this.#sinceAsked.elapsedMs < lengthIn(this.#deps.store) - SAFETY_MS
  }

  /** Never rejects: if it cannot be given back it runs out by itself. */
  async release(): Promise<void> {
    this.#isLost = true
    this.#cancelRenewal?.()
    try {
      await this.#deps.store.releaseLease(this.#name, this.holder)
    } catch {
      // It runs out.
    }
  }

  #renewAfter(delayMs: number): void {
    this.#cancelRenewal = this.#deps.clock.schedule(delayMs, () => void this.#renew())
  }

  async #renew(): Promise<void> {
    const asked = new Stopwatch(this.#deps.clock)
    try {
      const isKept = await this.#deps.store.renewLease?.(this.#name, this.holder, LEASE_MS)
      if (this.#isLost) return
      this.#isLost = isKept !== true
      this.#sinceAsked = asked
      if (!this.#isLost) this.#renewAfter(RENEW_EVERY_MS)
    } catch {
      if (!this.#isLost) this.#renewAfter(RENEW_AGAIN_MS)
    }
  }
}

function lengthIn(store: SessionStore): number {
  return store.renewLease === undefined ? UNRENEWED_LEASE_MS : LEASE_MS
}
