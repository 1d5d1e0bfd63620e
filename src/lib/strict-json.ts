/** Nesting beyond this is nobody's claim but somebody's attack. */
const MAX_DEPTH = 32

/**
 * Parses JSON that must mean the same to every parser: refuses a repeated key, which one reader takes from the front and
 * another from the back, a key named `__proto__`, half a surrogate pair, a number that is too large for a double, and nesting
 * deeper than 32 levels before anything is built.
 * @throws {SyntaxError} that quotes nothing of the text.
 */
export function parseStrictJson(text: string): unknown {
  checkKeys(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // V8's message quotes the text, which may be a token.
    throw new SyntaxError('not JSON')
  }
  if (MAYBE_AMBIGUOUS.test(text)) checkValue(value)
  return value
}

/** An escape of half a surrogate pair, a large exponent, or very many digits. */
const MAYBE_AMBIGUOUS = /\\u[dD][89a-fA-F]|\d[eE]\+?\d{3}|\d{300}/

function checkValue(value: unknown): void {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new SyntaxError('a number is too large')
  if (typeof value === 'string' && !value.isWellFormed()) throw new SyntaxError('half a surrogate pair')
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value)) {
    checkValue(key)
    checkValue(member)
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** As `parseStrictJson`, from bytes that must be UTF-8 without a byte order mark. */
export function parseStrictJsonBytes(bytes: Uint8Array): unknown {
  let text: string
  try {
    text = UTF8.decode(bytes)
  } catch {
    throw new SyntaxError('not UTF-8')
  }
  return parseStrictJson(text)
}

export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Looks at structure only; what is no JSON at all is left to the parser. */
function checkKeys(text: string): void {
  const open: (Set<string> | undefined)[] = []
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) {
      const end = endOfString(text, i)
      if (isFollowedByColon(text, end + 1)) addKey(open.at(-1), text.slice(i, end + 1))
      i = end
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (open.length === MAX_DEPTH) throw new SyntaxError(`nested deeper than ${MAX_DEPTH} levels`)
      open.push(code === OPEN_BRACE ? new Set() : undefined)
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) open.pop()
  }
}

function addKey(keys: Set<string> | undefined, literal: string): void {
  let key: string
  try {
    key = JSON.parse(literal) as string
  } catch {
    throw new SyntaxError('not JSON')
  }
  if (key === '__proto__') throw new SyntaxError('has a key __proto__')
  if (keys === undefined) return
  if (keys.has(key)) throw new SyntaxError('has a repeated key')
  keys.add(key)
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) return i
    if (code === BACKSLASH) i++
  }
  throw new SyntaxError('not JSON')
}

function isFollowedByColon(text: string, start: number): boolean {
  for (let i = start; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === COLON) return true
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return false
  }
  return false
}

const QUOTE = 0x22
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
