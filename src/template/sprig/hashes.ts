import { createHash } from 'node:crypto'
import { bytesOf } from '../../lib/go-string.ts'
import { fn, type GoFunc } from '../values/func.ts'
import { STRING } from '../values/param.ts'

/** Checksums of a text's bytes. */
export const HASHES: Readonly<Record<string, GoFunc>> = {
  adler32sum: fn([STRING], (text) => String(adler32(bytesOf(text)))),
  sha1sum: fn([STRING], (text) => digest('sha1', text)),
  sha256sum: fn([STRING], (text) => digest('sha256', text)),
  sha512sum: fn([STRING], (text) => digest('sha512', text)),
}

function digest(algorithm: string, text: string): string {
  return createHash(algorithm).update(bytesOf(text)).digest('hex')
}

function adler32(bytes: Uint8Array): number {
  let low = 1
  let high = 0
  for (const byte of bytes) {
    low = (low + byte) % 65_521
    high = (high + low) % 65_521
  }
  return high * 65_536 + low
}
