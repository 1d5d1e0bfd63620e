/** A pattern that could not be evaluated on one target; most often one that takes more steps than any sound one needs. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError'
}

/**
 * Bounds the work on one target, over all patterns that it is held against, so that none can stall the process (F-34,
 * V-128). Counted in steps and not in time: the same target always gets the same answer.
 */
export class Budget {
  readonly #limit: number
  /** Steps that may still be taken. */
  left: number

  /** @param limit the default is enough for any target that sound patterns meet, and some 20 ms on the worst */
  constructor(limit = 1_000_000) {
    this.#limit = limit
    this.left = limit
  }

  reset(): void {
    this.left = this.#limit
  }

  /** @throws {EvaluationError} when nothing is left */
  spend(steps: number): void {
    this.left -= steps
    if (this.left < 0) throw new EvaluationError(`the patterns took more than ${this.#limit} steps`)
  }
}
