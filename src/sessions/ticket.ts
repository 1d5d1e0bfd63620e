import { hash } from 'node:crypto'
import { HINT_BYTES, maskHint, type SessionHint, unmaskHint } from './hint.ts'
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
const HINT_AT = ID_BYTES + SECRET_BYTES
/** 32 bytes, and those of a hint: tickets from before there were hints have none. */
const BODY = /^(?:[A-Za-z0-9_-]{43}|[A-Za-z0-9_-]{59})$/
const MAX_TEXT = VERSION.length + 59

/** Makes a new ticket: 128 random bits of id, 128 of secret; neither has a meaning. The hint is bound to the id. */
export function issueTicket(random: RandomBytes, hint?: SessionHint): Ticket {
  const pair = random(HINT_AT)
  const bytes = hint === undefined ? pair : Buffer.concat([pair, maskHint(hint, pair.subarray(ID_BYTES))])
  return ticketOf(VERSION + bytes.toString('base64url'), bytes)
}

/**
 * Reads what a browser presents; `undefined` for anything but the one spelling in which a ticket is issued, so that no
 * store is asked about junk and no two texts open one session (the last character carries two bits that must be zero).
 */
export function parseTicket(text: string): Ticket | undefined {
  if (text.length > MAX_TEXT || !text.startsWith(VERSION)) return undefined
  const body = text.slice(VERSION.length)
  if (!BODY.test(body)) return undefined
  const bytes = Buffer.from(body, 'base64url')
  return bytes.toString('base64url') === body ? ticketOf(text, bytes) : undefined
}

/** Whether this was a ticket once, of a version that is accepted no longer. */
export function isRetiredTicket(text: string): boolean {
  const [, version, body = ''] = /^v(\d{1,3})\.(.+)$/.exec(text) ?? []
  return version !== undefined && Number(version) < VERSION_NUMBER && BODY.test(body)
}

/** The id of a session that may be shown and logged: made from the store's key, so it can be told for a record that nobody can open. */
export function publicSessionId(key: string): string {
  return hash('sha256', `oathkeeper public session id\0${key}`, 'base64url').slice(0, 22)
}

/** What the ticket says of its session; nothing where it is from before there were hints. */
export function hintOf({ text, secret }: Ticket): SessionHint | undefined {
  const bytes = Buffer.from(text.slice(VERSION.length), 'base64url').subarray(HINT_AT)
  return bytes.length === HINT_BYTES ? unmaskHint(bytes, secret) : undefined
}

function ticketOf(text: string, bytes: Buffer): Ticket {
  const id = bytes.toString('base64url', 0, ID_BYTES) + bytes.toString('base64url', HINT_AT)
  return {
    text,
    key: hash('sha256', `oathkeeper session key\0${id}`, 'base64url'),
    secret: bytes.subarray(ID_BYTES, HINT_AT),
  }
}
