import { inspect } from 'node:util'

const REDACTED = '[secret]'

/** Holds a text that must never be printed: `toString`, `toJSON` and `inspect` give `[secret]`, `reveal()` the text. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }

  [inspect.custom](): string {
    return REDACTED
  }
}
