import { z } from 'zod'
import {
  MAX_DURATION_MS,
  parseDuration,
  SINGLE_UNIT_DURATION,
  SINGLE_UNIT_DURATION_WITH_DAYS,
} from '../lib/duration.ts'
import type { RetryPolicy } from '../lib/retry.ts'

const ABSOLUTE_URI = /^[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x1f\x7f]*$/
const AUTHORITY = /^[^:]+:\/\/([^/?#]*)/
const HOST_AND_PORT = /^(?:\[[^\]]*\]|(?:(?!%[0-7])[^\s"\\^`{|}:[\]])*)(?::\d*)?$/
const BROKEN_ESCAPE = /^[^?#]*%(?![0-9A-Fa-f]{2})/

/** A timer of Node takes 32 bits; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1
/** Stands for `0s`, which in Oathkeeper is no limit at all. */
const UNLIMITED_MS = 60_000
const RETRIES = 4

/** An absolute URI as Oathkeeper's schema takes one: any scheme, and nothing that Go could not parse. */
export function uri(): z.ZodString {
  return z.string().refine(isUri, 'must be a URL with its scheme, such as https://host/path').meta({ format: 'uri' })
}

function isUri(text: string): boolean {
  if (!ABSOLUTE_URI.test(text) || BROKEN_ESCAPE.test(text)) return false
  const authority = AUTHORITY.exec(text)?.[1] ?? ''
  return HOST_AND_PORT.test(authority.slice(authority.lastIndexOf('@') + 1))
}

/** A duration as Oathkeeper's schema takes one, one integer and one unit; gives milliseconds, with a fraction. */
export function duration() {
  const error = 'must be a duration such as 500ms, 30s, 15m or 1h'
  return z
    .string(error)
    .regex(SINGLE_UNIT_DURATION, error)
    .transform((text, context): number => {
      try {
        return parseDuration(text)
      } catch {
        context.addIssue(`must be shorter than ${Math.floor(MAX_DURATION_MS / 3_600_000)}h`)
        return z.NEVER
      }
    })
}

/** The longest that a session lives, as long as a browser keeps a cookie (RFC 6265bis §5.6.1). */
const MAX_SESSION_MS = 400 * 86_400_000

/** A part of a session's life, which may be days; gives milliseconds. */
export function sessionDuration() {
  const error = 'must be a duration such as 30s, 10m, 24h or 7d'
  return z
    .string(error)
    .regex(SINGLE_UNIT_DURATION_WITH_DAYS, error)
    .transform((text, context): number => {
      const ms = Number.parseInt(text, 10) > 1e15 ? Number.POSITIVE_INFINITY : parseDuration(text)
      if (ms < 1000) context.addIssue('must be at least 1s')
      else if (ms > MAX_SESSION_MS) context.addIssue('must be at most 400d')
      return ms
    })
}

/**
 * `retry` of a handler that asks a remote service. The keys mean what Oathkeeper's documentation says; its code takes one
 * for the other, and waits for hours.
 */
export function retry() {
  return retryFields().prefault({}).transform(toPolicy)
}

/** The same of a handler that tries once while nothing is said, as Oathkeeper's own does in any case. */
export function optionalRetry() {
  return retryFields().transform(toPolicy).optional().describe('Default: one attempt of at most 10s.')
}

function retryFields() {
  return z.strictObject({
    give_up_after: duration().prefault('1s').describe('How long all attempts together may take. `0s`: a minute.'),
    max_delay: duration().prefault('100ms').describe('The longest wait between two attempts.'),
  })
}

function toPolicy(wire: { readonly give_up_after: number; readonly max_delay: number }): RetryPolicy {
  const { give_up_after: giveUpAfterMs, max_delay: maxDelayMs } = wire
  return {
    retries: RETRIES,
    giveUpAfterMs: giveUpAfterMs === 0 ? UNLIMITED_MS : Math.min(Math.ceil(giveUpAfterMs), MAX_TIMER_MS),
    maxDelayMs,
  }
}
