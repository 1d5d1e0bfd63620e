/** What stands before the bytes of a session in Redis. */
export interface StoredHead {
  readonly version: number
  /** Milliseconds since the epoch: kept beside the key's own expiry, which may get lost. */
  readonly expiresAt: number
  /** Hash of the subject. */
  readonly subject: string
  /** Hash of the provider's session, when there is one. */
  readonly providerSession: string | undefined
}

/** First character of a value; scripts look for it too. */
const FORMAT = '1'
const HEX_DIGITS = 12
const HASH_LENGTH = 43
const NO_HASH = '.'.repeat(HASH_LENGTH)
const HEAD = /^1([0-9a-f]{12})([0-9a-f]{12})([\w-]{43})([\w-]{43}|\.{43})$/
const NOTE = /^([0-9a-f]{12})(.*)$/s
/** Format, version, end (12 hexadecimal digits each), hash of the subject, hash of the provider's session. */
export const HEAD_BYTES = 1 + HEX_DIGITS * 2 + HASH_LENGTH * 2

/** All of it has a fixed width, so that a script compares a part without reading it. */
export function encodeHead(head: StoredHead): string {
  return encodeVersion(head.version) + encodeTime(head.expiresAt) + head.subject + (head.providerSession ?? NO_HASH)
}

/** The whole value of a session. */
export function encodeRecord(head: StoredHead, value: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(encodeHead(head), 'latin1'), value])
}

/** The head's first characters: what compare-and-set compares. */
export function encodeVersion(version: number): string {
  return FORMAT + hex(version)
}

export function encodeTime(ms: number): string {
  return hex(Math.ceil(ms))
}

/** `undefined` when these bytes are none of ours. */
export function decodeHead(value: Buffer): StoredHead | undefined {
  const found = HEAD.exec(value.toString('latin1', 0, HEAD_BYTES))
  const [, version, expiresAt, subject, providerSession] = found ?? []
  if (version === undefined || expiresAt === undefined || subject === undefined) return undefined
  return {
    version: Number.parseInt(version, 16),
    expiresAt: Number.parseInt(expiresAt, 16),
    subject,
    providerSession: providerSession === NO_HASH ? undefined : providerSession,
  }
}

/** A note, behind its end. */
export function encodeNote(text: string, expiresAt: number): string {
  return encodeTime(expiresAt) + text
}

/** `undefined` when these bytes are none of ours. */
export function decodeNote(value: Buffer): { readonly text: string; readonly expiresAt: number } | undefined {
  const [, expiresAt, text] = NOTE.exec(value.toString()) ?? []
  return expiresAt === undefined || text === undefined ? undefined : { text, expiresAt: Number.parseInt(expiresAt, 16) }
}

function hex(value: number): string {
  return value.toString(16).padStart(HEX_DIGITS, '0')
}
