import { bytesOf, stringOf } from '../../lib/go-string.ts'
import { fn, type GoFunc } from '../values/func.ts'
import { STRING } from '../values/param.ts'

/** Base64 and base32. What does not decode gives the error's text, as in Sprig. */
export const ENCODING: Readonly<Record<string, GoFunc>> = {
  b32dec: fn([STRING], (text) => decoded(() => decodeBase32(text))),
  b32enc: fn([STRING], (text) => encodeBase32(bytesOf(text))),
  b64dec: fn([STRING], (text) => decoded(() => decodeBase64(text))),
  b64enc: fn([STRING], (text) => bytesOf(text).toString('base64')),
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

function decoded(decode: () => Uint8Array): string {
  try {
    return stringOf(decode())
  } catch (cause) {
    return (cause as Error).message
  }
}

/** @throws {Error} naming the byte at which the text is no base64 with padding */
export function decodeBase64(text: string): Uint8Array {
  const bytes = bytesOf(text).toString('latin1')
  let filled = 0
  for (let at = 0; at < bytes.length; at++) {
    const char = bytes[at] as string
    if (isLineBreak(char)) continue
    if (/[A-Za-z0-9+/]/.test(char)) {
      filled = (filled + 1) % 4
      continue
    }
    if (char !== '=' || filled < 2) throw corrupt('base64', at)
    checkPadding(bytes, at + 1, filled === 2)
    filled = 0
    break
  }
  if (filled > 0) throw corrupt('base64', bytes.length - filled)
  return Buffer.from(bytes, 'base64')
}

/** After the first padding character of a text comes at most a second one, and nothing else. */
function checkPadding(bytes: string, start: number, isTwo: boolean): void {
  let at = afterLineBreaks(bytes, start)
  if (isTwo) {
    if (at === bytes.length) throw corrupt('base64', at)
    if (bytes[at] !== '=') throw corrupt('base64', at - 1)
    at = afterLineBreaks(bytes, at + 1)
  }
  if (at < bytes.length) throw corrupt('base64', at)
}

function afterLineBreaks(bytes: string, at: number): number {
  while (at < bytes.length && isLineBreak(bytes[at] as string)) at++
  return at
}

function isLineBreak(char: string): boolean {
  return char === '\n' || char === '\r'
}

function corrupt(encoding: string, at: number): Error {
  return new Error(`illegal ${encoding} data at input byte ${at}`)
}

function decodeBase32(text: string): Uint8Array {
  const bytes = bytesOf(text.replace(/[\r\n]/g, '')).toString('latin1')
  const end = checkBase32(bytes)
  const decodedBytes: number[] = []
  let bits = 0
  let held = 0
  for (const char of bytes.slice(0, end)) {
    held = (held << 5) | ALPHABET.indexOf(char)
    bits += 5
    if (bits < 8) continue
    bits -= 8
    decodedBytes.push((held >> bits) & 0xff)
    held &= (1 << bits) - 1
  }
  return Uint8Array.from(decodedBytes)
}

/** Where the padding begins. */
function checkBase32(bytes: string): number {
  for (let at = 0; at < bytes.length; at++) {
    if (ALPHABET.includes(bytes[at] as string)) continue
    const filled = at % 8
    const left = bytes.length - at - 1
    if (bytes[at] !== '=' || filled < 2 || left >= 8) throw corrupt('base32', at)
    if (left + filled < 7) throw corrupt('base32', bytes.length)
    for (let i = 0; i < 7 - filled; i++) if (bytes[at + 1 + i] !== '=') throw corrupt('base32', at + i)
    if (filled === 3 || filled === 6) throw corrupt('base32', at)
    return at
  }
  if (bytes.length % 8 !== 0) throw corrupt('base32', bytes.length - (bytes.length % 8))
  return bytes.length
}

function encodeBase32(bytes: Uint8Array): string {
  let out = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      out += ALPHABET[(held >> bits) & 31]
      held &= (1 << bits) - 1
    }
  }
  if (bits > 0) out += ALPHABET[(held << (5 - bits)) & 31]
  return out.padEnd(Math.ceil(out.length / 8) * 8, '=')
}
