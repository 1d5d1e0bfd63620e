import { parseNumber, plainDecimal } from './numbers.ts'
import {
  COLON,
  COMMA,
  endOfBlock,
  endOfLiteral,
  endOfNumber,
  endOfString,
  isBlank,
  numberOrWordAt,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from './scan.ts'
import { unescapeString } from './strings.ts'

/** A value somewhere in a document, as text. What is not there is `null` without a text. */
export interface Value {
  readonly kind: 'null' | 'false' | 'true' | 'number' | 'string' | 'block'
  readonly raw: string
}

export const MISSING: Value = { kind: 'null', raw: '' }

export function exists({ kind, raw }: Value): boolean {
  return kind !== 'null' || raw !== ''
}

export function isObject({ kind, raw }: Value): boolean {
  return kind === 'block' && raw.charCodeAt(0) === OPEN_BRACE
}

export function isList({ kind, raw }: Value): boolean {
  return kind === 'block' && raw.charCodeAt(0) === OPEN_BRACKET
}

/** What a string stands for. */
export function stringOf({ raw }: Value): string {
  const isClosed = raw.length > 1 && raw.endsWith('"')
  const inner = raw.slice(1, isClosed ? -1 : undefined)
  return inner.includes('\\') ? unescapeString(inner) : inner
}

export function numberOf({ raw }: Value): number {
  return parseNumber(raw)
}

/** Any value as a text, strings without their quotes. */
export function textOf(value: Value): string {
  switch (value.kind) {
    case 'string':
      return stringOf(value)
    case 'number':
      return /^-?\d*$/.test(value.raw) ? value.raw : plainDecimal(numberOf(value))
    case 'block':
      return value.raw
    case 'true':
    case 'false':
      return value.kind
    default:
      return ''
  }
}

const TRUE_WORDS = new Set(['1', 't', 'true'])
const FALSE_WORDS = new Set(['0', 'f', 'false'])

/** What a word for a truth value stands for. */
export function truthOfWord(word: string): boolean | undefined {
  const lower = word.toLowerCase()
  return TRUE_WORDS.has(lower) ? true : FALSE_WORDS.has(lower) ? false : undefined
}

export function isTruthy(value: Value): boolean {
  if (value.kind === 'string') return truthOfWord(stringOf(value)) === true
  if (value.kind === 'number') return numberOf(value) !== 0
  return value.kind === 'true'
}

/** `null` for `n…`, as for every other word that is neither `true` nor `false`. */
export function wordValue(raw: string): Value {
  return { kind: raw[0] === 't' ? 'true' : raw[0] === 'f' ? 'false' : 'null', raw }
}

/** Takes a whole text for a value: an object or list is all of it from its first bracket on. */
export function parseValue(text: string): Value {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === OPEN_BRACE || code === OPEN_BRACKET) return { kind: 'block', raw: text.slice(at) }
    if (isBlank(code)) continue
    if (code === QUOTE) {
      const end = endOfString(text, at + 1)
      return { kind: 'string', raw: text.slice(at, end === -1 ? undefined : end) }
    }
    const kind = numberOrWordAt(text, at)
    if (kind === 'number') return { kind, raw: text.slice(at, endOfNumber(text, at)) }
    return kind === 'word' ? wordValue(text.slice(at, endOfLiteral(text, at))) : MISSING
  }
  return MISSING
}

/** The next value from a place on, and where it ends; nothing when there is none, or a string without an end. */
export function nextValue(text: string, from: number): { readonly value: Value; readonly end: number } | undefined {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      const end = endOfBlock(text, at)
      return { value: { kind: 'block', raw: text.slice(at, end) }, end }
    }
    if (isBlank(code)) continue
    if (code === QUOTE) {
      const end = endOfString(text, at + 1)
      return end === -1 ? undefined : { value: { kind: 'string', raw: text.slice(at, end) }, end }
    }
    const kind = numberOrWordAt(text, at)
    if (kind === undefined) continue
    const end = kind === 'number' ? endOfNumber(text, at) : endOfLiteral(text, at)
    const raw = text.slice(at, end)
    return { value: kind === 'number' ? { kind, raw } : wordValue(raw), end }
  }
  return undefined
}

/** A member of an object; of a list, whose items have no key. */
export interface Entry {
  readonly key: Value | undefined
  readonly value: Value
}

/** The members of an object or items of a list, as far as it can be read; of any other value, itself. */
export function entriesOf(container: Value): Entry[] {
  if (!exists(container)) return []
  if (container.kind !== 'block') return [{ key: undefined, value: container }]
  const { raw } = container
  const hasKeys = raw.charCodeAt(0) === OPEN_BRACE
  const entries: Entry[] = []
  // One character is passed over behind each value: it is taken for the comma.
  for (let at = 1; at < raw.length; at++) {
    let key: Value | undefined
    if (hasKeys) {
      if (raw.charCodeAt(at) !== QUOTE) continue
      const end = endOfString(raw, at + 1)
      if (end === -1) break
      key = { kind: 'string', raw: raw.slice(at, end) }
      at = end
    }
    while (at < raw.length && isSeparator(raw.charCodeAt(at))) at++
    const next = nextValue(raw, at)
    if (next === undefined) break
    entries.push({ key, value: next.value })
    at = next.end
  }
  return entries
}

function isSeparator(code: number): boolean {
  return isBlank(code) || code === COMMA || code === COLON
}
