import { EMPTY, type GroupNumbers, type RegexpNode, type RegexpTree, alternatives, repeat, sequence } from './ast.ts'
import { scanBrackets } from './brackets.ts'
import { CharSet } from './char-set.ts'
import { charNode, scanEscape, setNode } from './escapes.ts'
import { numberGroups } from './group-numbers.ts'
import { type GroupKind, GroupOpener } from './groups.ts'
import { Scanner, isDigit } from './scanner.ts'
import { toLowerRune } from './unicode.ts'

/**
 * Reads a regular expression in the dialect of Oathkeeper: regexp2 1.2.0, which is .NET's with the additions of RE2
 * (`(?P<n>…)`, `[[:alpha:]]`).
 * @throws {PatternError} for what is not of that dialect, and for balancing groups
 */
export function parseRegexp(pattern: string): RegexpTree {
  const groups = numberGroups(pattern)
  return { root: new Parser(pattern, groups).parse(), groupCount: groups.slots.size - 1 }
}

/** A group that is not closed yet. */
interface OpenGroup {
  readonly group: GroupKind
  readonly branches: RegexpNode[]
  /** The branch being read. */
  items: RegexpNode[]
  readonly backward: boolean
  /** Of an `ifFits`. */
  condition: RegexpNode | undefined
}

class Parser {
  readonly #scanner: Scanner
  readonly #groups: GroupNumbers
  readonly #opener: GroupOpener
  readonly #outer: OpenGroup[] = []
  #current: OpenGroup

  constructor(pattern: string, groups: GroupNumbers) {
    this.#scanner = new Scanner(pattern)
    this.#groups = groups
    this.#opener = new GroupOpener(this.#scanner, groups)
    this.#current = this.#begin({ kind: 'plain' })
  }

  parse(): RegexpNode {
    const scanner = this.#scanner
    let isQuantifier = false
    while (scanner.left > 0) {
      const wasQuantifier = isQuantifier
      scanner.skipBlank()
      this.#literals()
      scanner.skipBlank()
      const char = scanner.peek()
      isQuantifier = QUANTIFIERS.includes(char) && char !== ''
      if (char === '' || (!SPECIALS.includes(char) && !isQuantifier)) continue
      if (isQuantifier) {
        // A `{` that begins no quantifier is met here only behind a comment; the next round takes it as it is.
        if (!this.#isQuantifier()) continue
        throw scanner.error(wasQuantifier ? 'invalid nested repetition operator' : 'missing argument to a repetition')
      }
      scanner.at++
      const unit = this.#unit(char)
      if (unit !== undefined) isQuantifier = this.#addUnit(unit)
    }
    if (this.#outer.length > 0) throw scanner.error('missing closing )')
    return this.#finish(this.#current)
  }

  /** Ordinary characters up to the next special one. The last of them may be repeated. */
  #literals(): void {
    const scanner = this.#scanner
    const start = scanner.at
    while (scanner.left > 0 && this.#isOrdinary(scanner.peek())) scanner.at++
    let end = scanner.at
    if (end === start) return
    scanner.skipBlank()
    const isRepeated = QUANTIFIERS.includes(scanner.peek()) && scanner.left > 0
    const { ignoreCase, backward } = scanner.options
    const runes = scanner.runes
      .slice(start, isRepeated ? --end : end)
      .map((rune) => (ignoreCase ? toLowerRune(rune) : rune))
    const [first] = runes
    if (first !== undefined) {
      const isOne = runes.length === 1
      this.#current.items.push(isOne ? charNode(scanner, first) : { kind: 'text', runes, ignoreCase, backward })
    }
    if (isRepeated) this.#addUnit(charNode(scanner, scanner.runes[end] ?? 0))
  }

  #isOrdinary(char: string): boolean {
    if (char === '{') return !this.#isQuantifier()
    if (SPECIALS.includes(char) || QUANTIFIERS.includes(char)) return false
    return !(this.#scanner.options.extended && (char === '#' || BLANKS.includes(char)))
  }

  /** What the special character just read begins; nothing where it was dealt with. */
  #unit(char: string): RegexpNode | undefined {
    const scanner = this.#scanner
    switch (char) {
      case '[':
        return setNode(scanner, scanBrackets(scanner))
      case '(':
        return this.#open()
      case '|':
        this.#endBranch()
        return undefined
      case ')':
        return this.#close()
      case '\\':
        return scanEscape(scanner, this.#groups)
      case '^':
        return { kind: 'assertion', type: scanner.options.multiline ? 'lineBegin' : 'begin' }
      case '$':
        return { kind: 'assertion', type: scanner.options.multiline ? 'lineEnd' : 'endOrNewline' }
      default:
        return setNode(scanner, scanner.options.singleLine ? CharSet.anything() : CharSet.of(NEWLINE).negate())
    }
  }

  #open(): undefined {
    const scanner = this.#scanner
    scanner.saveOptions()
    const group = this.#opener.open(this.#current.group.kind === 'ifFits')
    if (group === undefined) {
      scanner.keepOptions()
      return
    }
    if (this.#outer.length >= MOST_NESTED) throw scanner.error(`groups nested more than ${MOST_NESTED} deep`)
    this.#outer.push(this.#current)
    this.#current = this.#begin(group)
  }

  #begin(group: GroupKind): OpenGroup {
    return { group, branches: [], items: [], backward: this.#scanner.options.backward, condition: undefined }
  }

  #close(): RegexpNode | undefined {
    const closed = this.#current
    const outer = this.#outer.pop()
    if (outer === undefined) throw this.#scanner.error('unexpected )')
    const node = this.#finish(closed)
    this.#current = outer
    this.#scanner.restoreOptions()
    if (outer.group.kind !== 'ifFits' || outer.condition !== undefined) return node
    outer.condition = node
    return undefined
  }

  #endBranch(): void {
    this.#current.branches.push(sequence(this.#current.items, this.#current.backward))
    this.#current.items = []
  }

  #finish(open: OpenGroup): RegexpNode {
    this.#endBranch()
    const { group, branches, condition } = open
    if (group.kind === 'ifMatched' || group.kind === 'ifFits') {
      const [yes = EMPTY, no = EMPTY] = branches
      if (branches.length > 2) throw this.#scanner.error('too many | in a conditional')
      if (group.kind === 'ifMatched') return { ...group, yes, no }
      if (condition === undefined) throw this.#scanner.error('illegal conditional (?(…))')
      return { kind: 'ifFits', condition, yes, no }
    }
    const child = alternatives(branches)
    return group.kind === 'plain' ? child : { ...group, child }
  }

  /** Adds a unit with the quantifier behind it, if there is one; tells whether there was. */
  #addUnit(unit: RegexpNode): boolean {
    const scanner = this.#scanner
    scanner.skipBlank()
    if (!this.#isQuantifier()) {
      this.#current.items.push(unit)
      return false
    }
    const [min, max] = this.#bounds(scanner.next())
    scanner.skipBlank()
    const lazy = scanner.accept('?')
    if (min > max) throw scanner.error('invalid repeat count')
    this.#current.items.push(repeat(unit, min, max, lazy))
    return true
  }

  #bounds(char: string): [min: number, max: number] {
    if (char === '?') return [0, 1]
    if (char !== '{') return [char === '+' ? 1 : 0, Infinity]
    const scanner = this.#scanner
    const min = scanner.scanDecimal()
    let max = min
    if (scanner.accept(',')) max = scanner.peek() === '}' ? Infinity : scanner.scanDecimal()
    scanner.at++
    return [min, max]
  }

  /** `*`, `+`, `?`, and a `{` that is one of `{n}`, `{n,}`, `{n,m}`. */
  #isQuantifier(): boolean {
    const scanner = this.#scanner
    const char = scanner.peek()
    if (char !== '{') return char !== '' && QUANTIFIERS.includes(char)
    let offset = 1
    while (isDigit(scanner.peek(offset))) offset++
    if (offset === 1) return false
    if (scanner.peek(offset) === ',') {
      offset++
      while (isDigit(scanner.peek(offset))) offset++
    }
    return scanner.peek(offset) === '}'
  }
}

const NEWLINE = 0x0a
const MOST_NESTED = 200
const SPECIALS = '\\[^$.|()'
const QUANTIFIERS = '*+?{'
const BLANKS = '\t\n\v\f\r '
