import { hash } from 'node:crypto'
import type { EndReason } from './contract.ts'

/**
 * What a ticket says of its session, for the day on which nobody else knows it any more. Anybody can make up a ticket that says
 * anything: it chooses the sentence that they are told, and nothing else.
 */
export interface SessionHint {
  /** Milliseconds since the epoch, as `expiresAt`; whole seconds are kept. */
  readonly createdAt: number
  readonly expiresAt: number
  /** `undefined`: off. */
  readonly idleTimeoutMs: number | undefined
}

/** Three numbers of four bytes: seconds, the last ones until the year 2106. */
export const HINT_BYTES = 12
const MAX_SECONDS = 0xffff_ffff

/** Writes a hint. It is masked with the secret of its ticket: who looks at a ticket sees neither a time nor what two have in common. */
export function maskHint({ createdAt, expiresAt, idleTimeoutMs = 0 }: SessionHint, secret: Uint8Array): Buffer {
  const plain = Buffer.alloc(HINT_BYTES)
  for (const [place, ms] of [createdAt, expiresAt, idleTimeoutMs].entries()) {
    plain.writeUInt32BE(Math.min(Math.ceil(ms / 1000), MAX_SECONDS), place * 4)
  }
  return masked(plain, secret)
}

/** Reads what `maskHint` wrote; under another secret it is three numbers without a meaning. */
export function unmaskHint(bytes: Uint8Array, secret: Uint8Array): SessionHint {
  const plain = masked(bytes, secret)
  const [createdAt, expiresAt, idleTimeoutMs] = [0, 4, 8].map((place) => plain.readUInt32BE(place) * 1000)
  return { createdAt: createdAt ?? 0, expiresAt: expiresAt ?? 0, idleTimeoutMs: idleTimeoutMs || undefined }
}

/** Why a session of which nobody knows is most likely over; nothing where its time does not explain it. */
export function guessEnd({ createdAt, expiresAt, idleTimeoutMs }: SessionHint, now: number): EndReason | undefined {
  if (expiresAt <= now) return 'absolute'
  return idleTimeoutMs !== undefined && createdAt + idleTimeoutMs <= now ? 'idle' : undefined
}

function masked(bytes: Uint8Array, secret: Uint8Array): Buffer {
  const mask = hash('sha256', Buffer.concat([Buffer.from('oathkeeper ticket hint\0'), secret]), 'buffer')
  return Buffer.from(bytes.map((byte, place) => byte ^ (mask[place] ?? 0)))
}
