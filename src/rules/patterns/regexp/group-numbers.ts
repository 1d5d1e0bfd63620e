import { type GroupNumbers } from './ast.ts'
import { scanBrackets } from './brackets.ts'
import { scanEscape } from './escapes.ts'
import { Scanner, isDigit, isWordChar } from './scanner.ts'

/** Numbers the groups: unnamed ones in order, then the named ones, each taking the next number that is free. */
export function numberGroups(pattern: string): GroupNumbers {
  const scanner = new GroupScanner(pattern)
  scanner.scan()
  return scanner.assign()
}

class GroupScanner {
  readonly #scanner: Scanner
  readonly #numbers = new Set<number>([0])
  readonly #names = new Set<string>()
  #nextNumber = 1
  #ignoreNextParen = false
  #depth = 0

  constructor(pattern: string) {
    this.#scanner = new Scanner(pattern)
  }

  scan(): void {
    const scanner = this.#scanner
    while (scanner.left > 0) {
      const char = scanner.next()
      if (char === '\\') this.#skip(() => scanEscape(scanner, undefined))
      else if (char === '[') this.#skip(() => scanBrackets(scanner, true))
      else if (char === '#' && scanner.options.extended) this.#skipBlankFromHere()
      else if (char === ')') this.#close()
      else if (char === '(' && this.#open()) continue
      if (char === '(') this.#ignoreNextParen = false
    }
  }

  assign(): GroupNumbers {
    const names = new Map<string, number>()
    for (const name of this.#names) {
      while (this.#numbers.has(this.#nextNumber)) this.#nextNumber++
      names.set(name, this.#nextNumber)
      this.#numbers.add(this.#nextNumber)
      this.#nextNumber++
    }
    const sorted = [...this.#numbers].sort((a, b) => a - b)
    if (names.size > 0 || sorted.length <= (sorted.at(-1) ?? 0)) {
      for (const number of sorted) if (![...names.values()].includes(number)) names.set(String(number), number)
    }
    return { slots: new Map(sorted.map((number, place) => [number, place])), names }
  }

  /** A mistake is told by the reading proper, which meets it too. */
  #skip(scan: () => void): void {
    try {
      scan()
    } catch {
      // See above.
    }
  }

  #skipBlankFromHere(): void {
    this.#scanner.at--
    this.#skip(() => this.#scanner.skipBlank())
  }

  #close(): void {
    if (this.#depth === 0) return
    this.#depth--
    this.#scanner.restoreOptions()
  }

  /** True when the next `(` is the condition of this one, which is no group of its own. */
  #open(): boolean {
    const scanner = this.#scanner
    if (scanner.peek() === '?' && scanner.peek(1) === '#') {
      this.#skipBlankFromHere()
      return false
    }
    scanner.saveOptions()
    this.#depth++
    if (scanner.peek() !== '?') {
      if (!scanner.options.explicitCapture && !this.#ignoreNextParen) this.#numbers.add(this.#nextNumber++)
      return false
    }
    scanner.at++
    if (scanner.left > 1 && (scanner.accept('<') || scanner.accept("'"))) this.#named()
    else if (scanner.left > 2 && scanner.accept('P<')) {
      if (isWordChar(scanner.peek())) this.#names.add(scanner.scanName())
    } else return this.#inlineOptions()
    return false
  }

  #named(): void {
    const char = this.#scanner.peek()
    if (char === '0' || !isWordChar(char)) return
    if (!isDigit(char)) this.#names.add(this.#scanner.scanName())
    else this.#numbers.add(this.#scanner.scanDecimal())
  }

  #inlineOptions(): boolean {
    const scanner = this.#scanner
    scanner.scanOptions()
    if (scanner.accept(')')) {
      scanner.keepOptions()
      this.#depth--
    } else if (scanner.peek() === '(') {
      this.#ignoreNextParen = true
      return true
    }
    return false
  }
}
