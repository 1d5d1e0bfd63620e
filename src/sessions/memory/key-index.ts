/** Many keys under one name. A name with no keys takes no room; most names have one key, which takes no set. */
export class KeyIndex {
  readonly #names = new Map<string, string | Set<string>>()

  add(name: string, key: string): void {
    const held = this.#names.get(name)
    if (held === undefined) this.#names.set(name, key)
    else if (typeof held === 'string') this.#names.set(name, new Set([held, key]))
    else held.add(key)
  }

  remove(name: string, key: string): void {
    const held = this.#names.get(name)
    if (held === key) this.#names.delete(name)
    else if (held instanceof Set && held.delete(key) && held.size === 0) this.#names.delete(name)
  }

  find(name: string): readonly string[] {
    const held = this.#names.get(name)
    if (held === undefined) return []
    return typeof held === 'string' ? [held] : [...held]
  }

  get size(): number {
    return this.#names.size
  }
}
