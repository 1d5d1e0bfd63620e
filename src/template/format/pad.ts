import { bytesOf, runeCount, runeOf } from '../../lib/go-string.ts'
import { type FloatVerb, formatFloat } from './float.ts'
import { canBackquote, isPrintable, quoteRune, quoteString } from './quote.ts'

/** What stands between `%` and the verb. */
export interface Flags {
  minus: boolean
  plus: boolean
  sharp: boolean
  space: boolean
  zero: boolean
  /** `%+v` */
  plusV: boolean
  /** `%#v` */
  sharpV: boolean
  width: number | undefined
  precision: number | undefined
}

export function noFlags(): Flags {
  return {
    minus: false,
    plus: false,
    sharp: false,
    space: false,
    zero: false,
    plusV: false,
    sharpV: false,
    width: undefined,
    precision: undefined,
  }
}

export function padded(text: string, flags: Flags, zero = flags.zero): string {
  const { width, minus } = flags
  if (width === undefined || width === 0) return text
  const missing = width - runeCount(text)
  if (missing <= 0) return text
  if (minus) return text + ' '.repeat(missing)
  return (zero ? '0' : ' ').repeat(missing) + text
}

export function formatText(text: string, flags: Flags): string {
  return padded(truncated(text, flags), flags)
}

export function formatQuoted(text: string, flags: Flags): string {
  const cut = truncated(text, flags)
  if (flags.sharp && canBackquote(cut)) return padded(`\`${cut}\``, flags)
  return padded(quoteString(cut, flags.plus), flags)
}

/** Bytes in hexadecimal, as `%x` and `%X` of a string. */
export function formatHexText(text: string, upper: boolean, flags: Flags): string {
  const bytes = bytesOf(text)
  const shown = bytes.subarray(0, flags.precision ?? bytes.length)
  const { width = 0 } = flags
  const mark = flags.sharp ? (upper ? '0X' : '0x') : ''
  const digits = [...shown].map((byte) => byte.toString(16).padStart(2, '0'))
  const cased = upper ? digits.map((pair) => pair.toUpperCase()) : digits
  const hex = shown.length === 0 ? '' : flags.space ? cased.map((pair) => mark + pair).join(' ') : mark + cased.join('')
  const padding = (flags.zero && !flags.minus ? '0' : ' ').repeat(Math.max(width - hex.length, 0))
  return flags.minus ? hex + padding : padding + hex
}

/** An integer in a base, signed ones with their sign in front. */
export function formatInteger(value: bigint, base: 2 | 8 | 10 | 16, verb: string, flags: Flags): string {
  const { width = 0, precision } = flags
  const isNegative = value < 0n
  if (precision === 0 && value === 0n) return ' '.repeat(width)
  const sign = isNegative ? '-' : flags.plus ? '+' : flags.space ? ' ' : ''
  let least = precision ?? 0
  if (precision === undefined && flags.zero && !flags.minus && flags.width !== undefined) {
    least = width - (sign === '' ? 0 : 1)
  }
  let digits = (isNegative ? -value : value).toString(base).padStart(least, '0')
  if (verb === 'X') digits = digits.toUpperCase()
  let prefix = ''
  if (flags.sharp) {
    if (base === 2) prefix = '0b'
    else if (base === 8 && !digits.startsWith('0')) prefix = '0'
    else if (base === 16) prefix = verb === 'X' ? '0X' : '0x'
  }
  if (verb === 'O') prefix = `0o${prefix}`
  return padded(sign + prefix + digits, flags, false)
}

/** `%c`: the character of a code point; what is none is U+FFFD. */
export function formatChar(code: bigint, flags: Flags): string {
  return padded(charOf(code), flags)
}

/** `%q` of an integer. */
export function formatQuotedChar(code: bigint, flags: Flags): string {
  return padded(quoteRune(charOf(code), flags.plus), flags)
}

/** `%U`; `code` as an unsigned number. */
export function formatUnicode(code: bigint, flags: Flags): string {
  const least = Math.max(4, flags.precision ?? 4)
  const hex = code.toString(16).toUpperCase().padStart(least, '0')
  const char = code <= 0x10ffffn ? String.fromCodePoint(Number(code)) : ''
  const shown = flags.sharp && char !== '' && isPrintable(char) ? ` '${char}'` : ''
  return padded(`U+${hex}${shown}`, flags, false)
}

/** A float with flags; `precision` where the flags have none. */
export function formatNumber(value: number, verb: FloatVerb, precision: number, flags: Flags): string {
  const places = flags.precision ?? precision
  let text = formatFloat(value, verb, places)
  let sign = '+'
  if (text.startsWith('-') || text.startsWith('+')) {
    sign = text[0] as string
    text = text.slice(1)
  }
  if (flags.space && sign === '+' && !flags.plus) sign = ' '
  if (text.startsWith('I') || text.startsWith('N')) {
    const isShown = text.startsWith('I') || flags.space || flags.plus
    return padded((isShown ? sign : '') + text, flags, false)
  }
  if (flags.sharp && verb !== 'b') text = withPoint(text, verb, places)
  if (!flags.plus && sign === '+') return padded(text, flags)
  const { width = 0 } = flags
  if (flags.zero && !flags.minus && width > text.length + 1) return sign + text.padStart(width - 1, '0')
  return padded(sign + text, flags)
}

/** The `#` flag: always a decimal point, and the zeros that `%g` would drop. */
function withPoint(text: string, verb: FloatVerb, places: number): string {
  const isGeneral = verb === 'g' || verb === 'G' || verb === 'x'
  let missing = isGeneral ? (places === -1 ? 6 : places) : 0
  const exponentAt = text.search(verb === 'x' || verb === 'X' ? /[pP]/ : /[eEpP]/)
  let number = exponentAt < 0 ? text : text.slice(0, exponentAt)
  const tail = exponentAt < 0 ? '' : text.slice(exponentAt)
  const significant = number.replace('.', '').replace(/^0+/, '')
  missing -= significant.length
  if (!number.includes('.')) {
    if (number === '0') missing--
    number += '.'
  }
  return number + '0'.repeat(Math.max(missing, 0)) + tail
}

function truncated(text: string, flags: Flags): string {
  const { precision } = flags
  if (precision === undefined || text.length <= precision) return text
  let kept = ''
  let left = precision
  for (const char of text) {
    if (left-- === 0) break
    kept += char
  }
  return kept
}

function charOf(code: bigint): string {
  if (code < 0n || code > 0x10ffffn) return '\ufffd'
  return String.fromCodePoint(runeOf(String.fromCodePoint(Number(code))))
}
