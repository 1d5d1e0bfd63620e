import { type Budget, EvaluationError } from '../budget.ts'
import { type Bytes, widthAt } from './bytes.ts'
import { type Found, type Matcher } from './matchers.ts'

/** `{a,b}`. */
export class AnyOf implements Matcher {
  readonly kind = 'anyOf'
  readonly size: number
  readonly matchers: readonly Matcher[]

  constructor(matchers: readonly Matcher[]) {
    this.matchers = matchers
    this.size = commonSize(matchers)
  }

  matches(text: Bytes, budget: Budget): boolean {
    for (const matcher of this.matchers) if (matcher.matches(text, budget)) return true
    return false
  }

  /** The first place of any of them, with the lengths of all that fit there. */
  find(text: Bytes, budget: Budget): Found | undefined {
    let best: Found | undefined
    for (const matcher of this.matchers) {
      const found = matcher.find(text, budget)
      if (found === undefined || (best !== undefined && found.index > best.index)) continue
      if (best === undefined || found.index < best.index) best = found
      else best = { index: best.index, lengths: merge(best.lengths, found.lengths, budget) }
    }
    return best
  }
}

/** All of them fit: what a run of wildcards is compiled to. */
export class EveryOf implements Matcher {
  readonly kind = 'everyOf'
  readonly size = -1
  readonly #matchers: readonly Matcher[]

  constructor(matchers: readonly Matcher[]) {
    this.#matchers = matchers
  }

  matches(text: Bytes, budget: Budget): boolean {
    for (const matcher of this.#matchers) if (!matcher.matches(text, budget)) return false
    return true
  }

  find(text: Bytes, budget: Budget): Found | undefined {
    let lengths: readonly number[] | undefined
    // All matchers in it find at 0, so that no offset between them has to be kept.
    for (const matcher of this.#matchers) {
      const found = matcher.find(text, budget)
      if (found === undefined) return undefined
      if (lengths === undefined) {
        lengths = found.lengths
        continue
      }
      budget.spend(lengths.length + found.lengths.length)
      const both = new Set(found.lengths)
      lengths = lengths.filter((length) => both.has(length))
      if (lengths.length === 0) return undefined
    }
    return { index: 0, lengths: lengths ?? [] }
  }
}

/** Parts of known sizes in a row. */
export class Row implements Matcher {
  readonly kind = 'row'
  readonly size: number
  readonly #matchers: readonly Matcher[]
  readonly #lengths: readonly number[]

  constructor(size: number, matchers: readonly Matcher[]) {
    this.size = size
    this.#matchers = matchers
    this.#lengths = [size]
  }

  matches(text: Bytes, budget: Budget): boolean {
    let count = 0
    for (let at = 0; at < text.length && count <= this.size; at += widthAt(text, at)) count++
    budget.spend(count)
    return count === this.size && this.#fits(text, budget)
  }

  /** Surprise: the length found is in characters where bytes are meant. */
  find(text: Bytes, budget: Budget): Found | undefined {
    for (let at = 0; at < text.length && text.length - at >= this.size; at += widthAt(text, at)) {
      if (this.#fits(text.slice(at), budget)) return { index: at, lengths: this.#lengths }
    }
    return undefined
  }

  /** Surprise: a part is given all but the first byte of its last character, so that `[é]x` never fits. */
  #fits(text: Bytes, budget: Budget): boolean {
    let offset = 0
    for (const matcher of this.#matchers) {
      budget.spend(1)
      let count = 0
      let last = 0
      for (let at = offset; at < text.length; at += widthAt(text, at)) {
        last = at - offset
        if (++count === matcher.size) break
      }
      const end = offset + last + 1
      if (count < matcher.size) return false
      // Go would panic here, which Oathkeeper answers with 500; so does this.
      if (end > text.length) throw new EvaluationError('the pattern cannot be evaluated on this text')
      if (!matcher.matches(text.slice(offset, end), budget)) return false
      offset = end
    }
    return true
  }
}

/** A part that is looked for, with what comes before and after it. Cannot be looked for itself. */
export class Around implements Matcher {
  readonly kind = 'around'
  readonly size: number
  readonly value: Matcher
  readonly left: Matcher | undefined
  readonly right: Matcher | undefined
  readonly #leftSize: number
  readonly #rightSize: number

  /** `sizedBy` is what it was before its sides were simplified: the sizes stay. */
  constructor(value: Matcher, left: Matcher | undefined, right: Matcher | undefined, sizedBy?: Around) {
    this.value = value
    this.left = left
    this.right = right
    this.#leftSize = sizedBy === undefined ? (left?.size ?? 0) : sizedBy.#leftSize
    this.#rightSize = sizedBy === undefined ? (right?.size ?? 0) : sizedBy.#rightSize
    const sizes = [value.size, this.#leftSize, this.#rightSize]
    this.size = sizedBy?.size ?? (sizes.includes(-1) ? -1 : sizes.reduce((sum, size) => sum + size, 0))
  }

  /** Surprise: sizes of the sides, which are characters, are taken for bytes. */
  matches(text: Bytes, budget: Budget): boolean {
    if (this.size > text.length) return false
    let offset = Math.max(0, this.#leftSize)
    const limit = this.#rightSize >= 0 ? text.length - this.#rightSize : text.length
    while (offset < limit) {
      budget.spend(1)
      const found = this.value.find(text.slice(offset, limit), budget)
      if (found === undefined) return false
      const begin = offset + found.index
      if (this.#leftFits(text.slice(0, begin), budget)) {
        for (let i = found.lengths.length - 1; i >= 0; i--) {
          budget.spend(1)
          if (this.#rightFits(text.slice(begin + (found.lengths[i] ?? 0)), budget)) return true
        }
      }
      offset = begin + widthAt(text, begin)
      if (begin >= text.length) return false
    }
    return false
  }

  find(): Found | undefined {
    return undefined
  }

  #leftFits(text: Bytes, budget: Budget): boolean {
    return this.left === undefined ? text === '' : this.left.matches(text, budget)
  }

  #rightFits(text: Bytes, budget: Budget): boolean {
    return this.right === undefined ? text === '' : this.right.matches(text, budget)
  }
}

function commonSize(matchers: readonly Matcher[]): number {
  let common = -1
  for (const { size } of matchers) {
    if (common === -1) common = size
    else if (size !== common) return -1
  }
  return common
}

function merge(one: readonly number[], two: readonly number[], budget: Budget): number[] {
  budget.spend(one.length + two.length)
  return [...new Set([...one, ...two])].sort((a, b) => a - b)
}
