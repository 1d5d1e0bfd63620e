import { formatValue } from '../format/printer.ts'
import { quoteString } from '../format/quote.ts'
import { stringSlice } from '../values/collection.ts'
import { fn, type GoFunc, variadic } from '../values/func.ts'
import { checkItemCount, checkTextLength } from '../values/limits.ts'
import { ANY, INT, STRING } from '../values/param.ts'
import { fromBinary, isSpace, lowerText, runesOf, toBinary, trimSpace, upperText } from '../values/text.ts'
import { GoMap, GoSlice, STRING_MAP, type Value } from '../values/value.ts'
import { strslice, strval } from './strval.ts'

/** Cutting, joining, searching and quoting of texts. Positions and lengths count bytes, as in Go. */
export const STRINGS: Readonly<Record<string, GoFunc>> = {
  abbrev: fn([INT, STRING], (width, text) => onBytes(text, (bytes) => abbreviate(bytes, 0, Number(width), 4))),
  abbrevboth: fn([INT, INT, STRING], (left, right, text) =>
    onBytes(text, (bytes) => abbreviate(bytes, Number(left), Number(right), left > 0n ? 7 : 4)),
  ),
  cat: variadic([], ANY, (values) => withoutNil(values).map(formatValue).join(' ')),
  contains: fn([STRING, STRING], (part, text) => text.includes(part)),
  hasPrefix: fn([STRING, STRING], (prefix, text) => text.startsWith(prefix)),
  hasSuffix: fn([STRING, STRING], (suffix, text) => text.endsWith(suffix)),
  hello: fn([], () => 'Hello!'),
  indent: fn([INT, STRING], indent),
  initials: fn([STRING], initials),
  join: fn([STRING, ANY], join),
  lower: fn([STRING], lowerText),
  nindent: fn([INT, STRING], (spaces, text) => `\n${indent(spaces, text)}`),
  nospace: fn([STRING], withoutSpace),
  plural: fn([STRING, STRING, INT], (one, many, count) => (count === 1n ? one : many)),
  quote: variadic([], ANY, (values) =>
    withoutNil(values)
      .map((value) => quoteString(strval(value)))
      .join(' '),
  ),
  repeat: fn([INT, STRING], repeat),
  replace: fn([STRING, STRING, STRING], replace),
  split: fn([STRING, STRING], (separator, text) => numbered(split(text, separator, -1))),
  splitList: fn([STRING, STRING], (separator, text) => stringSlice(split(text, separator, -1))),
  splitn: fn([STRING, INT, STRING], (separator, count, text) => numbered(split(text, separator, Number(count)))),
  squote: variadic([], ANY, (values) =>
    withoutNil(values)
      .map((value) => `'${formatValue(value)}'`)
      .join(' '),
  ),
  substr: fn([INT, INT, STRING], substring),
  toString: fn([ANY], strval),
  toStrings: fn([ANY], toStrings),
  trim: fn([STRING], trimSpace),
  trimAll: fn([STRING, STRING], trimAll),
  trimPrefix: fn([STRING, STRING], (prefix, text) => (text.startsWith(prefix) ? text.slice(prefix.length) : text)),
  trimSuffix: fn([STRING, STRING], (suffix, text) =>
    suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text,
  ),
  trimall: fn([STRING, STRING], trimAll),
  trunc: fn([INT, STRING], truncate),
  upper: fn([STRING], upperText),
}

function onBytes(text: string, work: (binary: string) => string): string {
  return fromBinary(work(toBinary(text)))
}

function withoutNil(values: readonly Value[]): Value[] {
  return values.filter((value) => value !== null && value !== undefined)
}

function abbreviate(text: string, from: number, width: number, least: number): string {
  if (width < least || text.length <= width) return text
  const room = width - 3
  const offset = Math.min(from, text.length, Math.max(text.length - room, 0))
  if (offset <= 4) return `${text.slice(0, room)}...`
  if (offset + room < text.length) return `...${abbreviate(text.slice(offset), 0, room, 4)}`
  return `...${text.slice(-room)}`
}

function indent(spaces: bigint, text: string): string {
  if (spaces < 0n) throw new Error('strings: negative Repeat count')
  const lines = text.split('\n')
  checkTextLength(Number(spaces) * lines.length + text.length)
  const pad = ' '.repeat(Number(spaces))
  return lines.map((line) => pad + line).join('\n')
}

/** First bytes of the words; Go's library takes each for a character of Latin-1. */
function initials(text: string): string {
  let out = ''
  let isGap = true
  for (const byte of toBinary(text)) {
    if (isSpace(byte)) isGap = true
    else if (isGap) {
      out += byte
      isGap = false
    }
  }
  return out
}

/** As with `initials`, bytes are taken for characters when something is removed. */
function withoutSpace(text: string): string {
  const bytes = [...toBinary(text)]
  const kept = bytes.filter((byte) => !isSpace(byte))
  return kept.length === bytes.length ? text : kept.join('')
}

function join(separator: string, value: Value): string {
  const parts = strslice(value)
  checkTextLength(parts.reduce((length, part) => length + part.length + separator.length, 0))
  return parts.join(separator)
}

function repeat(count: bigint, text: string): string {
  if (count < 0n) throw new Error('strings: negative Repeat count')
  checkTextLength(Number(count) * text.length)
  return text === '' ? '' : text.repeat(Number(count))
}

function replace(old: string, by: string, text: string): string {
  const pieces = old === '' ? ['', ...text, ''] : text.split(old)
  if (old === '' && text === '') return by
  checkTextLength(text.length + (pieces.length - 1) * by.length)
  return pieces.join(by)
}

/** `strings.SplitN`. */
function split(text: string, separator: string, count: number): string[] {
  if (count === 0) return []
  const all = separator === '' ? [...text] : text.split(separator)
  checkItemCount(all.length)
  if (count < 0 || all.length <= count) return all
  return [...all.slice(0, count - 1), all.slice(count - 1).join(separator)]
}

function numbered(parts: readonly string[]): GoMap {
  return new GoMap(STRING_MAP, new Map(parts.map((part, i) => [`_${i}`, part])))
}

function substring(start: bigint, end: bigint, text: string): string {
  const bytes = toBinary(text)
  const length = BigInt(bytes.length)
  const from = start < 0n ? 0n : start
  const to = start >= 0n && (end < 0n || end > length) ? length : end
  if (to < 0n || to > length) throw new Error(`runtime error: slice bounds out of range [:${to}] with length ${length}`)
  if (from > to) throw new Error(`runtime error: slice bounds out of range [${from}:${to}]`)
  return fromBinary(bytes.slice(Number(from), Number(to)))
}

function toStrings(value: Value): Value {
  return value instanceof GoSlice && value.elem === 'string' ? value : stringSlice(strslice(value))
}

function trimAll(cutset: string, text: string): string {
  const cut = new Set(runesOf(cutset))
  const runes = runesOf(text)
  let from = 0
  let to = runes.length
  while (from < to && cut.has(runes[from] as string)) from++
  while (to > from && cut.has(runes[to - 1] as string)) to--
  return [...text].slice(from, to).join('')
}

function truncate(length: bigint, text: string): string {
  const bytes = toBinary(text)
  const count = Number(length)
  if (count < 0) return bytes.length + count > 0 ? fromBinary(bytes.slice(bytes.length + count)) : text
  return bytes.length > count ? fromBinary(bytes.slice(0, count)) : text
}
