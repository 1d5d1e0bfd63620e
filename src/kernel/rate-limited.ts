import { GateError } from './errors.ts'
import type { OutboundResponse } from '../lib/outbound.ts'

const HEADERS = ['Retry-After', 'X-Ratelimit-Limit', 'X-Ratelimit-Remaining', 'X-Ratelimit-Reset', 'X-Ratelimit-Type']
const PRINTABLE = /^[\x20-\x7e]+$/

/** The error for a service that answered 429: the client gets 429 too, with what the service said about its limits. */
export function rateLimited(response: Pick<OutboundResponse, 'header'>): GateError {
  const headers = HEADERS.flatMap((name): (readonly [string, string])[] => {
    const value = response.header(name.toLowerCase())
    return value !== undefined && PRINTABLE.test(value) ? [[name, value]] : []
  })
  return new GateError('ERR_RATE_LIMITED', { headers })
}
