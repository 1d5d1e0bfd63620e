import { type Budget } from '../budget.ts'
import { type Bytes, boundaries, encodedLength, runeAt, widthAt } from './bytes.ts'
import { type Found, type Matcher, firstSeparator, lastSeparator } from './matchers.ts'

// What a text beside a wildcard is compiled to. None of them knows how many characters it takes.

/** `text**`. */
export class Prefix implements Matcher {
  readonly kind = 'prefix'
  readonly size = -1
  readonly prefix: Bytes

  constructor(prefix: Bytes) {
    this.prefix = prefix
  }

  matches(text: Bytes): boolean {
    return text.startsWith(this.prefix)
  }

  find(text: Bytes, budget: Budget): Found | undefined {
    return findWithTail(text, this.prefix, [], budget)
  }
}

/** `text*`. */
export class PrefixAny implements Matcher {
  readonly kind = 'prefixAny'
  readonly size = -1
  readonly #prefix: Bytes
  readonly #separators: readonly number[]

  constructor(prefix: Bytes, separators: readonly number[]) {
    this.#prefix = prefix
    this.#separators = separators
  }

  matches(text: Bytes): boolean {
    if (!text.startsWith(this.#prefix)) return false
    return firstSeparator(text.slice(this.#prefix.length), this.#separators) === -1
  }

  find(text: Bytes, budget: Budget): Found | undefined {
    return findWithTail(text, this.#prefix, this.#separators, budget)
  }
}

/** `**text`. Surprise: found up to the first place of the text, not the last. */
export class Suffix implements Matcher {
  readonly kind = 'suffix'
  readonly size = -1
  readonly suffix: Bytes

  constructor(suffix: Bytes) {
    this.suffix = suffix
  }

  matches(text: Bytes): boolean {
    return text.endsWith(this.suffix)
  }

  find(text: Bytes, budget: Budget): Found | undefined {
    budget.spend(1 + (text.length >> 4))
    const at = text.indexOf(this.suffix)
    return at === -1 ? undefined : { index: 0, lengths: [at + this.suffix.length] }
  }
}

/** `*text`. */
export class SuffixAny implements Matcher {
  readonly kind = 'suffixAny'
  readonly size = -1
  readonly #suffix: Bytes
  readonly #separators: readonly number[]

  constructor(suffix: Bytes, separators: readonly number[]) {
    this.#suffix = suffix
    this.#separators = separators
  }

  matches(text: Bytes): boolean {
    if (!text.endsWith(this.#suffix)) return false
    return firstSeparator(text.slice(0, text.length - this.#suffix.length), this.#separators) === -1
  }

  find(text: Bytes, budget: Budget): Found | undefined {
    budget.spend(1 + (text.length >> 4))
    const at = text.indexOf(this.#suffix)
    if (at === -1) return undefined
    const index = lastSeparator(text.slice(0, at), this.#separators) + 1
    return { index, lengths: [at + this.#suffix.length - index] }
  }
}

/** `one**two`. Surprise: the two may overlap, `ab**b` fits `ab`. */
export class PrefixSuffix implements Matcher {
  readonly kind = 'prefixSuffix'
  readonly size = -1
  readonly #prefix: Bytes
  readonly #suffix: Bytes

  constructor(prefix: Bytes, suffix: Bytes) {
    this.#prefix = prefix
    this.#suffix = suffix
  }

  matches(text: Bytes): boolean {
    return text.startsWith(this.#prefix) && text.endsWith(this.#suffix)
  }

  find(text: Bytes, budget: Budget): Found | undefined {
    budget.spend(1 + text.length)
    const index = text.indexOf(this.#prefix)
    if (index === -1) return undefined
    const lengths: number[] = []
    for (let rest = text.slice(index); ;) {
      const at = rest.lastIndexOf(this.#suffix)
      if (at === -1) break
      lengths.push(at + this.#suffix.length)
      rest = rest.slice(0, at)
    }
    return lengths.length === 0 ? undefined : { index, lengths: lengths.toReversed() }
  }
}

/** `**text**`. */
export class Contains implements Matcher {
  readonly kind = 'contains'
  readonly size = -1
  readonly #needle: Bytes

  constructor(needle: Bytes) {
    this.#needle = needle
  }

  matches(text: Bytes, budget: Budget): boolean {
    budget.spend(1 + (text.length >> 4))
    return text.includes(this.#needle)
  }

  find(text: Bytes, budget: Budget): Found | undefined {
    const at = text.indexOf(this.#needle)
    if (at === -1) return undefined
    budget.spend(1 + text.length - at)
    const offset = at + this.#needle.length
    return { index: 0, lengths: boundaries(text.slice(offset), offset) }
  }
}

function findWithTail(text: Bytes, prefix: Bytes, separators: readonly number[], budget: Budget): Found | undefined {
  const index = text.indexOf(prefix)
  if (index === -1) return undefined
  let tail = text.slice(index + prefix.length)
  const end = firstSeparator(tail, separators)
  if (end !== -1) tail = tail.slice(0, end)
  budget.spend(1 + tail.length)
  const lengths = [prefix.length]
  for (let at = 0; at < tail.length; at += widthAt(tail, at)) {
    lengths.push(prefix.length + at + encodedLength(runeAt(tail, at)))
  }
  return { index, lengths }
}
