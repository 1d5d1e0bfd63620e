import { isIP } from 'node:net'
import { z } from 'zod'
import { BYTE_SIZE, parseByteSize } from '../../lib/byte-size.ts'
import { parseCidr } from '../../lib/cidr.ts'
import { parseDuration, SINGLE_UNIT_DURATION, SINGLE_UNIT_DURATION_WITH_DAYS } from '../../lib/duration.ts'
import { Secret } from '../../lib/secret.ts'

/** The longest that a browser keeps a cookie (RFC 6265bis §5.6.1): nothing that a session waits for can be longer. */
export const MAX_LIFETIME_MS = 400 * 86_400_000

/** A timer of Node takes 32 bits; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Characters of a method, header or cookie name (RFC 9110 §5.6.2). */
export const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

export interface DurationBounds {
  readonly min?: string
  readonly max?: string
}

/** A duration of ours, `30s` or `7d`; gives milliseconds. */
export function duration(bounds: DurationBounds = {}) {
  return durationOf(SINGLE_UNIT_DURATION_WITH_DAYS, 'must be a duration such as 500ms, 30s, 10m, 24h or 7d', bounds)
}

/** A duration as Oathkeeper's schema allows it: one integer, one unit, no days; gives milliseconds. */
export function oathkeeperDuration() {
  return durationOf(SINGLE_UNIT_DURATION, 'must be a duration such as 500ms, 5s, 2m or 1h', {})
}

function durationOf(pattern: RegExp, error: string, { min, max }: DurationBounds) {
  const minMs = min === undefined ? 0 : parseDuration(min)
  const maxMs = max === undefined ? MAX_TIMER_MS : parseDuration(max)
  return z.string(error).regex(pattern, error).transform((text, context) => {
    const ms = tryTo(() => parseDuration(text))
    if (ms === undefined || ms > maxMs) context.addIssue(`must be at most ${max ?? '24d'}`)
    else if (ms < minMs) context.addIssue(`must be at least ${min}`)
    // What is shorter than a timer can be is its shortest, never none.
    return ms === undefined ? z.NEVER : Math.ceil(ms)
  })
}

/** A size such as `16KiB`; gives bytes. */
export function byteSize() {
  const error = 'must be a size such as 65536, 16KiB or 10MB'
  return z.union([z.string(error).regex(BYTE_SIZE, error), z.int(error).min(0, error)]).transform((size, context) => {
    const bytes = typeof size === 'number' ? size : tryTo(() => parseByteSize(size))
    if (bytes !== undefined) return bytes
    context.addIssue('must be a whole number of bytes')
    return z.NEVER
  })
}

/** A text that no log, error or page ever shows. */
export function secret() {
  return z.string().meta({ writeOnly: true }).transform((text) => new Secret(text))
}

/** A path of a file; the loader makes it absolute, from the folder of the configuration file that names it. */
export function filePath() {
  return z.string().min(1, 'must be the path of a file').meta({ format: 'path' })
}

/** A network, or one address. */
export function cidr() {
  return z.string().refine((text) => tryTo(() => parseCidr(text)) !== undefined, 'must be a network such as 10.0.0.0/8, or an address')
}

/** A list whose items all differ. */
export function uniqueList<Item extends z.ZodType<string>>(item: Item) {
  return z
    .array(item)
    .refine((items) => new Set(items).size === items.length, 'must not name anything twice')
    .meta({ uniqueItems: true })
}

export function port(fallback: number) {
  const error = 'must be a port number, 0 to 65535 (0: any free port)'
  return z.int(error).min(0, error).max(65_535, error).default(fallback).describe('Port to listen on; 0 takes any free one.')
}

export function host() {
  return z.string().default('').describe('Address or host name to listen on; empty: all of them.')
}

/** `scheme://host[:port]` in its canonical form. */
export function origin() {
  return z.string().transform((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    const isOrigin = url !== undefined && /^https?:\/\/[^/?#@\\\s]+\/?$/i.test(text) && url.host !== ''
    if (isOrigin) return url.origin
    context.addIssue('must be an origin (scheme, host and port, nothing behind) such as https://app.example')
    return z.NEVER
  })
}

/** Whether a host name or address means this machine, where plain http is safe. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, '').toLowerCase()
  if (isIP(name) === 4) return name.startsWith('127.')
  return name === '::1' || name === 'localhost' || name.endsWith('.localhost')
}

/** `host:port`, IPv6 in brackets. */
export function hostAndPort() {
  return z.string().transform((text, context) => {
    const found = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/@[\]]+)):([0-9]{1,5})$/.exec(text)
    const [, ipv6, name, digits] = found ?? []
    const number = Number(digits)
    const hostname = ipv6 ?? name
    if (hostname !== undefined && number > 0 && number < 65_536 && (ipv6 === undefined || isIP(ipv6) === 6)) {
      return { host: hostname, port: number }
    }
    context.addIssue('must be host:port such as redis.example.com:6379 or [::1]:6379')
    return z.NEVER
  })
}

function tryTo<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}
