/** A set of ASCII characters, 32 to a word. Never changed. */
export class AsciiSet {
  readonly #words: readonly [number, number, number, number]

  private constructor(words: readonly [number, number, number, number]) {
    this.#words = words
  }

  static readonly none = new AsciiSet([0, 0, 0, 0])
  static readonly all = new AsciiSet([-1, -1, -1, -1])

  static range(first: number, last: number): AsciiSet {
    return new AsciiSet(
      [0, 1, 2, 3].map((i) => wordOf(first - 32 * i, last - 32 * i)) as [number, number, number, number],
    )
  }

  static where(test: (rune: number) => boolean): AsciiSet {
    const words: [number, number, number, number] = [0, 0, 0, 0]
    for (let rune = 0; rune < ASCII_SIZE; rune++)
      if (test(rune)) words[rune >> 5] = (words[rune >> 5] ?? 0) | (1 << rune)
    return new AsciiSet(words)
  }

  has(rune: number): boolean {
    return (((this.#words[rune >> 5] ?? 0) >>> rune) & 1) === 1
  }

  union(other: AsciiSet): AsciiSet {
    const [a, b, c, d] = this.#words
    const [e, f, g, h] = other.#words
    return new AsciiSet([a | e, b | f, c | g, d | h])
  }

  without(other: AsciiSet): AsciiSet {
    const [a, b, c, d] = this.#words
    const [e, f, g, h] = other.#words
    return new AsciiSet([a & ~e, b & ~f, c & ~g, d & ~h])
  }

  overlaps(other: AsciiSet): boolean {
    const [a, b, c, d] = this.#words
    const [e, f, g, h] = other.#words
    return ((a & e) | (b & f) | (c & g) | (d & h)) !== 0
  }

  /** Those whose lower case is in the set: what it accepts where case does not matter. */
  withUpperCase(): AsciiSet {
    const [a, b, c, d] = this.#words
    // Upper-case letters are 32 below lower-case ones, in the word before.
    return new AsciiSet([a, b, (c & ~LETTERS) | (d & LETTERS), d])
  }

  toBytes(): Uint8Array {
    return Uint8Array.from({ length: ASCII_SIZE }, (_, rune) => (this.has(rune) ? 1 : 0))
  }
}

export const ASCII_SIZE = 0x80
/** `@` is 64, so that A to Z are bits 1 to 26. */
const LETTERS = 0x07fffffe

function wordOf(first: number, last: number): number {
  if (first > 31 || last < 0) return 0
  const from = Math.max(0, first)
  const to = Math.min(31, last)
  return (-1 << from) & (-1 >>> (31 - to))
}
