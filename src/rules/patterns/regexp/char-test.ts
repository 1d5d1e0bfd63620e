import { type AsciiSet } from './ascii-set.ts'
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
  /** Twice the rune, plus the answer. */
  #seen: Int32Array | undefined

  constructor(set: CharSet, ignoreCase: boolean) {
    this.#set = set
    this.#ignoreCase = ignoreCase
    this.ascii = asciiOf({ set, ignoreCase }).toBytes()
  }

  has(rune: number): boolean {
    return rune < 0x80 ? this.ascii[rune] === 1 : this.#look(rune)
  }

  #look(rune: number): boolean {
    const place = rune % CACHE_SIZE
    const seen = (this.#seen ??= new Int32Array(CACHE_SIZE))
    const entry = seen[place] as number
    if (entry >> 1 === rune) return (entry & 1) === 1
    slowLookups.count++
    const answer = this.#decide(rune)
    seen[place] = 2 * rune + (answer ? 1 : 0)
    return answer
  }

  #decide(rune: number): boolean {
    return this.#set.has(this.#ignoreCase ? toLowerRune(rune) : rune)
  }
}

const CACHE_SIZE = 256

/** The ASCII characters that a node accepts. */
export function asciiOf(node: { readonly set: CharSet; readonly ignoreCase: boolean }): AsciiSet {
  return node.ignoreCase ? node.set.ascii().withUpperCase() : node.set.ascii()
}
