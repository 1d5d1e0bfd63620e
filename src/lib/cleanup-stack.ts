type Cleanup = () => void | Promise<void>

/** What has been opened so far, closed in reverse order. Node 22 has no AsyncDisposableStack. */
export class CleanupStack implements AsyncDisposable {
  #cleanups: Cleanup[] = []

  defer(cleanup: Cleanup): void {
    this.#cleanups.push(cleanup)
  }

  /** Gives the value back. */
  adopt<Value>(value: Value, cleanup: (value: Value) => void | Promise<void>): Value {
    this.#cleanups.push(() => cleanup(value))
    return value
  }

  /** Hands everything over to a new stack; this one then closes nothing. */
  move(): CleanupStack {
    const moved = new CleanupStack()
    moved.#cleanups = this.#cleanups
    this.#cleanups = []
    return moved
  }

  /** Closes everything, whatever fails on the way. @throws the first failure. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = []
    for (let cleanup = this.#cleanups.pop(); cleanup !== undefined; cleanup = this.#cleanups.pop()) {
      try {
        await cleanup()
      } catch (cause: unknown) {
        failures.push(cause)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}
