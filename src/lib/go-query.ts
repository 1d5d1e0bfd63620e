import { bytesOf } from './go-string.ts'
import { escapeQueryOctets } from './go-url.ts'

const KEPT_BY_ENCODE_URI_COMPONENT = /[!*'()]/g

/**
 * Encodes a query name or value as Go does: letters, digits and `-_.~` stay, a space becomes `+`. Bytes that are no UTF-8, as
 * `stringOf` keeps them, are encoded as they are.
 */
export function escapeQuery(text: string): string {
  if (!text.isWellFormed()) return escapeQueryOctets(bytesOf(text).toString('latin1'))
  return encodeURIComponent(text)
    .replace(KEPT_BY_ENCODE_URI_COMPONENT, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
}

/** Reads a query as Go does: pieces that hold `;` or a bad escape are dropped, all values of a name are kept in order. */
export function readQuery(query: string): Map<string, string[]> {
  const out = new Map<string, string[]>()
  for (const piece of query.split('&')) {
    if (piece === '' || piece.includes(';')) continue
    const equals = piece.indexOf('=')
    const name = unescapeQuery(equals === -1 ? piece : piece.slice(0, equals))
    const value = equals === -1 ? '' : unescapeQuery(piece.slice(equals + 1))
    if (name === undefined || value === undefined) continue
    const values = out.get(name)
    if (values === undefined) out.set(name, [value])
    else values.push(value)
  }
  return out
}

/** Writes a query as Go does: names sorted by their bytes, values of one name in order. */
export function encodeQuery(query: ReadonlyMap<string, readonly string[]>): string {
  return [...query]
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .flatMap(([name, values]) => values.map((value) => `${escapeQuery(name)}=${escapeQuery(value)}`))
    .join('&')
}

function unescapeQuery(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
