import { type GroupNumbers } from './ast.ts'
import { type Scanner, isDigit, isWordChar } from './scanner.ts'

/** What a `(` opens. */
export type GroupKind =
  | { readonly kind: 'plain' }
  | { readonly kind: 'capture'; readonly slot: number }
  | { readonly kind: 'look'; readonly negated: boolean; readonly behind: boolean }
  | { readonly kind: 'atomic' }
  | { readonly kind: 'ifMatched'; readonly slot: number }
  | { readonly kind: 'ifFits' }

/** Reads what follows each `(` and numbers unnamed groups on the way. */
export class GroupOpener {
  readonly #scanner: Scanner
  readonly #groups: GroupNumbers
  #nextNumber = 1
  /** Set between `(?(` and its condition, which captures nothing. */
  #ignoreNextParen = false

  constructor(scanner: Scanner, groups: GroupNumbers) {
    this.#scanner = scanner
    this.#groups = groups
  }

  /**
   * The scanner stands behind the `(`.
   * @param inCondition whether the group around is a `(?(` that waits for its condition or has it already
   * @returns nothing where only options were set: `(?i)`
   */
  open(inCondition: boolean): GroupKind | undefined {
    const scanner = this.#scanner
    if (scanner.peek() !== '?' || scanner.peek(1) === ')') return this.#unnamed()
    const start = scanner.at
    scanner.at++
    const group = this.#special(inCondition)
    if (group === 'unknown') {
      const text = String.fromCodePoint(...scanner.runes.slice(start, scanner.at + 1))
      throw scanner.error(`unrecognized grouping construct "(${text}"`)
    }
    return group
  }

  #unnamed(): GroupKind {
    if (this.#scanner.options.explicitCapture || this.#ignoreNextParen) {
      this.#ignoreNextParen = false
      return { kind: 'plain' }
    }
    return this.#capture(this.#nextNumber++)
  }

  #special(inCondition: boolean): GroupKind | 'unknown' | undefined {
    const scanner = this.#scanner
    if (scanner.accept(':')) return { kind: 'plain' }
    if (scanner.accept('=')) return this.#look(false, false)
    if (scanner.accept('!')) return this.#look(true, false)
    if (scanner.accept('>')) return { kind: 'atomic' }
    if (scanner.accept('<=')) return this.#look(false, true)
    if (scanner.accept('<!')) return this.#look(true, true)
    if (scanner.accept('<')) return this.#named('>')
    if (scanner.accept("'")) return scanner.peek() === '=' || scanner.peek() === '!' ? 'unknown' : this.#named("'")
    if (scanner.accept('(')) return this.#condition()
    if (scanner.peek() === 'P') return this.#namedByP()
    // Options may not be changed within a condition.
    if (!inCondition) scanner.scanOptions()
    if (scanner.accept(')')) return undefined
    return scanner.accept(':') ? { kind: 'plain' } : 'unknown'
  }

  #look(negated: boolean, behind: boolean): GroupKind {
    this.#scanner.options = { ...this.#scanner.options, backward: behind }
    return { kind: 'look', negated, behind }
  }

  #capture(number: number | undefined): GroupKind {
    const slot = number === undefined ? undefined : this.#groups.slots.get(number)
    if (slot === undefined) throw this.#scanner.error('invalid group name')
    return { kind: 'capture', slot }
  }

  #named(close: string): GroupKind | 'unknown' {
    const scanner = this.#scanner
    const char = scanner.peek()
    if (char === '') return 'unknown'
    let number: number | undefined
    if (isDigit(char)) {
      number = scanner.scanDecimal()
      if (number === 0) throw scanner.error('capture number cannot be zero')
    } else if (isWordChar(char)) number = this.#groups.names.get(scanner.scanName())
    if (scanner.peek() === '-') throw scanner.error('balancing groups "(?<a-b>…)" are not supported')
    if (!scanner.accept(close)) throw scanner.error('invalid group name')
    return this.#capture(number)
  }

  #namedByP(): GroupKind | 'unknown' {
    const scanner = this.#scanner
    if (!scanner.accept('P<')) return 'unknown'
    const number = this.#groups.names.get(scanner.scanName())
    if (!scanner.accept('>')) throw scanner.error('invalid group name')
    return this.#capture(number)
  }

  /** `(?(`: the number or name of a group, else a condition that is itself a group and comes next. */
  #condition(): GroupKind {
    const scanner = this.#scanner
    const start = scanner.at
    const char = scanner.peek()
    if (isDigit(char)) {
      const number = scanner.scanDecimal()
      const slot = this.#groups.slots.get(number)
      if (!scanner.accept(')')) throw scanner.error(`malformed condition (?(${number} )`)
      if (slot === undefined) throw scanner.error(`condition on undefined group ${number}`)
      return { kind: 'ifMatched', slot }
    }
    if (isWordChar(char)) {
      const number = this.#groups.names.get(scanner.scanName())
      const slot = number === undefined ? undefined : this.#groups.slots.get(number)
      if (slot !== undefined && scanner.accept(')')) return { kind: 'ifMatched', slot }
    }
    scanner.at = start - 1
    this.#ignoreNextParen = true
    if (scanner.peek(1) === '?') this.#checkCondition(scanner.peek(2), scanner.peek(3))
    return { kind: 'ifFits' }
  }

  #checkCondition(char: string, after: string): void {
    if (char === '#') throw this.#scanner.error('a condition cannot be a comment')
    if (char === "'" || (char === '<' && after !== '!' && after !== '=')) {
      throw this.#scanner.error('a condition does not capture and cannot be named')
    }
  }
}
