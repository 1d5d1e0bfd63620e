const UNIT_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  kib: 1024,
  mb: 1e6,
  mib: 1024 ** 2,
  gb: 1e9,
  gib: 1024 ** 3,
  tb: 1e12,
  tib: 1024 ** 4,
}

/** A number, and a unit in any case: `65536`, `16KiB`, `1.5MB`. */
export const BYTE_SIZE = /^([0-9]+(?:\.[0-9]+)?) ?(|(?:[KkMmGgTt][Ii]?)?[Bb])$/

/**
 * Reads a size to bytes: `KiB` is 1024, `KB` is 1000.
 * @throws {Error} with a sentence when the text is none, or not a whole number of bytes.
 */
export function parseByteSize(text: string): number {
  const found = BYTE_SIZE.exec(text)
  if (found === null) throw new Error('is not a size such as 65536, 16KiB or 10MB')
  const bytes = Number(found[1]) * (UNIT_BYTES[(found[2] as string).toLowerCase()] as number)
  if (!Number.isSafeInteger(bytes)) throw new Error('is not a whole number of bytes, or too large')
  return bytes
}
