import { isUtf8 } from 'node:buffer'

/**
 * Go strings are bytes, ours are UTF-16. A byte that is not part of valid UTF-8 is kept as the lone surrogate
 * U+DC80…U+DCFF, so that cutting a text in the middle of a character and joining it again loses nothing.
 */
const ESCAPED_BYTE = /(?<![\uD800-\uDBFF])[\uDC80-\uDCFF]/
const NON_ASCII = /[^\x00-\x7f]/

/** The UTF-8 bytes of a string, escaped bytes as themselves, any other lone surrogate as U+FFFD. */
export function bytesOf(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, 'utf8')
  const parts: Buffer[] = []
  let plain = ''
  for (const char of text) {
    const code = char.charCodeAt(0)
    if (char.length === 1 && code >= 0xdc80 && code <= 0xdcff) {
      parts.push(Buffer.from(plain, 'utf8'), Buffer.from([code & 0xff]))
      plain = ''
      continue
    }
    plain += char
  }
  parts.push(Buffer.from(plain, 'utf8'))
  return Buffer.concat(parts)
}

/** The string of bytes that need not be valid UTF-8. */
export function stringOf(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  let out = ''
  let start = 0
  for (let i = 0; i < bytes.length;) {
    const width = sequenceLength(bytes, i)
    if (width > 0) {
      i += width
      continue
    }
    out += Buffer.from(bytes.subarray(start, i)).toString('utf8') + String.fromCharCode(0xdc00 + (bytes[i] as number))
    start = ++i
  }
  return out + Buffer.from(bytes.subarray(start)).toString('utf8')
}

/** Joins escaped bytes that together make a character again. */
export function rejoin(text: string): string {
  return ESCAPED_BYTE.test(text) ? stringOf(bytesOf(text)) : text
}

/** Length in bytes, as Go's `len`. */
export function byteLength(text: string): number {
  if (!NON_ASCII.test(text)) return text.length
  return text.isWellFormed() ? Buffer.byteLength(text, 'utf8') : bytesOf(text).length
}

/** `text[from:to]` in bytes. */
export function byteSlice(text: string, from: number, to: number): string {
  if (!NON_ASCII.test(text)) return text.slice(from, to)
  return stringOf(bytesOf(text).subarray(from, to))
}

export function isAscii(text: string): boolean {
  return !NON_ASCII.test(text)
}

/** Whether the one-character string stands for a byte that is not valid UTF-8. */
export function isEscapedByte(char: string): boolean {
  return char.length === 1 && char >= '\udc80' && char <= '\udcff'
}

/** The code point of a character as Go's decoder gives it: U+FFFD for anything that is not valid. */
export function runeOf(char: string): number {
  const code = char.codePointAt(0) as number
  return code >= 0xd800 && code <= 0xdfff ? 0xfffd : code
}

export function runeCount(text: string): number {
  if (!NON_ASCII.test(text)) return text.length
  let count = 0
  for (const _ of text) count++
  return count
}

/** Orders strings by their bytes. */
export function compareBytes(a: string, b: string): number {
  if (a === b) return 0
  let at = 0
  while (at < a.length && a.charCodeAt(at) === b.charCodeAt(at)) at++
  const [unitA, unitB] = [a.charCodeAt(at), b.charCodeAt(at)]
  // Below the surrogates, units are ordered as bytes are; NaN stands for the end.
  if (unitA < 0xd800 && unitB < 0xd800) return unitA < unitB ? -1 : 1
  if (Number.isNaN(unitA)) return -1
  return Number.isNaN(unitB) ? 1 : Buffer.compare(bytesOf(a), bytesOf(b))
}

function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number
  if (first < 0x80) return 1
  const width = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  return at + width <= bytes.length && isUtf8(bytes.subarray(at, at + width)) ? width : 0
}
