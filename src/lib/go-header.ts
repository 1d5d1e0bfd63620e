/** The usual form of a name that is canonical already. */
const CANONICAL = /^[A-Z][a-z\d]*(?:-[A-Z\d][a-z\d]*)*$/
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/**
 * Spells a header name as Go does: the first letter and every letter after `-` upper-case, the others lower-case.
 * A name with a character that is not an HTTP token character stays as it is; `_` does not begin a word.
 */
export function canonicalHeaderName(name: string): string {
  if (CANONICAL.test(name)) return name
  if (!TOKEN.test(name)) return name
  let out = ''
  let upper = true
  for (const char of name) {
    out += upper ? char.toUpperCase() : char.toLowerCase()
    upper = char === '-'
  }
  return out
}
