/** Where each chain begins. */
export interface Heads {
  get(bucket: number): number | undefined
  set(bucket: number, id: number): unknown
  delete(bucket: number): unknown
}

/** Heads for so many buckets as there are ids, or fewer: hashes share them. */
export class HashHeads implements Heads {
  /** Each is an id and one, so that an array of zeros is empty. */
  readonly #ids: Int32Array
  readonly #mask: number

  constructor(count: number) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(count, 16)))
    this.#ids = new Int32Array(size)
    this.#mask = size - 1
  }

  get(hash: number): number | undefined {
    const id = this.#ids[hash & this.#mask] ?? 0
    return id === 0 ? undefined : id - 1
  }

  set(hash: number, id: number): void {
    this.#ids[hash & this.#mask] = id + 1
  }

  delete(hash: number): void {
    this.#ids[hash & this.#mask] = 0
  }
}

const NONE = -1

/** Many lists of ids, of which each is in one at most; the last that was added is first. Costs eight bytes for each id. */
export class Chains {
  readonly #heads: Heads
  #next = new Int32Array(0)
  #previous = new Int32Array(0)

  constructor(heads: Heads) {
    this.#heads = heads
  }

  /** From now on there are ids up to `capacity`. */
  grow(capacity: number): void {
    this.#next = grown(this.#next, new Int32Array(capacity))
    this.#previous = grown(this.#previous, new Int32Array(capacity))
  }

  add(bucket: number, id: number): void {
    const head = this.#heads.get(bucket) ?? NONE
    this.#next[id] = head
    this.#previous[id] = NONE
    if (head !== NONE) this.#previous[head] = id
    this.#heads.set(bucket, id)
  }

  /** `bucket`: the one that it was added to. */
  remove(bucket: number, id: number): void {
    const next = this.next(id) ?? NONE
    const previous = this.#previous[id] ?? NONE
    if (next !== NONE) this.#previous[next] = previous
    if (previous !== NONE) this.#next[previous] = next
    else if (next !== NONE) this.#heads.set(bucket, next)
    else this.#heads.delete(bucket)
  }

  first(bucket: number): number | undefined {
    return this.#heads.get(bucket)
  }

  next(id: number): number | undefined {
    const next = this.#next[id] ?? NONE
    return next === NONE ? undefined : next
  }

  /** All of one list, which may be changed meanwhile. */
  ids(bucket: number): number[] {
    const ids: number[] = []
    for (let id = this.first(bucket); id !== undefined; id = this.next(id)) ids.push(id)
    return ids
  }
}

/** Copies what was there into what is longer. */
export function grown<Numbers extends Int32Array | Float64Array>(before: Numbers, after: Numbers): Numbers {
  after.set(before)
  return after
}
