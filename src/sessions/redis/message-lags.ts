import type { StoreWatch } from '../contract.ts'
import { isHeard, publish } from '../events.ts'

/** More are not waited for at once. */
const MAX_WAITING = 1_000
/** A message that is later than that is about something else: a connection on which nothing arrives is given up long before. */
const MAX_LAG_MS = 5_000

/**
 * How long after a write of our own the server's message about it is here: what this instance changes it has read before, so
 * that it is told too. Other instances are told at the same moment. Measured while somebody listens.
 */
export class MessageLags {
  readonly #sentAt = new Map<string, number>()

  /** `write` tells whether anything was written. */
  async measure(name: string, watch: StoreWatch | undefined, write: () => Promise<boolean>): Promise<boolean> {
    if (watch === undefined || !isHeard()) return await write()
    // What a broken connection kept to itself is waited for no longer.
    if (this.#sentAt.size >= MAX_WAITING) this.#sentAt.clear()
    this.#sentAt.set(name, performance.now())
    let isWritten = false
    try {
      isWritten = await write()
      return isWritten
    } finally {
      if (!isWritten) this.#sentAt.delete(name)
    }
  }

  noteChange(name: string | undefined): void {
    if (this.#sentAt.size === 0) return
    if (name === undefined) return this.#sentAt.clear()
    const sentAt = this.#sentAt.get(name)
    if (sentAt === undefined) return
    this.#sentAt.delete(name)
    const lagMs = performance.now() - sentAt
    if (lagMs < MAX_LAG_MS) publish({ type: 'told', lagMs })
  }
}
