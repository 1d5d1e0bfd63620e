import { END_REASONS, type EndReason, type SessionEnd } from '../contract.ts'
import { encodeTime } from './stored-value.ts'

/** `x` (no record begins so), when it is over, why the session ended. */
const END = /^x([0-9a-f]{12})([a-z_]{1,32})$/

/** What stands under the key of a session that has ended. */
export function encodeEnd({ reason, until }: SessionEnd): string {
  return `x${encodeTime(until)}${reason}`
}

/** `undefined` when these bytes are none of ours. */
export function decodeEnd(value: Buffer): SessionEnd | undefined {
  const [, until, reason] = (value.length < 64 && END.exec(value.toString('latin1'))) || []
  if (until === undefined || !isEndReason(reason)) return undefined
  return { reason, until: Number.parseInt(until, 16) }
}

function isEndReason(text: string | undefined): text is EndReason {
  return (END_REASONS as readonly (string | undefined)[]).includes(text)
}
