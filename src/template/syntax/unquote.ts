import { rejoin } from '../../lib/go-string.ts'

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
}
const HEX_LENGTH: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 }

/** The text of a Go string literal in double or back quotes; `undefined` when it is malformed. */
export function unquote(literal: string): string | undefined {
  const quote = literal[0]
  if (literal.length < 2 || literal.at(-1) !== quote) return undefined
  const body = literal.slice(1, -1)
  if (quote === '`') return body.replaceAll('\r', '')
  if (!body.includes('\\')) return body
  let out = ''
  for (let i = 0; i < body.length;) {
    const char = unquoteChar(body, i, '"')
    if (char === undefined) return undefined
    out += char.text
    i = char.end
  }
  return rejoin(out)
}

/** The code point of a character constant; a sentence when it is malformed. */
export function unquoteRune(literal: string): number | string {
  if (literal[1] === "'") return 'invalid syntax'
  const char = unquoteChar(literal, 1, "'")
  if (char === undefined) return 'invalid syntax'
  if (literal.slice(char.end) !== "'") return `malformed character constant: ${literal}`
  return char.rune
}

function unquoteChar(text: string, at: number, quote: string): { text: string; rune: number; end: number } | undefined {
  if (text[at] !== '\\') {
    const rune = text.codePointAt(at) as number
    const plain = String.fromCodePoint(rune)
    return { text: plain, rune, end: at + plain.length }
  }
  const letter = text[at + 1]
  if (letter === undefined) return undefined
  const simple = letter === quote ? quote : SIMPLE[letter]
  if (simple !== undefined) return { text: simple, rune: simple.charCodeAt(0), end: at + 2 }
  const length = HEX_LENGTH[letter]
  if (length !== undefined) {
    const digits = text.slice(at + 2, at + 2 + length)
    if (digits.length !== length || !/^[0-9a-fA-F]+$/.test(digits)) return undefined
    const rune = Number.parseInt(digits, 16)
    if (letter === 'x') return { text: byteText(rune), rune, end: at + 4 }
    if (rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff)) return undefined
    return { text: String.fromCodePoint(rune), rune, end: at + 2 + length }
  }
  const octal = /^[0-7]{3}/.exec(text.slice(at + 1))?.[0]
  if (octal === undefined) return undefined
  const rune = Number.parseInt(octal, 8)
  return rune > 255 ? undefined : { text: byteText(rune), rune, end: at + 4 }
}

function byteText(byte: number): string {
  return String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte)
}
