import { GateError } from '../kernel/errors.ts'
import type { Exchange } from '../kernel/exchange.ts'
import type { HeaderList } from '../kernel/headers.ts'
import type { Reply } from '../kernel/reply.ts'
import type { RequestView } from '../kernel/request.ts'
import type { OutagePolicy, Session } from '../sessions/contract.ts'
import type { MigratedSession, SessionReader } from './deps.ts'

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
  const opened = ticket === undefined ? undefined : openOrExplain(sessions, ticket, outage)
  exchange.sessionTicket = ticket
  exchange.sessionOutage = outage
  if (opened instanceof Promise) {
    return opened.then((late) => late ?? withoutSession(sessions, exchange, ticket), throwExplained)
  }
  return opened ?? withoutSession(sessions, exchange, ticket)
}

function withoutSession(
  sessions: SessionReader,
  exchange: Exchange,
  ticket: string | undefined,
): undefined | Promise<Session | undefined> {
  exchange.hasStaleTicket = ticket !== undefined
  exchange.sessionEnd = ticket === undefined ? undefined : sessions.whyEnded(ticket)
  if (sessions.migrate === undefined || !canBeTold(exchange.request)) return undefined
  return sessions.migrate(exchange.request)?.then((moved) => admitMoved(exchange, moved), throwExplained)
}

/**
 * Whether the browser will hear of a new ticket: the old one is worth nothing from then on. Gateways keep the headers of a grant
 * to themselves, so there only a page is moved, which can be sent round; an upgraded connection has no answer of ours.
 */
function canBeTold({ front, method, headers }: RequestView): boolean {
  if (headers.has('sec-websocket-key')) return false
  if (front === 'proxy') return true
  return method === 'GET' && (headers.get('sec-fetch-mode') ?? 'navigate') === 'navigate'
}

function admitMoved(exchange: Exchange, moved: MigratedSession | undefined): Session | undefined {
  if (moved === undefined) return undefined
  exchange.hasStaleTicket = false
  exchange.sessionEnd = undefined
  const { ticket, session, setCookies } = moved
  exchange.sessionTicket = ticket
  const { front, originalUri } = exchange.request
  if (front === 'proxy') exchange.answerCookies = setCookies
  else exchange.respond = () => goOn(originalUri, setCookies)
  return session
}

/** The same page once more, with the new ticket. */
function goOn(originalUri: string, setCookies: readonly string[]): Reply {
  // As a path alone `//host/x` would lead to another host.
  const location = originalUri.startsWith('/') && !originalUri.startsWith('//') ? originalUri : '/'
  const cookies = setCookies.map((value) => ['Set-Cookie', value] as const)
  return { status: 302, headers: [['Location', location], ['Cache-Control', 'no-store'], ...cookies], body: '' }
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
