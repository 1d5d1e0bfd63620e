const PLAIN = /^[\t\x20-\x7e]*$/
const ASCII = /^[\x00-\x7f]*$/
const UNSAFE = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]/g
/** A lone surrogate that stands for a byte which is not part of UTF-8. */
const BYTE = /(?<![\ud800-\udbff])[\udc80-\udcff]/g
const BYTE_BASE = 0xdc00

/**
 * Gives a text the form in which a header carries it: UTF-8, each byte as one Latin-1 character, which is what Node puts
 * on the wire. Control characters and line separators become spaces, so that no text can end a header and begin another.
 */
export function toHeaderValue(text: string): string {
  if (PLAIN.test(text)) return text
  const safe = text.replace(UNSAFE, ' ').trim()
  if (ASCII.test(safe)) return safe
  if (safe.isWellFormed()) return latin1(safe)
  let wire = ''
  let from = 0
  for (const found of safe.matchAll(BYTE)) {
    wire += latin1(safe.slice(from, found.index)) + String.fromCharCode(found[0].charCodeAt(0) - BYTE_BASE)
    from = found.index + 1
  }
  return wire + latin1(safe.slice(from))
}

function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
