const PLAIN = /^[\t\x20-\x7e]*$/
const ASCII = /^[\x00-\x7f]*$/
const UNSAFE = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]/g

/**
 * Gives a text the form in which a header carries it: UTF-8, each byte as one Latin-1 character, which is what Node puts
 * on the wire. Control characters and line separators become spaces, so that no text can end a header and begin another.
 */
export function toHeaderValue(text: string): string {
  if (PLAIN.test(text)) return text
  const safe = text.replace(UNSAFE, ' ').trim()
  return ASCII.test(safe) ? safe : Buffer.from(safe, 'utf8').toString('latin1')
}

/** Reads a header's value as text: the bytes as UTF-8, U+FFFD for what is none. */
export function fromHeaderValue(wire: string): string {
  return ASCII.test(wire) ? wire : Buffer.from(wire, 'latin1').toString('utf8')
}
