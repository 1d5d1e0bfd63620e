/** The text of a byte string. */
export function decodeBytes(bytes: string): string {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8')
}

/** The byte string of a text. */
export function encodeBytes(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

function isAscii(text: string): boolean {
  return !/[^\x00-\x7f]/.test(text)
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

/** What the inside of a JSON string stands for; it ends at the first mistake. */
export function unescapeString(inner: string): string {
  if (!/[\x00-\x1f\\]/.test(inner)) return inner
  let out = ''
  for (let at = 0; at < inner.length; at++) {
    const char = inner[at] as string
    if (char < ' ') return out
    if (char !== '\\') {
      out += char
      continue
    }
    const escape = inner[++at]
    if (escape === undefined) return out
    if (escape !== 'u') {
      const plain = ESCAPES[escape]
      if (plain === undefined) return out
      out += plain
      continue
    }
    if (at + 5 > inner.length) return out
    let unit = hexUnit(inner, at + 1)
    at += 4
    if (isSurrogate(unit) && inner[at + 1] === '\\' && inner[at + 2] === 'u' && at + 7 <= inner.length) {
      unit = joinSurrogates(unit, hexUnit(inner, at + 3))
      at += 6
    }
    out += encodeBytes(String.fromCodePoint(isSurrogate(unit) ? 0xfffd : unit))
  }
  return out
}

function hexUnit(text: string, at: number): number {
  const digits = text.slice(at, at + 4)
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : 0
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff
}

function joinSurrogates(high: number, low: number): number {
  const isPair = high < 0xdc00 && low >= 0xdc00 && low <= 0xdfff
  return isPair ? ((high - 0xd800) << 10) + (low - 0xdc00) + 0x10000 : 0xfffd
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '"': '\\"',
  '\\': '\\\\',
  '\ufffd': '\\ufffd',
}
const TO_ESCAPE = /[\x00-\x1f"\\<>&\u2028\u2029]/g

/** A byte string as a JSON string, with what is special in HTML escaped. */
export function quoteString(bytes: string): string {
  const text = decodeBytes(bytes)
  const escaped = text.replace(TO_ESCAPE, (char) => SHORT_ESCAPES[char] ?? unicodeEscape(char))
  return `"${encodeBytes(escaped)}"`
}

function unicodeEscape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}
