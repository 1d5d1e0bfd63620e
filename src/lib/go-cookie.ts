/** One cookie of a `Cookie` header. */
export interface RequestCookie {
  readonly name: string
  readonly value: string
  /** The value was written in double quotes. */
  readonly isQuoted: boolean
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const VALUE = /^[\x20\x21\x23-\x3a\x3c-\x5b\x5d-\x7e]*$/
const NOT_IN_VALUE = /[^\x20\x21\x23-\x3a\x3c-\x5b\x5d-\x7e]/g

/** Reads `Cookie` lines as Go does: what is malformed is left out, duplicates are kept in order. */
export function readCookies(lines: readonly string[]): RequestCookie[] {
  const cookies: RequestCookie[] = []
  for (const line of lines) {
    for (const part of line.split(';')) {
      const pair = part.trim()
      if (pair === '') continue
      const equals = pair.indexOf('=')
      const name = equals === -1 ? pair : pair.slice(0, equals).trimEnd()
      if (!TOKEN.test(name)) continue
      const given = equals === -1 ? '' : pair.slice(equals + 1)
      const isQuoted = given.length > 1 && given.startsWith('"') && given.endsWith('"')
      const value = isQuoted ? given.slice(1, -1) : given
      if (VALUE.test(value)) cookies.push({ name, value, isQuoted })
    }
  }
  return cookies
}

/** Writes one cookie as Go does: bytes that a cookie may not hold are dropped, a space or comma brings quotes. */
export function writeCookie(cookie: RequestCookie): string {
  const value = cookie.value.replace(NOT_IN_VALUE, '')
  const needsQuotes = (cookie.isQuoted && value !== '') || value.includes(' ') || value.includes(',')
  return `${cookie.name}=${needsQuotes ? `"${value}"` : value}`
}
