import { randomBytes } from 'node:crypto'

const ACCEPTABLE = /^[\w\-.~+/=:@]{1,128}$/

const prefix = randomBytes(9).toString('base64url')
let count = 0

/** The client's `X-Request-Id` where there is one that is fit for a log and an answer, else nothing. */
export function acceptableRequestId(given: string): string | undefined {
  return ACCEPTABLE.test(given) ? given : undefined
}

/** Unique, not secret: a random part of this process and a number. */
export function makeRequestId(): string {
  count++
  return `${prefix}-${count.toString(36)}`
}
