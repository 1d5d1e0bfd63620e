/**
 * UTF-8 as a string of bytes, one character each. The globs of Oathkeeper count in bytes, with results that differ from
 * counting characters, so that is what the matchers work on. ASCII stays as it is.
 */
export type Bytes = string

export function toBytes(text: string): Bytes {
  return NON_ASCII.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text
}

/** How many bytes the character at `at` has: 1 for a byte that begins none, 0 at the end. */
export function widthAt(bytes: Bytes, at: number): number {
  if (at >= bytes.length) return 0
  const first = bytes.charCodeAt(at)
  if (first < 0x80) return 1
  const width = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  if (first < 0xc2 || first > 0xf4 || at + width > bytes.length) return 1
  for (let i = 1; i < width; i++) if ((bytes.charCodeAt(at + i) & 0xc0) !== 0x80) return 1
  return width
}

/** The code point at `at`, U+FFFD where there is none. */
export function runeAt(bytes: Bytes, at: number): number {
  const width = widthAt(bytes, at)
  const first = bytes.charCodeAt(at)
  if (width === 1 && first < 0x80) return first
  if (width < 2) return REPLACEMENT
  let rune = first & (0x7f >> width)
  for (let i = 1; i < width; i++) rune = (rune << 6) | (bytes.charCodeAt(at + i) & 0x3f)
  return rune
}

/** How many bytes a code point takes: three for U+FFFD, also where it stands for one broken byte. */
export function encodedLength(rune: number): number {
  if (rune < 0x80) return 1
  if (rune < 0x800) return 2
  return rune < 0x10000 ? 3 : 4
}

/** Where the characters begin, and at last where the text ends; all of it moved by `offset`. */
export function boundaries(bytes: Bytes, offset = 0): number[] {
  const places: number[] = []
  for (let at = 0; at < bytes.length; at += widthAt(bytes, at)) places.push(offset + at)
  places.push(offset + bytes.length)
  return places
}

export function countRunes(bytes: Bytes): number {
  let count = 0
  for (let at = 0; at < bytes.length; at += widthAt(bytes, at)) count++
  return count
}

export function runesOf(bytes: Bytes): number[] {
  const runes: number[] = []
  for (let at = 0; at < bytes.length; at += widthAt(bytes, at)) runes.push(runeAt(bytes, at))
  return runes
}

const NON_ASCII = /[^\x00-\x7f]/
const REPLACEMENT = 0xfffd
