import { AsciiSet } from './ascii-set.ts'
import { MAX_RUNE, categoryTest, isSpaceRune, isWordRune, toLowerRune } from './unicode.ts'

/** First and last character, both in it. */
type RuneRange = [first: number, last: number]

interface Category {
  /** A Unicode name, or `word` or `space`. */
  readonly name: string
  readonly negated: boolean
}

/** What a character class, `\d` and the like, or `.` accept. Built while parsing; not changed afterwards. */
export class CharSet {
  #ranges: RuneRange[] = []
  #categories: Category[] = []
  #negated = false
  #isAnything = false
  #subtracted: CharSet | undefined

  static of(rune: number): CharSet {
    const set = new CharSet()
    set.addRange(rune, rune)
    return set
  }

  static ofCategory(name: string, negated: boolean): CharSet {
    const set = new CharSet()
    set.addCategory(name, negated)
    return set
  }

  static anything(): CharSet {
    const set = new CharSet()
    set.addRange(0, MAX_RUNE)
    return set
  }

  negate(): this {
    this.#negated = true
    return this
  }

  subtract(set: CharSet): void {
    this.#subtracted = set
  }

  addRange(first: number, last: number): void {
    this.#ranges.push([first, last])
  }

  /**
   * A category and its opposite together are anything. Of several, only those up to the first negated one count:
   * `[\D\w]` does not accept a digit. That is regexp2's way.
   */
  addCategory(name: string, negated: boolean): void {
    if (this.#isAnything) return
    const known = this.#categories.find((category) => category.name === name)
    if (known === undefined) this.#categories.push({ name, negated })
    else if (known.negated !== negated) this.#becomeAnything()
  }

  /** `\p{…}`; without regard to case, one of the three cases of letters is all of them. */
  addProperty(name: string, negated: boolean, ignoreCase: boolean): void {
    categoryTest(name)
    if (ignoreCase && CASES.includes(name)) for (const one of CASES) this.addCategory(one, negated)
    this.addCategory(name, negated)
  }

  /** `[:alpha:]`; false for a name that there is not. */
  addPosix(name: string, negated: boolean): boolean {
    if (name === 'digit') {
      this.addCategory('Nd', negated)
      return true
    }
    const ranges = POSIX[name]
    if (ranges === undefined) return false
    if (this.#isAnything) return true
    if (!negated) for (const [first, last] of ranges) this.addRange(first, last)
    else for (const [first, last] of complement(ranges)) this.addRange(first, last)
    return true
  }

  /** For matching without regard to case, where every character is compared in lower case. */
  addLowerCase(): void {
    if (this.#isAnything) return
    const ranges = this.#ranges
    this.#ranges = []
    for (const [first, last] of merge(ranges)) {
      if (first === last) {
        this.addRange(toLowerRune(first), toLowerRune(first))
        continue
      }
      this.addRange(first, last)
      for (let rune = first; rune <= Math.min(last, LAST_CASED_RUNE); rune++) {
        const lower = toLowerRune(rune)
        if (lower !== rune) this.addRange(lower, lower)
      }
    }
    this.#ranges = merge(this.#ranges)
  }

  /** Whether it may be joined with its neighbour in `a|b|[c-d]`. */
  get canMerge(): boolean {
    return !this.#negated && this.#subtracted === undefined
  }

  /** This and another as one, as regexp2 joins alternatives of single characters. */
  merge(other: CharSet): CharSet {
    const merged = new CharSet()
    merged.#ranges = [...this.#ranges]
    merged.#categories = [...this.#categories]
    merged.#isAnything = this.#isAnything
    if (merged.#isAnything) return merged
    if (other.#isAnything) {
      merged.#becomeAnything()
      return merged
    }
    for (const [first, last] of other.#ranges) merged.addRange(first, last)
    for (const { name, negated } of other.#categories) merged.addCategory(name, negated)
    return merged
  }

  has(rune: number): boolean {
    let found = false
    for (const [first, last] of this.#ranges) found ||= rune >= first && rune <= last
    if (!found) found = this.#isInCategory(rune)
    if (this.#negated) found = !found
    return found && !(this.#subtracted?.has(rune) ?? false)
  }

  /** The ASCII characters in it. */
  ascii(): AsciiSet {
    let ascii = AsciiSet.none
    for (const [first, last] of this.#ranges) ascii = ascii.union(AsciiSet.range(first, last))
    for (const { name, negated } of this.#categories) {
      const category = asciiOf(name)
      ascii = ascii.union(negated ? AsciiSet.all.without(category) : category)
      if (negated) break
    }
    if (this.#negated) ascii = AsciiSet.all.without(ascii)
    return this.#subtracted === undefined ? ascii : ascii.without(this.#subtracted.ascii())
  }

  #isInCategory(rune: number): boolean {
    for (const { name, negated } of this.#categories) {
      const isIn = testOf(name)(rune)
      if (isIn) return !negated
      if (negated) return true
    }
    return false
  }

  #becomeAnything(): void {
    this.#isAnything = true
    this.#categories = []
    this.#ranges = [[0, MAX_RUNE]]
  }
}

function testOf(name: string): (rune: number) => boolean {
  if (name === 'word') return isWordRune
  return name === 'space' ? isSpaceRune : categoryTest(name)
}

function asciiOf(name: string): AsciiSet {
  let ascii = ASCII_CATEGORIES.get(name)
  if (ascii === undefined) {
    ascii = AsciiSet.where(testOf(name))
    ASCII_CATEGORIES.set(name, ascii)
  }
  return ascii
}

/** Overlapping and neighbouring ranges become one. */
function merge(ranges: readonly RuneRange[]): RuneRange[] {
  const merged: RuneRange[] = []
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const before = merged.at(-1)
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else merged.push([first, last])
  }
  return merged
}

function complement(ranges: readonly RuneRange[]): RuneRange[] {
  const gaps: RuneRange[] = []
  let next = 0
  for (const [first, last] of ranges) {
    if (next < first) gaps.push([next, first - 1])
    next = last + 1
  }
  gaps.push([next, MAX_RUNE])
  return gaps
}

/** No letter above has a lower case of its own. */
const LAST_CASED_RUNE = 0x1ffff
const ASCII_CATEGORIES = new Map<string, AsciiSet>()
const CASES = ['Ll', 'Lu', 'Lt']

/** ASCII but for `digit`, which is every decimal digit, and `space`, which is ECMAScript's. */
const POSIX: Readonly<Record<string, readonly RuneRange[]>> = Object.assign(Object.create(null), {
  alnum: rangesOf('09', 'AZ', 'az'),
  alpha: rangesOf('AZ', 'az'),
  ascii: rangesOf('\0\x7f'),
  blank: rangesOf('\t\t', '  '),
  cntrl: rangesOf('\0\x1f', '\x7f\x7f'),
  graph: rangesOf('!~'),
  lower: rangesOf('az'),
  print: rangesOf(' ~'),
  punct: rangesOf('!/', ':@', '[`', '{~'),
  space: rangesOf(
    '\t\r',
    '  ',
    '\u00a0\u00a0',
    '\u1680\u1680',
    '\u2000\u200a',
    '\u2028\u2029',
    '\u202f\u202f',
    '\u205f\u205f',
    '\u3000\u3000',
    '\ufeff\ufeff',
  ),
  upper: rangesOf('AZ'),
  word: rangesOf('09', 'AZ', '__', 'az'),
  xdigit: rangesOf('09', 'AF', 'af'),
})

function rangesOf(...pairs: string[]): RuneRange[] {
  return pairs.map((pair) => [pair.charCodeAt(0), pair.charCodeAt(1)])
}
