import { type Budget } from '../budget.ts'
import { type Bytes, boundaries, countRunes, encodedLength, runeAt, runesOf, widthAt } from './bytes.ts'

/** Where a matcher first fits: from `index`, for each of `lengths` bytes (ascending). */
export interface Found {
  readonly index: number
  readonly lengths: readonly number[]
}

/**
 * One part of a compiled glob, with the same answers as gobwas/glob 0.2.3 has for it, the surprising ones too: rules
 * that run on Oathkeeper were written against them. Where one surprises, the comment says so.
 */
export interface Matcher {
  readonly kind: string
  /** How many characters it always takes, -1 when that varies. */
  readonly size: number
  /** Whether it fits the whole text. */
  matches(text: Bytes, budget: Budget): boolean
  /** Where in the text it fits, if anywhere. */
  find(text: Bytes, budget: Budget): Found | undefined
}

const VARIES = -1

/** Fits whatever there is: `**`. */
export class Super implements Matcher {
  readonly kind = 'super'
  readonly size = VARIES

  matches(): boolean {
    return true
  }

  find(text: Bytes, budget: Budget): Found {
    budget.spend(text.length)
    return { index: 0, lengths: boundaries(text) }
  }
}

/** Fits the empty text only: an alternative that is empty. */
export class Nothing implements Matcher {
  readonly kind = 'nothing'
  readonly size = 0

  matches(text: Bytes): boolean {
    return text === ''
  }

  find(): Found {
    return { index: 0, lengths: [0] }
  }
}

export class Text implements Matcher {
  readonly kind = 'text'
  readonly size: number
  readonly text: Bytes
  readonly #lengths: readonly number[]

  constructor(text: Bytes) {
    this.text = text
    this.size = countRunes(text)
    this.#lengths = [text.length]
  }

  matches(text: Bytes): boolean {
    return text === this.text
  }

  find(text: Bytes, budget: Budget): Found | undefined {
    budget.spend(1 + (text.length >> 4))
    const index = text.indexOf(this.text)
    return index === -1 ? undefined : { index, lengths: this.#lengths }
  }
}

/** `*`: no separator in it. */
export class Any implements Matcher {
  readonly kind = 'any'
  readonly size = VARIES
  readonly separators: readonly number[]

  constructor(separators: readonly number[]) {
    this.separators = separators
  }

  matches(text: Bytes): boolean {
    return firstSeparator(text, this.separators) === -1
  }

  /** Surprise: ends at the first dot, and only where there is none at the first slash. */
  find(text: Bytes, budget: Budget): Found {
    const end = firstSeparator(text, this.separators)
    const part = end === -1 ? text : text.slice(0, end)
    budget.spend(1 + part.length)
    return { index: 0, lengths: boundaries(part) }
  }
}

/** A single character that passes a test: `?`, `[abc]`, `[a-z]`. Surprise: the test is asked about an empty text too. */
export abstract class OneRune implements Matcher {
  abstract readonly kind: string
  readonly size = 1

  abstract accepts(rune: number): boolean

  matches(text: Bytes): boolean {
    return text.length <= widthAt(text, 0) && this.accepts(runeAt(text, 0))
  }

  find(text: Bytes, budget: Budget): Found | undefined {
    for (let at = 0; at < text.length; at += widthAt(text, at)) {
      budget.spend(1)
      const rune = runeAt(text, at)
      if (this.accepts(rune)) return { index: at, lengths: [encodedLength(rune)] }
    }
    return undefined
  }
}

/** `?`. */
export class Single extends OneRune {
  readonly kind = 'single'
  readonly separators: readonly number[]

  constructor(separators: readonly number[]) {
    super()
    this.separators = separators
  }

  accepts(rune: number): boolean {
    return !this.separators.includes(rune)
  }
}

/** `[abc]`, `[!abc]`. Separators are not special in it. */
export class List extends OneRune {
  readonly kind = 'list'
  readonly chars: readonly number[]
  readonly not: boolean

  constructor(chars: Bytes, not: boolean) {
    super()
    this.chars = runesOf(chars)
    this.not = not
  }

  accepts(rune: number): boolean {
    return this.chars.includes(rune) !== this.not
  }
}

/** `[a-z]`, `[!a-z]`. */
export class Range extends OneRune {
  readonly kind = 'range'
  readonly #low: number
  readonly #high: number
  readonly #not: boolean

  constructor(low: number, high: number, not: boolean) {
    super()
    this.#low = low
    this.#high = high
    this.#not = not
  }

  accepts(rune: number): boolean {
    return (rune >= this.#low && rune <= this.#high) !== this.#not
  }
}

/** At least so many characters. */
export class Min implements Matcher {
  readonly kind = 'min'
  readonly size = VARIES
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  matches(text: Bytes, budget: Budget): boolean {
    let count = 0
    for (let at = 0; at < text.length && count < this.#limit; at += widthAt(text, at)) count++
    budget.spend(count)
    return count >= this.#limit
  }

  find(text: Bytes, budget: Budget): Found | undefined {
    if (text.length < this.#limit) return undefined
    budget.spend(text.length)
    const lengths: number[] = []
    let count = 0
    for (let at = 0; at < text.length; at += widthAt(text, at)) {
      if (++count >= this.#limit) lengths.push(at + encodedLength(runeAt(text, at)))
    }
    return lengths.length === 0 ? undefined : { index: 0, lengths }
  }
}

/** At most so many characters. */
export class Max implements Matcher {
  readonly kind = 'max'
  readonly size = VARIES
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  matches(text: Bytes, budget: Budget): boolean {
    let count = 0
    for (let at = 0; at < text.length && count <= this.#limit; at += widthAt(text, at)) count++
    budget.spend(count)
    return count <= this.#limit
  }

  find(text: Bytes, budget: Budget): Found {
    const lengths = [0]
    for (let at = 0; at < text.length; at += widthAt(text, at)) {
      if (lengths.length > this.#limit) break
      lengths.push(at + encodedLength(runeAt(text, at)))
    }
    budget.spend(lengths.length)
    return { index: 0, lengths }
  }
}

/**
 * Does not hold the needle anywhere. Surprise: the needle is the separators written in a row, `./`, so that a part that
 * is checked this way (`?*`, `*?`) takes a lone dot or slash after all.
 */
export class Lacks implements Matcher {
  readonly kind = 'lacks'
  readonly size = VARIES
  readonly #needle: Bytes

  constructor(needle: Bytes) {
    this.#needle = needle
  }

  matches(text: Bytes, budget: Budget): boolean {
    budget.spend(1 + (text.length >> 4))
    return !text.includes(this.#needle)
  }

  find(text: Bytes, budget: Budget): Found {
    const end = text.indexOf(this.#needle)
    const part = end === -1 ? text : text.slice(0, end)
    budget.spend(1 + part.length)
    return { index: 0, lengths: boundaries(part) }
  }
}

/** The first separator's first place; the next separator is asked only when there is none of the one before. */
export function firstSeparator(text: Bytes, separators: readonly number[]): number {
  for (const separator of separators) {
    const at = text.indexOf(String.fromCharCode(separator))
    if (at !== -1) return at
  }
  return -1
}

/** As {@link firstSeparator}, the last place. */
export function lastSeparator(text: Bytes, separators: readonly number[]): number {
  for (const separator of separators) {
    const at = text.lastIndexOf(String.fromCharCode(separator))
    if (at !== -1) return at
  }
  return -1
}
