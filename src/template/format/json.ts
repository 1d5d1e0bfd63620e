import { anyMap, entryOf, isMap, itemsOf, sortedKeys } from '../values/collection.ts'
import { LimitError, MAX_DATA_DEPTH, MAX_TEXT } from '../values/limits.ts'
import { integerOf } from '../values/types.ts'
import { GoComplex, GoMap, GoSlice, GoStruct, type Value } from '../values/value.ts'

const HTML = /[<>&\u2028\u2029]/g
const LONE = /[\ud800-\udfff]/u
const LINES = /[\u2028\u2029]/g

export interface JsonStyle {
  /** `<`, `>` and `&` as escapes, Go's default. */
  readonly escapesHtml: boolean
  /** What each level is indented by; empty: no white space at all. */
  readonly indent: string
}

/**
 * Writes a value as Go's encoding/json.
 * @throws {Error} when it has no JSON
 */
export function encodeJson(value: Value, style: JsonStyle): string {
  return new Encoder(style).encode(value)
}

class Encoder {
  readonly #style: JsonStyle
  #length = 0

  constructor(style: JsonStyle) {
    this.#style = style
  }

  encode(value: Value, depth = 0): string {
    if (depth > MAX_DATA_DEPTH) throw new LimitError('data is nested too deeply')
    switch (typeof value) {
      case 'string':
        return this.#string(value)
      case 'number':
        return number(value)
      case 'boolean':
        return String(value)
    }
    if (value === null || value === undefined) return 'null'
    const integer = integerOf(value)
    if (integer !== undefined) return integer.toString()
    if (value instanceof GoComplex) throw new Error('json: unsupported type: complex128')
    if (value instanceof GoStruct) return this.#struct(value, depth)
    const isNil = (value instanceof GoSlice || value instanceof GoMap) && value.isNil
    if (isNil) return 'null'
    const items = itemsOf(value)
    if (items !== undefined) return this.#list(value, items, depth)
    if (!isMap(value)) throw new Error('json: unsupported type')
    return this.#object(
      sortedKeys(value).map((key) => [key, entryOf(value, key)] as const),
      depth,
    )
  }

  #struct({ type, self }: GoStruct, depth: number): string {
    if (self === null) return 'null'
    if (type.json !== undefined) return this.#string(type.json(self))
    const fields = type.fields.filter((field) => /^\p{Lu}/u.test(field.name))
    return this.#object(
      fields.map((field) => [field.json ?? field.name, field.get(self)] as const),
      depth,
    )
  }

  #list(value: Value, items: readonly Value[], depth: number): string {
    if (value instanceof GoSlice && value.elem === 'uint8') {
      return `"${Buffer.from(items.map((item) => Number(integerOf(item)))).toString('base64')}"`
    }
    return this.#enclose(
      '[',
      items.map((item) => this.encode(item ?? null, depth + 1)),
      ']',
      depth,
    )
  }

  #object(entries: readonly (readonly [key: string, value: Value])[], depth: number): string {
    const colon = this.#style.indent === '' ? ':' : ': '
    return this.#enclose(
      '{',
      entries.map(([key, value]) => this.#string(key) + colon + this.encode(value, depth + 1)),
      '}',
      depth,
    )
  }

  #enclose(open: string, parts: readonly string[], close: string, depth: number): string {
    const { indent } = this.#style
    this.#count(parts.length)
    if (indent === '' || parts.length === 0) return open + parts.join(',') + close
    this.#count(parts.length * (depth + 1) * indent.length)
    const inner = `\n${indent.repeat(depth + 1)}`
    return `${open}${inner}${parts.join(`,${inner}`)}\n${indent.repeat(depth)}${close}`
  }

  #string(text: string): string {
    this.#count(text.length)
    // A byte that is not UTF-8 is written as an escape, a character that is U+FFFD as itself.
    const json = `"${text
      .split(LONE)
      .map((part) => JSON.stringify(part).slice(1, -1))
      .join('\\ufffd')}"`
    return json.replace(this.#style.escapesHtml ? HTML : LINES, escaped)
  }

  #count(characters: number): void {
    this.#length += characters
    if (this.#length > MAX_TEXT) throw new LimitError('result is too long')
  }
}

function number(value: number): string {
  if (!Number.isFinite(value)) {
    throw new Error(`json: unsupported value: ${Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'}`)
  }
  return Object.is(value, -0) ? '-0' : String(value)
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/**
 * Reads JSON as Go's encoding/json into interfaces: maps that a template may change, numbers as float64.
 * @throws {Error} when the text is not JSON
 */
export function decodeJson(text: string): Value {
  // What is not UTF-8, in the text or in its escapes, becomes U+FFFD.
  let value: unknown
  try {
    value = JSON.parse(text.toWellFormed())
  } catch {
    // The runtime's message would show a part of the text.
    throw new Error('invalid JSON')
  }
  return decoded(value, 0)
}

function decoded(value: unknown, depth: number): Value {
  if (typeof value === 'string') return value.toWellFormed()
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error('json: cannot unmarshal number')
  if (typeof value !== 'object' || value === null) return value
  if (depth > MAX_DATA_DEPTH) throw new LimitError('data is nested too deeply')
  if (Array.isArray(value)) return value.map((item) => decoded(item, depth + 1))
  const entries = Object.entries(value).map(([key, item]) => [key.toWellFormed(), decoded(item, depth + 1)] as const)
  return anyMap(entries)
}
