const FIRST_MS = 50
const MAX_MS = 500

/** Waits between attempts to reach a server: longer each time, and never all instances at once. */
export class Backoff {
  #ms = 0
  #wakeUp: (() => void) | undefined

  /** The next wait is none, or nearly. */
  reset(ms: 0 | 'first' = 0): void {
    this.#ms = ms === 0 ? 0 : FIRST_MS
  }

  grow(): void {
    this.#ms = Math.min(Math.max(this.#ms * 2, FIRST_MS), MAX_MS)
  }

  async wait(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#ms / 2 + Math.random() * this.#ms)
      this.#wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wakeUp = undefined
  }

  get isWaiting(): boolean {
    return this.#wakeUp !== undefined
  }

  /** Ends a wait at once. */
  cutShort(): void {
    this.#wakeUp?.()
  }
}
