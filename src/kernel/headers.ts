/**
 * The headers of a message in the order and spelling of the wire.
 * Names are compared without regard to case; every `name` parameter is given in lower case.
 */
export class HeaderList {
  #flat: string[]

  /** @param flat name, value, name, value, … as Node's `rawHeaders`; taken over, not copied. */
  constructor(flat: string[] = []) {
    this.#flat = flat
  }

  static from(pairs: Iterable<readonly [string, string]>): HeaderList {
    const flat: string[] = []
    for (const [name, value] of pairs) flat.push(name, value)
    return new HeaderList(flat)
  }

  /** The first value of the header, or nothing. */
  get(name: string): string | undefined {
    const flat = this.#flat
    for (let i = 0; i < flat.length; i += 2) if (isNamed(flat[i] as string, name)) return flat[i + 1]
    return undefined
  }

  getAll(name: string): string[] {
    const flat = this.#flat
    const values: string[] = []
    for (let i = 0; i < flat.length; i += 2) if (isNamed(flat[i] as string, name)) values.push(flat[i + 1] as string)
    return values
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  /** How many lines carry the header. */
  count(name: string): number {
    const flat = this.#flat
    let count = 0
    for (let i = 0; i < flat.length; i += 2) if (isNamed(flat[i] as string, name)) count++
    return count
  }

  /** Replaces every line of the header by one; `name` may have any case here and is written as given. */
  set(name: string, value: string): void {
    this.delete(name.toLowerCase())
    this.#flat.push(name, value)
  }

  append(name: string, value: string): void {
    this.#flat.push(name, value)
  }

  delete(name: string): void {
    this.deleteWhere((lower) => lower === name)
  }

  /** Removes every header whose lower-case name the predicate accepts. */
  deleteWhere(remove: (lowerName: string) => boolean): void {
    const flat = this.#flat
    let kept = 0
    for (let i = 0; i < flat.length; i += 2) {
      if (remove((flat[i] as string).toLowerCase())) continue
      if (kept !== i) {
        flat[kept] = flat[i] as string
        flat[kept + 1] = flat[i + 1] as string
      }
      kept += 2
    }
    flat.length = kept
  }

  *[Symbol.iterator](): IterableIterator<[name: string, value: string]> {
    const flat = this.#flat
    for (let i = 0; i < flat.length; i += 2) yield [flat[i] as string, flat[i + 1] as string]
  }

  /** The live array name, value, name, value, …: what Node and undici take. */
  get flat(): readonly string[] {
    return this.#flat
  }

  clone(): HeaderList {
    return new HeaderList(this.#flat.slice())
  }
}

function isNamed(wire: string, lower: string): boolean {
  return wire.length === lower.length && (wire === lower || wire.toLowerCase() === lower)
}
