import { hash } from 'node:crypto'
import { decodeHint, HINT_LENGTH } from './hint.ts'
import type { RandomBytes } from './random.ts'

/** What a ticket opens with: the store's key and the secret that unseals the record. */
export interface Ticket {
  /** What the browser holds. */
  readonly text: string
  /** Hash of the ticket's id: the name of the record in the store. */
  readonly key: string
  readonly secret: Uint8Array
}

const VERSION_NUMBER = 1
const VERSION = `v${VERSION_NUMBER}.`
const ID_BYTES = 16
const SECRET_BYTES = 16
const BODY_LENGTH = 43
const BODY = /^[A-Za-z0-9_-]{43}$/
const TEXT_LENGTH = VERSION.length + BODY_LENGTH

/** Makes a new ticket: 128 random bits of id, 128 of secret; neither has a meaning. The hint (`hint.ts`) is bound to the id. */
export function issueTicket(random: RandomBytes, hint = ''): Ticket {
  const bytes = random(ID_BYTES + SECRET_BYTES)
  return ticketOf(VERSION + bytes.toString('base64url') + hint, bytes)
}

/**
 * Reads what a browser presents; `undefined` for anything but the one spelling in which a ticket is issued, so that no
 * store is asked about junk and no two texts open one session (the last character carries two bits that must be zero).
 */
export function parseTicket(text: string): Ticket | undefined {
  const hasHint = text.length === TEXT_LENGTH + HINT_LENGTH
  if ((text.length !== TEXT_LENGTH && !hasHint) || !text.startsWith(VERSION)) return undefined
  const body = text.slice(VERSION.length, TEXT_LENGTH)
  if (!BODY.test(body) || (hasHint && decodeHint(hintOf(text)) === undefined)) return undefined
  const bytes = Buffer.from(body, 'base64url')
  return bytes.toString('base64url') === body ? ticketOf(text, bytes) : undefined
}

/** Whether this was a ticket once, of a version that is accepted no longer. */
export function isRetiredTicket(text: string): boolean {
  const [, version, body = ''] = /^v(\d{1,3})\.(.+)$/.exec(text) ?? []
  return version !== undefined && Number(version) < VERSION_NUMBER && BODY.test(body.slice(0, BODY_LENGTH))
}

/** The id of a session that may be shown and logged: made from the store's key, so it can be told for a record that nobody can open. */
export function publicSessionId(key: string): string {
  return hash('sha256', `oathkeeper public session id\0${key}`, 'base64url').slice(0, 22)
}

/** What stands behind the ticket itself; tickets from before there were hints have none. */
export function hintOf(text: string): string {
  return text.slice(TEXT_LENGTH)
}

function ticketOf(text: string, bytes: Buffer): Ticket {
  const id = bytes.toString('base64url', 0, ID_BYTES) + hintOf(text)
  return {
    text,
    key: hash('sha256', `oathkeeper session key\0${id}`, 'base64url'),
    secret: bytes.subarray(ID_BYTES),
  }
}
