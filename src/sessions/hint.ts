import type { EndReason } from './contract.ts'

/**
 * What a ticket says of its session in the open, for the day on which nobody else knows it any more. Anybody can make up a ticket that says
 * anything: it chooses the sentence that they are told, and nothing else.
 */
export interface SessionHint {
  /** Milliseconds since the epoch, as `expiresAt`. */
  readonly createdAt: number
  readonly expiresAt: number
  /** `undefined`: off. */
  readonly idleTimeoutMs: number | undefined
}

const HINT = /^-([0-9a-z]{7})([0-9a-z]{7})([0-9a-z]{5})$/
export const HINT_LENGTH = 20

/** What stands at the end of a ticket: whole seconds in base 36, of fixed width. */
export function encodeHint({ createdAt, expiresAt, idleTimeoutMs = 0 }: SessionHint): string {
  return `-${inSeconds(createdAt, 7)}${inSeconds(expiresAt, 7)}${inSeconds(idleTimeoutMs, 5)}`
}

/** Reads it; `undefined` when it is none. */
export function decodeHint(text: string): SessionHint | undefined {
  const [, created, expires, idle] = HINT.exec(text) ?? []
  if (created === undefined || expires === undefined || idle === undefined) return undefined
  const idleTimeoutMs = msOf(idle)
  return {
    createdAt: msOf(created),
    expiresAt: msOf(expires),
    idleTimeoutMs: idleTimeoutMs === 0 ? undefined : idleTimeoutMs,
  }
}

/** Why a session of which nobody knows is most likely over; nothing where its time does not explain it. */
export function guessEnd({ createdAt, expiresAt, idleTimeoutMs }: SessionHint, now: number): EndReason | undefined {
  if (expiresAt <= now) return 'absolute'
  return idleTimeoutMs !== undefined && createdAt + idleTimeoutMs <= now ? 'idle' : undefined
}

function msOf(seconds: string): number {
  return Number.parseInt(seconds, 36) * 1000
}

function inSeconds(ms: number, width: number): string {
  return Math.min(Math.ceil(ms / 1000), 36 ** width - 1)
    .toString(36)
    .padStart(width, '0')
}
