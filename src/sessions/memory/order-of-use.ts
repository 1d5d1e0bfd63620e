import { grown } from './chains.ts'

const NONE = -1

/** Ids in the order in which they were used last. */
export class OrderOfUse {
  #newer = new Int32Array(0)
  #older = new Int32Array(0)
  #newest = NONE
  #oldest = NONE

  /** From now on there are ids up to `capacity`. */
  grow(capacity: number): void {
    this.#newer = grown(this.#newer, new Int32Array(capacity))
    this.#older = grown(this.#older, new Int32Array(capacity))
  }

  /** The one unused for longest. */
  get oldest(): number | undefined {
    return this.#oldest === NONE ? undefined : this.#oldest
  }

  add(id: number): void {
    this.#newer[id] = NONE
    this.#older[id] = this.#newest
    if (this.#newest === NONE) this.#oldest = id
    else this.#newer[this.#newest] = id
    this.#newest = id
  }

  use(id: number): void {
    if (id === this.#newest) return
    this.remove(id)
    this.add(id)
  }

  remove(id: number): void {
    const newer = this.#newer[id] ?? NONE
    const older = this.#older[id] ?? NONE
    if (newer === NONE) this.#newest = older
    else this.#older[newer] = older
    if (older === NONE) this.#oldest = newer
    else this.#newer[older] = newer
  }
}
