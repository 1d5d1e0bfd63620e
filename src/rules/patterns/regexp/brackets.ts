import { CharSet } from './char-set.ts'
import { type Scanner, isWordChar } from './scanner.ts'

/**
 * Reads a character class; the scanner stands behind its `[`. Ranges, escapes, `\d`, `\p{…}`, `[:alpha:]`, and at the end
 * `-[…]` for what is taken away again. A `]` that comes first is an ordinary character.
 * @param counting only skips it: for finding groups, where mistakes do not matter yet
 */
export function scanBrackets(scanner: Scanner, counting = false): CharSet {
  return new BracketScanner(scanner, counting).scan()
}

class BracketScanner {
  readonly #scanner: Scanner
  readonly #counting: boolean
  readonly #set = new CharSet()
  readonly #ignoreCase: boolean
  /** The lower end of a range whose upper end is to come. */
  #low: number | undefined

  constructor(scanner: Scanner, counting: boolean) {
    this.#scanner = scanner
    this.#counting = counting
    this.#ignoreCase = scanner.options.ignoreCase
  }

  scan(): CharSet {
    const scanner = this.#scanner
    if (scanner.accept('^')) this.#set.negate()
    for (let isFirst = true; scanner.left > 0; isFirst = false) {
      const char = scanner.next()
      if (char === ']' && !isFirst) return this.#finish()
      let rune = char.codePointAt(0) ?? 0
      let isEscaped = false
      if (char === '\\' && scanner.left > 0) {
        if (this.#acceptClassEscape()) continue
        rune = scanner.scanCharEscape()
        isEscaped = true
      } else if (char === '[' && scanner.peek() === ':' && this.#low === undefined && this.#acceptPosix()) continue
      this.#take(rune, isEscaped, isFirst)
    }
    throw scanner.error('unterminated [] set')
  }

  #finish(): CharSet {
    if (this.#ignoreCase && !this.#counting) this.#set.addLowerCase()
    return this.#set
  }

  #take(rune: number, isEscaped: boolean, isFirst: boolean): void {
    const scanner = this.#scanner
    const low = this.#low
    if (low !== undefined) {
      this.#low = undefined
      if (this.#counting) return
      if (rune === OPEN && !isEscaped && !isFirst) {
        this.#set.addRange(low, low)
        this.#subtract()
      } else {
        if (low > rune) throw scanner.error('range in reverse order')
        this.#set.addRange(low, rune)
      }
    } else if (scanner.peek() === '-' && scanner.left >= 2 && scanner.peek(1) !== ']') {
      this.#low = rune
      scanner.at++
    } else if (rune === HYPHEN && !isEscaped && !isFirst && scanner.peek() === '[') {
      scanner.at++
      this.#subtract()
    } else this.#set.addRange(rune, rune)
  }

  /** `-[…]`; the scanner stands behind the inner `[`. */
  #subtract(): void {
    const inner = scanBrackets(this.#scanner, this.#counting)
    if (this.#counting) return
    this.#set.subtract(inner)
    if (this.#scanner.left > 0 && this.#scanner.peek() !== ']') {
      throw this.#scanner.error('a subtraction must be the last element of a character class')
    }
  }

  /** `\d`, `\p{…}` and the like, which cannot be the end of a range; and `\-`, which leaves a range open. */
  #acceptClassEscape(): boolean {
    const scanner = this.#scanner
    const char = scanner.peek()
    if (char === '-') {
      scanner.at++
      this.#set.addRange(HYPHEN, HYPHEN)
      return true
    }
    if (char === '' || !'dDsSwWpP'.includes(char)) return false
    scanner.at++
    if (this.#low !== undefined && !this.#counting) throw scanner.error(`cannot include class \\${char} in a range`)
    const isNegated = char < 'a'
    if (char === 'p' || char === 'P') this.#set.addProperty(scanProperty(scanner), isNegated, this.#ignoreCase)
    else this.#set.addCategory(CATEGORY_OF[char.toLowerCase()] ?? 'word', isNegated)
    return true
  }

  /** `[:name:]`, `[:^name:]`. What only begins like one counts as the name, and then as characters too. */
  #acceptPosix(): boolean {
    const scanner = this.#scanner
    const start = scanner.at++
    const isNegated = scanner.left > 1 && scanner.accept('^')
    const name = scanner.scanName()
    if (!this.#counting && !this.#set.addPosix(name, isNegated)) {
      throw scanner.error(`unknown character class [:${name}:]`)
    }
    if (scanner.left >= 2 && scanner.accept(':]')) return true
    scanner.at = start
    return false
  }
}

/** Reads the `{Name}` of `\p{Name}`. */
export function scanProperty(scanner: Scanner): string {
  if (scanner.left < 3 || !scanner.accept('{')) throw scanner.error('malformed \\p{X}')
  const start = scanner.at
  while (scanner.peek() === '-' || isWordChar(scanner.peek())) scanner.at++
  const name = String.fromCodePoint(...scanner.runes.slice(start, scanner.at))
  if (!scanner.accept('}')) throw scanner.error('incomplete \\p{X}')
  return name
}

export const CATEGORY_OF: Readonly<Record<string, string>> = { d: 'Nd', s: 'space', w: 'word' }
const OPEN = '['.charCodeAt(0)
const HYPHEN = '-'.charCodeAt(0)
