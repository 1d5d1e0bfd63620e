import { Agent, errors as undiciErrors, request } from 'undici'

export interface OutboundOptions {
  /** From the first byte sent, connecting included, to the last byte of the answer. */
  readonly timeoutMs: number
  /** A longer answer is refused. */
  readonly maxBytes: number
  /** Certificates in PEM that are trusted instead of the system's. */
  readonly ca?: string | undefined
  /** Open connections for each origin. */
  readonly connections?: number
}

export interface OutboundRequest {
  readonly method: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface OutboundResponse {
  readonly status: number
  /** Media type in lower case, without parameters; empty when there is none. */
  readonly mediaType: string
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

  /** @param what names what answered */
  constructor(what: string, status: number) {
    super(`${what} answered with status ${status}`)
    this.status = status
  }
}

/** Calls other servers within bounds: a deadline, a size, a number of connections; no redirect is followed. */
export interface Outbound {
  /** @throws {OutboundError} when there is no whole answer. Any status is an answer. */
  call(url: string, request: OutboundRequest): Promise<OutboundResponse>
  close(): Promise<void>
}

const MAX_HEADER_BYTES = 16 * 1024

/** Creates a caller with a connection pool of its own. */
export function createOutbound(options: OutboundOptions): Outbound {
  const { timeoutMs, maxBytes, ca } = options
  const agent = new Agent({
    connections: options.connections ?? 16,
    allowH2: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    connect: { timeout: timeoutMs, ...(ca !== undefined && { ca }) },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  })

  async function call(url: string, { method, headers, body }: OutboundRequest): Promise<OutboundResponse> {
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const response = await request(url, {
        dispatcher: agent,
        method,
        headers: { 'accept-encoding': 'identity', ...headers },
        body: body ?? null,
        signal,
      })
      try {
        // Nothing was asked for, so an encoded answer is a mistake, or a small one that unpacks to a very large one.
        if ((response.headers['content-encoding'] ?? 'identity') !== 'identity') {
          throw new OutboundError('encoded', `${place(url)} answered with a content encoding that was not asked for`)
        }
        const bytes = await readCapped(response.body, maxBytes, url)
        return { status: response.statusCode, mediaType: mediaTypeOf(response.headers['content-type']), body: bytes }
      } catch (cause: unknown) {
        response.body.on('error', () => {}).destroy()
        throw cause
      }
    } catch (cause: unknown) {
      throw asOutboundError(cause, url, signal)
    }
  }

  return { call, close: () => agent.destroy() }
}

async function readCapped(body: AsyncIterable<Uint8Array>, maxBytes: number, url: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxBytes) throw new OutboundError('too_large', `${place(url)} answered with more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
}

function asOutboundError(cause: unknown, url: string, signal: AbortSignal): OutboundError {
  if (cause instanceof OutboundError) return cause
  if (signal.aborted || isTimeout(cause)) {
    return new OutboundError('timeout', `${place(url)} did not answer in time`, cause)
  }
  const code = codeOf(cause)
  return new OutboundError('unreachable', `${place(url)} could not be asked${code === '' ? '' : ` (${code})`}`, cause)
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

/** Origin and path: a query may hold what nobody may read. */
function place(url: string): string {
  const end = url.search(/[?#]/)
  return end === -1 ? url : url.slice(0, end)
}

function mediaTypeOf(contentType: string | string[] | undefined): string {
  const first = Array.isArray(contentType) ? contentType[0] : contentType
  return (first ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}
