import { currentSpan, withTraceHeaders } from './trace.ts'
import { beforeSending } from './before-sending.ts'
import { type Dispatcher, errors as undiciErrors } from 'undici'
import { Dispatchers } from './dispatchers.ts'
import { type ProxyFor, readProxyEnvironment } from './proxy-environment.ts'

export interface OutboundOptions {
  /** From the first byte sent, connecting included, to the last byte of the answer. */
  readonly timeoutMs: number
  /** A longer answer is refused. */
  readonly maxBytes: number
  /** Certificates in PEM that are trusted instead of the system's. */
  readonly ca?: string | undefined
  /** Open connections for each origin. */
  readonly connections?: number
  /** Default: as the environment of this process says (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`). */
  readonly proxyFor?: ProxyFor | undefined
}

export interface OutboundRequest {
  readonly method: string
  /** By name; or name, value, name, value, … where a name comes twice or the order counts. */
  readonly headers?: Readonly<Record<string, string>> | readonly string[]
  readonly body?: string | Uint8Array
  /** Instead of the caller's own deadline. */
  readonly timeoutMs?: number
  /**
   * The call does no harm twice, so it is sent again, once, when a pooled connection turns out to be closed already.
   * Default: of GET and HEAD.
   */
  readonly isRepeatable?: boolean
  /**
   * Called in the turn in which the first byte leaves, which may be long after the call: a connection has to be had first, and a process
   * may be stopped. What it throws is thrown, and nothing was sent.
   */
  readonly beforeSend?: () => void
}

/** Where a call goes when not one character of its path may be rewritten, as a URL object would. */
export interface OutboundTarget {
  /** `http://host:port` */
  readonly origin: string
  /** Path and query as they go on the wire. */
  readonly path: string
}

export interface OutboundResponse {
  readonly status: number
  /** Media type in lower case, without parameters; empty when there is none. */
  readonly mediaType: string
  /** The first value of a header, named in lower case. One byte of it is one Latin-1 character. */
  header(name: string): string | undefined
  readonly body: Uint8Array
}

export type OutboundFailure = 'unreachable' | 'timeout' | 'too_large' | 'encoded'

/** A call that gave no answer that can be read. The message holds no header, body or query. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError'
  readonly kind: OutboundFailure

  constructor(kind: OutboundFailure, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.kind = kind
  }
}

/** A whole answer with a status that the caller has no use for. */
export class UnexpectedStatusError extends Error {
  override readonly name = 'UnexpectedStatusError'
  readonly status: number
  /** How long it wants to be left alone; nothing where it did not say. */
  readonly retryAfterMs: number | undefined

  /** @param what names what answered */
  constructor(what: string, status: number, retryAfterMs?: number) {
    super(`${what} answered with status ${status}`)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

/** Calls other servers within bounds: a deadline, a size, a number of connections; no redirect is followed. */
export interface Outbound {
  /** @throws {OutboundError} when there is no whole answer. Any status is an answer. */
  call(target: string | OutboundTarget, request: OutboundRequest): Promise<OutboundResponse>
  close(): Promise<void>
}

const MAX_HEADER_BYTES = 16 * 1024

/** Creates a caller with a connection pool of its own. */
export function createOutbound(options: OutboundOptions): Outbound {
  const { timeoutMs, maxBytes, ca } = options
  const dispatchers = new Dispatchers({
    timeoutMs,
    ca,
    connections: options.connections ?? 16,
    maxHeaderBytes: MAX_HEADER_BYTES,
    proxyFor: 'proxyFor' in options ? options.proxyFor : readProxyEnvironment(process.env),
  })

  async function call(target: string | OutboundTarget, asked: OutboundRequest): Promise<OutboundResponse> {
    const deadlineMs = asked.timeoutMs ?? timeoutMs
    const signal = AbortSignal.timeout(deadlineMs)
    const send = createGuard(asked.beforeSend)
    const goal = typeof target === 'string' ? splitUrl(target) : target
    const begin = () =>
      send.through(dispatchers.for(goal.origin)).request({
        ...goal,
        method: asked.method as Dispatcher.HttpMethod,
        headers: withIdentity(asked.headers),
        body: asked.body ?? null,
        headersTimeout: deadlineMs,
        bodyTimeout: deadlineMs,
        signal,
      })
    try {
      const isRepeatable = asked.isRepeatable ?? (asked.method === 'GET' || asked.method === 'HEAD')
      const response = await begin().catch((cause: unknown) => {
        if (isRepeatable && isClosedConnection(cause) && !signal.aborted) return begin()
        throw cause
      })
      return await read(response, maxBytes, target)
    } catch (cause: unknown) {
      if (send.refusal !== undefined) throw send.refusal.cause
      throw asOutboundError(cause, target, signal)
    }
  }

  /** The call is a span of its own where requests are traced, and carries the trace on. */
  async function tracedCall(target: string | OutboundTarget, asked: OutboundRequest): Promise<OutboundResponse> {
    const span = currentSpan()?.child(asked.method)
    if (span === undefined) return call(target, asked)
    span.set('http.request.method', asked.method)
    span.set('server.address', new URL(typeof target === 'string' ? target : target.origin).host)
    try {
      const response = await call(target, { ...asked, headers: withTraceHeaders(flatHeaders(asked.headers), span) })
      span.set('http.response.status_code', response.status)
      span.end(response.status >= 500 ? `status ${response.status}` : undefined)
      return response
    } catch (cause: unknown) {
      span.end(cause instanceof OutboundError ? cause.kind : 'failed')
      throw cause
    }
  }

  return { call: tracedCall, close: () => dispatchers.destroy() }
}

/** `refusal` tells that the request was not sent, and why. */
function createGuard(check: (() => void) | undefined) {
  const guard = {
    refusal: undefined as { readonly cause: unknown } | undefined,
    through: (pool: Dispatcher): Dispatcher => (check === undefined ? pool : pool.compose(beforeSending(checked))),
  }
  const checked = () => {
    try {
      check?.()
    } catch (cause: unknown) {
      guard.refusal = { cause }
      throw cause
    }
  }
  return guard
}

function splitUrl(url: string): OutboundTarget {
  const { origin, pathname, search } = new URL(url)
  return { origin, path: pathname + search }
}

/** An answer is read as it is, so none is asked for in an encoding. */
function withIdentity(headers: OutboundRequest['headers']): string[] {
  return ['accept-encoding', 'identity', ...flatHeaders(headers)]
}

function flatHeaders(headers: OutboundRequest['headers'] = {}): readonly string[] {
  return isFlat(headers) ? headers : Object.entries(headers).flat()
}

function isFlat(headers: NonNullable<OutboundRequest['headers']>): headers is readonly string[] {
  return Array.isArray(headers)
}

async function read(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  maxBytes: number,
  target: string | OutboundTarget,
): Promise<OutboundResponse> {
  try {
    // Nothing was asked for, so an encoded answer is a mistake, or a small one that unpacks to a very large one.
    if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
      throw new OutboundError('encoded', `${place(target)} answered with a content encoding that was not asked for`)
    }
    const bytes = await readCapped(body, maxBytes, target)
    const header = (name: string) => first(headers[name])
    return { status: statusCode, mediaType: mediaTypeOf(headers['content-type']), header, body: bytes }
  } catch (cause: unknown) {
    body.on('error', () => {}).destroy()
    throw cause
  }
}

async function readCapped(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  target: string | OutboundTarget,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxBytes)
      throw new OutboundError('too_large', `${place(target)} answered with more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
}

function asOutboundError(cause: unknown, target: string | OutboundTarget, signal: AbortSignal): OutboundError {
  if (cause instanceof OutboundError) return cause
  if (signal.aborted || isTimeout(cause)) {
    return new OutboundError('timeout', `${place(target)} did not answer in time`, cause)
  }
  const code = codeOf(cause)
  return new OutboundError(
    'unreachable',
    `${place(target)} could not be asked${code === '' ? '' : ` (${code})`}`,
    cause,
  )
}

function isTimeout(cause: unknown): boolean {
  return (
    cause instanceof undiciErrors.ConnectTimeoutError ||
    cause instanceof undiciErrors.HeadersTimeoutError ||
    cause instanceof undiciErrors.BodyTimeoutError
  )
}

function codeOf(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return ''
  return typeof cause.code === 'string' ? cause.code : ''
}

/** A kept connection that its other end had closed before it read the request. */
function isClosedConnection(cause: unknown): boolean {
  return cause instanceof undiciErrors.SocketError || ['ECONNRESET', 'EPIPE'].includes(codeOf(cause))
}

/** Origin and path: a query may hold what nobody may read. */
function place(target: string | OutboundTarget): string {
  const url = typeof target === 'string' ? target : target.origin + target.path
  const end = url.search(/[?#]/)
  return end === -1 ? url : url.slice(0, end)
}

function mediaTypeOf(contentType: string | string[] | undefined): string {
  return (first(contentType) ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
