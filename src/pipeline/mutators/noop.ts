import { canonicalHeaderName } from '../../lib/go-header.ts'
import { defineMutator } from '../define.ts'
import type { SessionReader } from '../deps.ts'

/** Belong to the connection or the message of the request, so they mean nothing, or harm, on another message. */
const NOT_ECHOED = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

interface Deps {
  readonly sessions: SessionReader | undefined
}

/**
 * Leaves the request as it is. On the decision API that means what it means in Oathkeeper: the answer carries the
 * request's own headers, without our session cookie.
 */
export const noop = defineMutator({
  type: 'noop',
  schema: undefined,
  compile: (_config, { sessions }: Deps) => ({
    ownedHeaders: [],
    run: (exchange) => {
      exchange.mirrorsHeaders = true
      if (exchange.request.front === 'proxy') return
      const earlier = exchange.headers
      exchange.headers = new Map()
      for (const [wireName, wireValue] of exchange.request.headers) {
        const lower = wireName.toLowerCase()
        if (NOT_ECHOED.has(lower)) continue
        const value =
          lower === 'cookie'
            ? (sessions?.withoutOwnCookies(wireValue) ?? (sessions ? undefined : wireValue))
            : wireValue
        if (value === undefined) continue
        const name = canonicalHeaderName(wireName)
        const values = exchange.headers.get(name)
        if (values === undefined) exchange.headers.set(name, [value])
        else values.push(value)
      }
      for (const [name, values] of earlier) exchange.headers.set(name, values)
    },
  }),
})
