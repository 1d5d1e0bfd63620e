import { ExpiryBuckets } from './expiry-buckets.ts'

interface HeldState {
  readonly value: Uint8Array
  readonly expiresAt: number
  readonly origin: string
  readonly bucket: number
}

/**
 * Login states up to a limit. When it is reached, the oldest state of the origin that holds most of them goes: a flood from
 * one place pushes out its own states and nobody else's.
 */
export class BoundedStates {
  readonly #states = new Map<string, HeldState>()
  readonly #byOrigin = new Map<string, Set<string>>()
  /** Origins by how many states they hold; each set in the order in which they came to that number. */
  readonly #byCount = new Map<number, Set<string>>()
  readonly #expiry: ExpiryBuckets
  readonly #max: number
  #largest = 0

  constructor(max: number, bucketMs: number) {
    this.#max = max
    this.#expiry = new ExpiryBuckets(bucketMs)
  }

  put(key: string, value: Uint8Array, expiresAt: number, origin: string): void {
    this.#remove(key)
    if (this.#states.size >= this.#max) this.#evict()
    this.#states.set(key, { value, expiresAt, origin, bucket: this.#expiry.add(key, expiresAt) })
    const held = this.#byOrigin.get(origin) ?? new Set()
    held.add(key)
    this.#byOrigin.set(origin, held)
    this.#recount(origin, held.size - 1, held.size)
  }

  take(key: string, now: number): Uint8Array | undefined {
    const state = this.#remove(key)
    return state === undefined || state.expiresAt <= now ? undefined : state.value
  }

  sweep(now: number): void {
    for (const keys of this.#expiry.takeDue(now)) for (const key of keys) this.#remove(key)
  }

  get size(): number {
    return this.#states.size
  }

  get isEmpty(): boolean {
    return this.#states.size === 0
  }

  #evict(): void {
    const [origin] = this.#byCount.get(this.#largest) ?? []
    if (origin === undefined) return
    const [oldest] = this.#byOrigin.get(origin) ?? []
    if (oldest !== undefined) this.#remove(oldest)
  }

  #remove(key: string): HeldState | undefined {
    const state = this.#states.get(key)
    if (state === undefined) return undefined
    this.#states.delete(key)
    this.#expiry.remove(key, state.bucket)
    const held = this.#byOrigin.get(state.origin)
    if (held === undefined) return state
    held.delete(key)
    if (held.size === 0) this.#byOrigin.delete(state.origin)
    this.#recount(state.origin, held.size + 1, held.size)
    return state
  }

  #recount(origin: string, before: number, after: number): void {
    const left = this.#byCount.get(before)
    if (left?.delete(origin) === true && left.size === 0) this.#byCount.delete(before)
    if (after > 0) {
      const joined = this.#byCount.get(after)
      if (joined === undefined) this.#byCount.set(after, new Set([origin]))
      else joined.add(origin)
    }
    if (after > this.#largest) this.#largest = after
    else if (before === this.#largest && !this.#byCount.has(before)) this.#largest = after
  }
}
