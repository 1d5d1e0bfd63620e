import { bytesOf, isAscii, isEscapedByte, stringOf } from '../../lib/go-string.ts'

/** White space as Go's unicode.IsSpace has it. */
const SPACE = /^[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/

export function isSpace(char: string): boolean {
  return SPACE.test(char)
}

/** `strings.TrimSpace`. */
export function trimSpace(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isSpace(text[from] as string)) from++
  while (to > from && isSpace(text[to - 1] as string)) to--
  return text.slice(from, to)
}

/** The bytes of a text as one Latin-1 character each, for work that counts bytes. */
export function toBinary(text: string): string {
  return isAscii(text) ? text : bytesOf(text).toString('latin1')
}

export function fromBinary(binary: string): string {
  return isAscii(binary) ? binary : stringOf(Buffer.from(binary, 'latin1'))
}

/** A text of Go runes: bytes that are not valid become U+FFFD. */
export function runesOf(text: string): string[] {
  return [...text].map((char) => (isEscapedByte(char) || !char.isWellFormed() ? '\ufffd' : char))
}

// Go maps one character to one. Where JavaScript gives several, some have a single one of their own in Unicode.
export function upper(char: string): string {
  if (char >= '\u1f80' && char <= '\u1ff3') {
    const code = char.charCodeAt(0)
    if (code <= 0x1faf) return String.fromCharCode(code | 8)
    if (code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3) return String.fromCharCode(code + 9)
  }
  const mapped = char.toUpperCase()
  return isOneRune(mapped) ? mapped : char
}

export function lower(char: string): string {
  if (char === '\u0130') return 'i'
  const mapped = char.toLowerCase()
  return isOneRune(mapped) ? mapped : char
}

/** Title case, which differs from upper case in the Latin digraphs. */
export function title(char: string): string {
  const code = char.charCodeAt(0)
  if (code >= 0x1c4 && code <= 0x1cc) return String.fromCharCode(code <= 0x1c6 ? 0x1c5 : code <= 0x1c9 ? 0x1c8 : 0x1cb)
  if (code >= 0x1f1 && code <= 0x1f3) return '\u01f2'
  // Georgian letters have capitals, but titles do not use them.
  if (code >= 0x10d0 && code <= 0x10ff) return char
  return upper(char)
}

export function upperText(text: string): string {
  return isAscii(text) ? text.toUpperCase() : mapRunes(text, upper)
}

export function lowerText(text: string): string {
  return isAscii(text) ? text.toLowerCase() : mapRunes(text, lower)
}

export function mapRunes(text: string, map: (rune: string) => string): string {
  let out = ''
  for (const rune of runesOf(text)) out += map(rune)
  return out
}

function isOneRune(text: string): boolean {
  return text.length === 1 || (text.length === 2 && text.codePointAt(0) !== text.charCodeAt(0))
}
