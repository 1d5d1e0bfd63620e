/**
 * Keys by the time at which they end, in buckets of equal width: one sweep finds what is over without a look at the rest
 * and without a timer for each key.
 */
export class ExpiryBuckets {
  readonly #buckets = new Map<number, Set<string>>()
  readonly #widthMs: number
  #swept = Number.NEGATIVE_INFINITY

  constructor(widthMs: number) {
    this.#widthMs = widthMs
  }

  /** Files the key and answers the bucket, which `remove` needs. */
  add(key: string, expiresAt: number): number {
    // What is over already goes into a bucket that the next sweep still looks at.
    const bucket = Math.max(Math.floor(expiresAt / this.#widthMs), this.#swept + 1)
    const keys = this.#buckets.get(bucket)
    if (keys === undefined) this.#buckets.set(bucket, new Set([key]))
    else keys.add(key)
    return bucket
  }

  remove(key: string, bucket: number): void {
    const keys = this.#buckets.get(bucket)
    if (keys?.delete(key) === true && keys.size === 0) this.#buckets.delete(bucket)
  }

  /** Takes out the buckets that are wholly past. */
  takeDue(now: number): Set<string>[] {
    const last = Math.floor(now / this.#widthMs) - 1
    const due: Set<string>[] = []
    for (const bucket of this.#candidates(last)) {
      const keys = this.#buckets.get(bucket)
      if (keys === undefined) continue
      this.#buckets.delete(bucket)
      due.push(keys)
    }
    if (last > this.#swept) this.#swept = last
    return due
  }

  get isEmpty(): boolean {
    return this.#buckets.size === 0
  }

  /** Bucket numbers to look at: the few since the last sweep, or all filed ones where that is fewer. */
  #candidates(last: number): number[] {
    if (last - this.#swept > this.#buckets.size) return [...this.#buckets.keys()].filter((bucket) => bucket <= last)
    const numbers: number[] = []
    for (let bucket = this.#swept + 1; bucket <= last; bucket++) numbers.push(bucket)
    return numbers
  }
}
