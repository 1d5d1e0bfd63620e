import { type IncomingMessage, STATUS_CODES } from 'node:http'
import { withoutCookies } from '../lib/without-cookies.ts'
import { Verbatim } from './fields.ts'
import type { Log } from './log.ts'

/** The keys of `log` that are about headers and queries. */
export interface RequestLogOptions {
  readonly leakSensitiveValues: boolean
  readonly redactionText: string
  /** In lower case. */
  readonly additionalRedactedHeaders: readonly string[]
  /** Our own cookies are shown in no case. */
  readonly isOwnCookie: (name: string) => boolean
}

/** Writes one entry for each request to a listener. */
export type RequestLog = (request: IncomingMessage, status: number, tookMs: number) => void

/** Those of Oathkeeper, and what goes by other names that say so. */
const REDACTED =
  /^(?:authorization|cookie|set-cookie|x-session-token)$|auth|token|secret|password|passwd|api-?key|session|ticket|credential|signature|jwt|saml|assertion/
/** Addresses, whose queries may hold anything. */
const ADDRESSES = new Set([
  'location',
  'referer',
  'x-forwarded-uri',
  'x-original-uri',
  'x-original-url',
  'x-rewrite-url',
])
const NOT_LOGGED = /^\/health\/(?:alive|ready)(?:\?|$)/

/**
 * Creates the request log: everything that is known of a request, for `log.level: debug`. Secrets are replaced by
 * `log.redaction_text` unless `log.leak_sensitive_values` says otherwise.
 */
export function createRequestLog(log: Log, service: string, options: RequestLogOptions): RequestLog {
  const { leakSensitiveValues: leaks, redactionText, isOwnCookie } = options
  const additional = new Set(options.additionalRedactedHeaders)

  function shown(lower: string, value: string): string {
    if (lower === 'cookie' && leaks) return withoutCookies(value, isOwnCookie) ?? redactionText
    if (leaks) return value
    if (REDACTED.test(lower) || additional.has(lower)) return redactionText
    return ADDRESSES.has(lower) ? withoutQuery(value) : value
  }

  function withoutQuery(address: string): string {
    const end = address.search(/[?#]/)
    return end === -1 ? address : `${address.slice(0, end)}?${redactionText}`
  }

  function headersOf({ rawHeaders }: IncomingMessage): Record<string, string> {
    const headers: Record<string, string> = Object.create(null) as Record<string, string>
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const lower = (rawHeaders[i] as string).toLowerCase()
      const value = shown(lower, rawHeaders[i + 1] as string)
      headers[lower] = headers[lower] === undefined ? value : `${headers[lower]}, ${value}`
    }
    return headers
  }

  return (request, status, tookMs) => {
    const { url = '', method, socket } = request
    if (NOT_LOGGED.test(url)) return
    const mark = url.indexOf('?')
    const query = mark === -1 ? '' : url.slice(mark + 1)
    const asked = {
      remote: socket.remoteAddress,
      method,
      path: mark === -1 ? url : url.slice(0, mark),
      query: leaks || query === '' ? query : redactionText,
      scheme: 'encrypted' in socket ? 'https' : 'http',
      host: request.headers.host,
      headers: headersOf(request),
    }
    const answered = { status, text_status: STATUS_CODES[status], took_ms: Math.round(tookMs * 1000) / 1000 }
    log.batch(
      'debug',
      { service, http_request: new Verbatim(asked), http_response: answered },
      'completed handling request',
    )
  }
}
