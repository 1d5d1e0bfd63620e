import { PatternError } from '../delimiters.ts'

/** A glob as a tree: a sequence of parts, or alternatives that are sequences each. */
export type GlobNode =
  | { readonly kind: 'sequence'; readonly children: readonly GlobNode[] }
  | { readonly kind: 'alternatives'; readonly children: readonly GlobNode[] }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'list'; readonly chars: string; readonly not: boolean }
  | { readonly kind: 'range'; readonly low: number; readonly high: number; readonly not: boolean }
  | { readonly kind: 'any' }
  | { readonly kind: 'super' }
  | { readonly kind: 'single' }
  | { readonly kind: 'nothing' }

/** The characters that mean something; the rest of a rule's URL is quoted by putting `\` before them. */
export const GLOB_SPECIALS = /[*?\\[\]{}]/g

/**
 * Reads a glob of Oathkeeper's dialect: `*`, `**`, `?`, `[abc]`, `[a-z]`, `[!…]`, `{a,b}` (nesting), `\` escapes.
 * An unclosed `{` ends with the pattern, `[^a]` is a list of two characters, NUL ends the pattern.
 * @throws {PatternError} for a range or list that is not well formed
 */
export function parseGlob(pattern: string): GlobNode {
  if (pattern.includes('\uFFFD')) throw new PatternError('a glob may not hold the character U+FFFD')
  const end = pattern.indexOf('\0')
  return new GlobParser(end === -1 ? pattern : pattern.slice(0, end)).parse()
}

const MOST_NESTED = 200

interface OpenSequence {
  children: GlobNode[]
  /** The alternatives that this sequence is one of, outermost sequence aside. */
  readonly alternatives: GlobNode[] | undefined
}

class GlobParser {
  readonly #chars: readonly string[]
  #at = 0

  constructor(pattern: string) {
    this.#chars = Array.from(pattern)
  }

  parse(): GlobNode {
    const stack: OpenSequence[] = []
    let current: OpenSequence = { children: [], alternatives: undefined }
    const root = current
    while (this.#at < this.#chars.length) {
      const char = this.#chars[this.#at]
      const nested = stack.length > 0
      if (char === '{') {
        this.#at++
        if (stack.length >= MOST_NESTED) throw new PatternError(`alternatives nested more than ${MOST_NESTED} deep`)
        const alternatives: GlobNode[] = []
        current.children.push({ kind: 'alternatives', children: alternatives })
        stack.push(current)
        current = openAlternative(alternatives)
      } else if (char === ',' && nested) {
        this.#at++
        current = openAlternative(current.alternatives ?? [])
      } else if (char === '}' && nested) {
        this.#at++
        current = stack.pop() ?? root
      } else {
        const leaf = this.#leaf(nested)
        if (leaf !== undefined) current.children.push(leaf)
      }
    }
    return { kind: 'sequence', children: root.children }
  }

  #leaf(nested: boolean): GlobNode | undefined {
    const char = this.#chars[this.#at]
    if (char === '[') {
      this.#at++
      return this.#brackets()
    }
    if (char === '?') {
      this.#at++
      return { kind: 'single' }
    }
    if (char === '*') {
      this.#at++
      if (this.#chars[this.#at] !== '*') return { kind: 'any' }
      this.#at++
      return { kind: 'super' }
    }
    const text = this.#text(nested ? '?*[{},' : '?*[{')
    return text === '' ? undefined : { kind: 'text', text }
  }

  /** What stands between `[` and `]`: one range, or a list. */
  #brackets(): GlobNode {
    let not = false
    if (this.#chars[this.#at] === '!') {
      not = true
      this.#at++
    }
    const first = this.#next()
    if (this.#chars[this.#at] === '-') {
      this.#at++
      const last = this.#next()
      if (this.#next() !== ']') throw new PatternError(`expected "]" after the range "${first}-${last}"`)
      const low = first.codePointAt(0) ?? 0
      const high = last.codePointAt(0) ?? 0
      if (high < low) throw new PatternError(`the range "${first}-${last}" is in reverse order`)
      return { kind: 'range', low, high, not }
    }
    this.#at--
    const chars = this.#text(']')
    this.#next()
    if (chars === '') throw new PatternError('a list "[…]" may not be empty')
    return { kind: 'list', chars, not }
  }

  #next(): string {
    const char = this.#chars[this.#at++]
    if (char === undefined) throw new PatternError('"[" is never closed')
    return char
  }

  /** Up to the first unescaped one of `breakers`. A `\` at the very end stands for nothing. */
  #text(breakers: string): string {
    let text = ''
    for (let char = this.#chars[this.#at]; char !== undefined; char = this.#chars[this.#at]) {
      if (char === '\\') {
        text += this.#chars[this.#at + 1] ?? ''
        this.#at += 2
      } else if (breakers.includes(char)) {
        break
      } else {
        text += char
        this.#at++
      }
    }
    return text
  }
}

function openAlternative(alternatives: GlobNode[]): OpenSequence {
  const children: GlobNode[] = []
  alternatives.push({ kind: 'sequence', children })
  return { children, alternatives }
}
