import { parseBoundedJson } from './bounded-json.ts'

const MAYBE_LONE_SURROGATE = /\\u[dD][89a-fA-F]/
const MAYBE_INFINITE = /\d[eE]\+?\d{3}|\d{300}/

/**
 * Decodes JSON of another service as Go does: a number that a double cannot hold is a mistake, half a surrogate pair
 * becomes U+FFFD. Nesting is bounded, and a key `__proto__` dropped.
 * @throws {SyntaxError} that quotes nothing of the text.
 */
export function decodeJson(text: string): unknown {
  let value: unknown
  try {
    value = parseBoundedJson(text)
  } catch {
    // V8's message quotes the text, which may hold a token.
    throw new SyntaxError('not JSON, or nested too deep')
  }
  return MAYBE_LONE_SURROGATE.test(text) || MAYBE_INFINITE.test(text) ? clean(value) : value
}

/** As `decodeJson`, from bytes: what is not UTF-8 becomes U+FFFD, a byte order mark is a mistake. */
export function decodeJsonBytes(bytes: Uint8Array): unknown {
  return decodeJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed()
  if (typeof value === 'number' && !Number.isFinite(value)) throw new SyntaxError('a number is too large')
  if (Array.isArray(value)) return value.map(clean)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key.toWellFormed(), clean(member)]))
}
