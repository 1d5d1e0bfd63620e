import { type CharSet } from './char-set.ts'
import { toLowerRune } from './unicode.ts'

/** How many runes beyond ASCII had to be looked up since the counter was set to 0: such a look-up costs much more than a step. */
export const slowLookups = { count: 0 }

/** A {@link CharSet} made ready for matching. */
export class CharTest {
  /** 1 for each ASCII character that is in it. */
  readonly ascii: Uint8Array
  readonly #set: CharSet
  readonly #ignoreCase: boolean
  #seenRunes: Int32Array | undefined
  readonly #seenAnswers = new Uint8Array(CACHE_SIZE)

  constructor(set: CharSet, ignoreCase: boolean) {
    this.#set = set
    this.#ignoreCase = ignoreCase
    this.ascii = Uint8Array.from({ length: 0x80 }, (_, rune) => (this.#decide(rune) ? 1 : 0))
  }

  has(rune: number): boolean {
    return rune < 0x80 ? this.ascii[rune] === 1 : this.#look(rune)
  }

  #look(rune: number): boolean {
    const place = rune % CACHE_SIZE
    const seen = (this.#seenRunes ??= new Int32Array(CACHE_SIZE))
    if (seen[place] !== rune) {
      slowLookups.count++
      seen[place] = rune
      this.#seenAnswers[place] = this.#decide(rune) ? 1 : 0
    }
    return this.#seenAnswers[place] === 1
  }

  #decide(rune: number): boolean {
    return this.#set.has(this.#ignoreCase ? toLowerRune(rune) : rune)
  }
}

const CACHE_SIZE = 256
