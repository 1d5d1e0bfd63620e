import type { ServerResponse } from 'node:http'
import { refusalReply } from '../http/refusal.ts'
import { BodyStalledError } from '../http/request-body.ts'
import { writeReply } from '../http/write-reply.ts'
import { GateError } from '../kernel/errors.ts'

/** The upstream did what no upstream may, or the exchange was given up. */
export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure'
}

const TIMEOUTS = new Set([
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ESOCKETTIMEDOUT',
])
const DEAD = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/** Sorts what undici, a socket or the reading of the request's body reports into the catalogue. */
export function failureOf(error: Error): GateError {
  if (error instanceof GateError) return error
  if (error instanceof BodyStalledError) return new GateError('ERR_REQUEST_TIMEOUT', { cause: error })
  const timedOut = TIMEOUTS.has(codeOf(error))
  return new GateError(timedOut ? 'ERR_UPSTREAM_TIMEOUT' : 'ERR_UPSTREAM_UNAVAILABLE', {
    cause: error,
    detail: error.message,
  })
}

/** Whether the error is that of a connection which had served a request before and was closed since. */
export function isDeadSocket(error: Error): boolean {
  if (!DEAD.has(codeOf(error))) return false
  const { socket } = error as Error & { readonly socket?: { readonly bytesRead?: number } | null }
  return socket?.bytesRead === undefined || socket.bytesRead > 0
}

/** Oathkeeper's answer to a failing upstream: the status and nothing else. What the client did wrong it is told. */
export function answerFailure(response: ServerResponse, error: GateError): void {
  const { status, message, headers } = error
  if (status < 500) {
    writeReply(response, refusalReply({ status, message, close: true }), { secure: false, close: status === 408 })
    return
  }
  response.writeHead(status, [...headers.flat(), 'Content-Length', '0'])
  response.end()
}

function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? ''
}
