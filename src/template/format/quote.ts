import { isEscapedByte, runeOf } from '../../lib/go-string.ts'

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u
const PLAIN = /^[ !#-[\]-~]*$/
const ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
}

/** Whether Go prints the character as it is. */
export function isPrintable(char: string): boolean {
  return PRINTABLE.test(char)
}

/** A Go string literal in double quotes, all ASCII when asked. */
export function quoteString(text: string, ascii = false): string {
  if (PLAIN.test(text)) return `"${text}"`
  let out = '"'
  for (const char of text) out += quoteChar(char, '"', ascii)
  return `${out}"`
}

/** A Go character literal. */
export function quoteRune(char: string, ascii = false): string {
  return `'${quoteChar(String.fromCodePoint(runeOf(char)), "'", ascii)}'`
}

/** Whether the text can stand between back quotes: no control character but tab, no back quote, valid UTF-8. */
export function canBackquote(text: string): boolean {
  return text.isWellFormed() && !/[\x00-\x08\x0a-\x1f`\x7f\ufeff]/.test(text)
}

function quoteChar(char: string, quote: string, ascii: boolean): string {
  if (char === quote) return `\\${quote}`
  const escape = ESCAPES[char]
  if (escape !== undefined) return escape
  if (isEscapedByte(char)) return `\\x${(char.charCodeAt(0) & 0xff).toString(16)}`
  const rune = runeOf(char)
  const isPlain = rune < 0x7f ? rune >= 0x20 : !ascii && rune !== 0x7f && isPrintable(String.fromCodePoint(rune))
  if (isPlain) return String.fromCodePoint(rune)
  if (rune < 0x20 || rune === 0x7f) return `\\x${rune.toString(16).padStart(2, '0')}`
  return rune < 0x10000 ? `\\u${rune.toString(16).padStart(4, '0')}` : `\\U${rune.toString(16).padStart(8, '0')}`
}
