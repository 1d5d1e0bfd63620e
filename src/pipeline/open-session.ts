import { GateError } from '../kernel/errors.ts'
import type { Exchange } from '../kernel/exchange.ts'
import type { HeaderList } from '../kernel/headers.ts'
import type { OutagePolicy, Session } from '../sessions/contract.ts'
import type { SessionReader } from './deps.ts'

const RETRY_AFTER_SECONDS = '1'

/**
 * Opens the session whose ticket the request brings; nothing when there is none. A store that cannot be asked ends the request
 * with 503, because not knowing is not the same as knowing that there is none; unless `outage` lets in who is known here.
 */
export function openSession(
  sessions: SessionReader,
  exchange: Exchange,
  outage: OutagePolicy,
): Session | undefined | Promise<Session | undefined> {
  const cookies = cookieHeader(exchange.request.headers)
  if (cookies === undefined) return undefined
  const ticket = sessions.readTicket(cookies)
  if (ticket === undefined) return undefined
  const opened = openOrExplain(sessions, ticket, outage)
  return opened instanceof Promise
    ? opened.then((late) => noted(exchange, late), throwExplained)
    : noted(exchange, opened)
}

function noted(exchange: Exchange, opened: Session | undefined): Session | undefined {
  if (opened === undefined) exchange.hasStaleTicket = true
  return opened
}

/** All `Cookie` lines as one (RFC 9113 §8.2.3 lets them be split). */
function cookieHeader(headers: HeaderList): string | undefined {
  return headers.count('cookie') > 1 ? headers.getAll('cookie').join('; ') : headers.get('cookie')
}

function openOrExplain(
  sessions: SessionReader,
  ticket: string,
  outage: OutagePolicy,
): ReturnType<SessionReader['open']> {
  try {
    return sessions.open(ticket, outage)
  } catch (cause: unknown) {
    return throwExplained(cause)
  }
}

/** Not knowing whether there is a session must not look like there being none: it is 503, and the client may come again. */
function throwExplained(cause: unknown): never {
  if (cause instanceof GateError && (cause.code !== 'ERR_SESSION_STORE_UNAVAILABLE' || cause.headers.length > 0)) {
    throw cause
  }
  throw new GateError('ERR_SESSION_STORE_UNAVAILABLE', {
    cause,
    detail: cause instanceof Error ? cause.message : String(cause),
    headers: [['Retry-After', RETRY_AFTER_SECONDS]],
  })
}
