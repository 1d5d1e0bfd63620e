/** A text of octets that is no message in protobuf's binary format. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError'
}

const Varint = 0
const Fixed64 = 1
const LengthDelimited = 2
const Fixed32 = 5

/**
 * Reads a message, calling `visit` with each field that has octets: texts, byte strings and messages inside. Numbers are passed
 * over, and so is whatever the caller does not know. Nothing is copied: `value` is a view.
 * @throws {ProtobufError} the octets are no message; groups, which proto3 does not have, are not taken.
 */
export function readFields(message: Buffer, visit: (field: number, value: Buffer) => void): void {
  const cursor = { at: 0 }
  while (cursor.at < message.length) {
    const tag = readVarint(message, cursor)
    const field = Math.floor(tag / 8)
    if (field === 0 || field > MAX_FIELD) throw new ProtobufError('a field has no valid number')
    switch (tag % 8) {
      case Varint:
        readVarint(message, cursor)
        break
      case Fixed64:
        advance(message, cursor, 8)
        break
      case Fixed32:
        advance(message, cursor, 4)
        break
      case LengthDelimited: {
        const length = readVarint(message, cursor)
        const start = cursor.at
        advance(message, cursor, length)
        visit(field, message.subarray(start, cursor.at))
        break
      }
      default:
        throw new ProtobufError('a field has a type that is not known')
    }
  }
}

const MAX_FIELD = 2 ** 29 - 1
const MAX_VARINT_OCTETS = 10

interface Cursor {
  at: number
}

function advance(message: Buffer, cursor: Cursor, length: number): void {
  if (length > message.length - cursor.at) throw new ProtobufError('a field is longer than its message')
  cursor.at += length
}

/** Exact up to 2^53: beyond that it is no length and no tag, and what it is does not matter. */
function readVarint(message: Buffer, cursor: Cursor): number {
  let value = 0
  let factor = 1
  for (let octets = 0; octets < MAX_VARINT_OCTETS; octets++) {
    const octet = message[cursor.at]
    if (octet === undefined) break
    cursor.at++
    value += (octet & 0x7f) * factor
    if (octet < 0x80) return value
    factor *= 0x80
  }
  throw new ProtobufError('a number does not end')
}

/** Writes a field that is a number, not negative. */
export function numberField(field: number, value: number): Buffer {
  return Buffer.from([...varint(field * 8 + Varint), ...varint(value)])
}

/** Writes a field that has octets: a text, a byte string or a message. */
export function octetsField(field: number, ...parts: readonly Buffer[]): Buffer {
  let length = 0
  for (const part of parts) length += part.length
  return Buffer.concat([Buffer.from([...varint(field * 8 + LengthDelimited), ...varint(length)]), ...parts])
}

function varint(value: number): number[] {
  const octets: number[] = []
  let rest = value
  while (rest >= 0x80) {
    octets.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  octets.push(rest)
  return octets
}
