import { GateError } from '../../../kernel/errors.ts'
import type { Exchange } from '../../../kernel/exchange.ts'
import { HeaderList } from '../../../kernel/headers.ts'
import { decodeJsonBytes } from '../../../lib/decode-json.ts'
import { reencodeQuery } from '../../../lib/go-url.ts'
import { type Outbound, OutboundError, type OutboundResponse } from '../../../lib/outbound.ts'
import { callWithRetries, type RetryPolicy } from '../../../lib/retry.ts'
import { CONNECTION_HEADERS } from '../../connection-headers.ts'
import type { SessionReader } from '../../deps.ts'
import type { ServiceUrl } from '../../service-url.ts'
import { type HydratedSession, readSession } from './read-session.ts'
import { writeSession } from './write-session.ts'

export interface HydratorService {
  readonly url: ServiceUrl
  /** The value of `Authorization` that stands for `api.auth`. */
  readonly authorization: string | undefined
  readonly retry: RetryPolicy
}

/** What a hydrator is asked about one request. */
export interface HydratorQuestion {
  readonly subject: string
  readonly query: string
  readonly headers: readonly string[]
  readonly body: string
}

/** What it answered. */
export interface HydratorAnswer {
  readonly session: HydratedSession
  /** In octets. */
  readonly size: number
}

/** Makes the question: the session with everything that the client sent, but for the cookie of our own session. */
export function hydratorQuestion(
  exchange: Exchange,
  { authorization, url }: HydratorService,
  sessions: SessionReader | undefined,
): HydratorQuestion {
  const { request, mirrorsHeaders, clientHeaders } = exchange
  const sent = withoutOwnCookies(mirrorsHeaders ? request.headers : (clientHeaders ?? request.headers), sessions)
  return {
    subject: exchange.subject,
    query: reencodeQuery(request.rawQuery),
    headers: questionHeaders(sent, authorization, url.authorization),
    body: writeSession(exchange, sent),
  }
}

function withoutOwnCookies(headers: HeaderList, sessions: SessionReader | undefined): HeaderList {
  if (sessions === undefined || !headers.has('cookie')) return headers
  const pairs = [...headers].flatMap(([name, value]): [string, string][] => {
    if (name.toLowerCase() !== 'cookie') return [[name, value]]
    const rest = sessions.withoutOwnCookies(value)
    return rest === undefined ? [] : [[name, rest]]
  })
  return HeaderList.from(pairs)
}

function questionHeaders(sent: HeaderList, authorization: string | undefined, ofUrl: string | undefined): string[] {
  const named = new Set(sent.getAll('connection').flatMap((line) => line.toLowerCase().split(/[\s,]+/)))
  const flat: string[] = []
  let hasAuthorization = authorization !== undefined
  for (const [name, value] of sent) {
    const lower = name.toLowerCase()
    if (lower === 'content-type' || lower === 'accept-encoding') continue
    if (CONNECTION_HEADERS.has(lower) || named.has(lower)) continue
    if (lower === 'authorization') {
      if (authorization !== undefined) continue
      hasAuthorization ||= value !== ''
    }
    flat.push(name, value)
  }
  if (authorization !== undefined) flat.push('authorization', authorization)
  else if (!hasAuthorization && ofUrl !== undefined) flat.push('authorization', ofUrl)
  flat.push('content-type', 'application/json')
  return flat
}

/**
 * Asks and reads the answer.
 * @throws {GateError} ERR_HYDRATOR_FAILED for everything but 200 with a session of the same subject.
 */
export async function askHydrator(
  outbound: Pick<Outbound, 'call'>,
  { url, retry, authorization }: HydratorService,
  { subject, query, headers, body }: HydratorQuestion,
): Promise<HydratorAnswer> {
  const target = { origin: url.origin, path: query === '' ? url.path : `${url.path}?${query}` }
  const response = await callWithRetries(outbound, target, { method: 'POST', headers, body }, retry).catch(
    (cause: unknown) => {
      if (!(cause instanceof OutboundError)) throw cause
      throw new GateError('ERR_HYDRATOR_FAILED', { cause, detail: cause.message })
    },
  )
  checkStatus(response, authorization !== undefined)
  const session = readAnswer(response.body)
  if (session.subject !== subject) throw invalidAnswer('it is about another subject')
  return { session, size: response.body.length }
}

function readAnswer(body: Uint8Array): HydratedSession {
  try {
    return readSession(decodeJsonBytes(body))
  } catch (cause: unknown) {
    throw invalidAnswer(cause instanceof Error ? cause.message : String(cause))
  }
}

function invalidAnswer(why: string): GateError {
  return new GateError('ERR_HYDRATOR_FAILED', {
    message: 'The call to an external API returned an invalid JSON object',
    detail: `the hydrator’s answer cannot be used: ${why}`,
  })
}

function checkStatus({ status }: OutboundResponse, hasCredentials: boolean): void {
  if (status === 200) return
  const detail = `the hydrator answered with status ${status}`
  if (status !== 401) {
    const message = 'The call to an external API returned a non-200 HTTP response'
    throw new GateError('ERR_HYDRATOR_FAILED', { message, detail })
  }
  const what = hasCredentials ? 'Invalid credentials were' : 'No credentials were'
  throw new GateError('ERR_HYDRATOR_FAILED', { message: `${what} provided in mutator configuration`, detail })
}
