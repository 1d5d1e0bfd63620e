import { bytesOf, isAscii, stringOf } from './go-string.ts'

const PLAIN = /^[\t\x20-\x7e]*$/
const UNSAFE = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]/g

/**
 * Gives a text the form in which a header carries it: UTF-8, each byte as one Latin-1 character, which is what Node puts
 * on the wire. Control characters and line separators become spaces, so that no text can end a header and begin another.
 */
export function toHeaderValue(text: string): string {
  if (PLAIN.test(text)) return text
  const safe = text.replace(UNSAFE, ' ').trim()
  return isAscii(safe) ? safe : bytesOf(safe).toString('latin1')
}

/** The text of a header's value, whose bytes the wire form holds as Latin-1 characters. */
export function fromHeaderValue(value: string): string {
  return isAscii(value) ? value : stringOf(Buffer.from(value, 'latin1'))
}
