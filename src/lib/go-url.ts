import { bytesOf, stringOf } from './go-string.ts'

/**
 * Go's `net/url` where Oathkeeper's answers depend on it: which octets of a path and a query are percent-encoded, and
 * when an encoding that a client chose is kept.
 */

const HEX = '0123456789ABCDEF'

/** What Go leaves as it is in a path: `A-Za-z0-9-_.~` and `$&+,/:;=@`. */
const DEFAULT_PATH = /^[\w\-.~$&+,/:;=@]*$/
/** What Go accepts in a path that is already encoded. */
const VALID_ENCODED_PATH = /^[\w\-.~$&+,/:;=@!'()*[\]%]*$/
const PLAIN = /^[!-$&-~]*$/

/**
 * Decodes `%XX` once. The input is text as Node reads it from the wire: one character an octet.
 * Gives `undefined` for a `%` without two hexadecimal digits.
 */
export function unescapePath(raw: string): string | undefined {
  if (PLAIN.test(raw)) return raw
  const octets = unescapeOctets(raw, false)
  return octets === undefined ? undefined : stringOf(Buffer.from(octets, 'latin1'))
}

/** Go's default encoding of a decoded path. */
export function escapePath(path: string): string {
  if (DEFAULT_PATH.test(path)) return path
  let out = ''
  for (const octet of bytesOf(path)) {
    const char = String.fromCharCode(octet)
    out += DEFAULT_PATH.test(char) ? char : percent(octet)
  }
  return out
}

/**
 * Go's default encoding of an encoded path: what needs no encoding is decoded, what needs one is encoded, and the
 * digits of an encoding that stays keep their case. Cleaning the result is the same as cleaning the decoded path.
 */
export function reencodePath(raw: string): string {
  return raw.replace(/%[0-9a-fA-F]{2}|[^\w\-.~$&+,/:;=@%]/g, (found) => {
    if (found.length === 1) return percent(found.charCodeAt(0))
    const char = String.fromCharCode(Number.parseInt(found.slice(1), 16))
    return DEFAULT_PATH.test(char) ? char : found
  })
}

/** Go's `URL.EscapedPath`: `rawPath` where it is a valid encoding of `path`, else the default encoding. */
export function escapedPath(path: string, rawPath: string): string {
  if (rawPath !== '' && VALID_ENCODED_PATH.test(rawPath) && unescapePath(rawPath) === path) return rawPath
  return escapePath(path)
}

/**
 * What Go's reverse proxy does to a query: left as it is unless it holds a `;` or a `%` without two hexadecimal
 * digits; then the pairs that do not parse are dropped and the rest is encoded anew, sorted by name.
 */
export function cleanQuery(raw: string): string {
  const isClean = !raw.includes(';') && (!raw.includes('%') || !/%(?![0-9a-fA-F]{2})/.test(raw))
  return isClean ? raw : reencodeQuery(raw)
}

/** A query read and written by Go: pairs that do not parse are dropped, the rest is sorted by name. */
export function reencodeQuery(raw: string): string {
  const pairs: [name: string, value: string][] = []
  for (const piece of raw.split('&')) {
    if (piece === '' || piece.includes(';')) continue
    const equals = piece.indexOf('=')
    const name = unescapeOctets(equals === -1 ? piece : piece.slice(0, equals), true)
    const value = unescapeOctets(equals === -1 ? '' : piece.slice(equals + 1), true)
    if (name !== undefined && value !== undefined) pairs.push([name, value])
  }
  return pairs
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => `${escapeQueryOctets(name)}=${escapeQueryOctets(value)}`)
    .join('&')
}

/** Decodes a query name or value to octets; `undefined` for a `%` without two hexadecimal digits. */
export function unescapeQueryOctets(raw: string): string | undefined {
  return unescapeOctets(raw, true)
}

function unescapeOctets(raw: string, plusIsSpace: boolean): string | undefined {
  if (/%(?![0-9a-fA-F]{2})/.test(raw)) return undefined
  const spaced = plusIsSpace ? raw.replaceAll('+', ' ') : raw
  return spaced.replace(/%(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

/** Go's encoding of a query name or value, given as octets. */
export function escapeQueryOctets(octets: string): string {
  return octets.replace(/[^\w\-.~]/g, (char) => (char === ' ' ? '+' : percent(char.charCodeAt(0))))
}

function percent(octet: number): string {
  return `%${HEX[octet >> 4]}${HEX[octet & 15]}`
}
