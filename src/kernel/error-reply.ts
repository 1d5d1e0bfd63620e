import { escapeHtmlInJson } from '../lib/go-json.ts'
import type { GateError } from './errors.ts'
import type { Reply } from './reply.ts'

export interface ErrorReplyOptions {
  /** With the error's own message and reason, instead of one sentence per status. */
  readonly verbose: boolean
  /** For joining an answer with the log; empty leaves it out. */
  readonly requestId: string
  /** Why the session ended that the request's ticket was for. */
  readonly sessionEnd?: string | undefined
}

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** What a client is told where errors are not verbose. A status without a sentence keeps the error's message. */
const PLAIN_MESSAGES: Readonly<Record<number, string>> = {
  400: 'The request was malformed or contained invalid parameters',
  401: 'The request could not be authorized',
  403: 'The requested action was forbidden',
  404: 'The requested resource could not be found',
  409: 'The resource could not be created due to a conflict',
  415: 'The request is using an unknown content type',
  429: 'Too many requests',
  500: 'An internal server error occurred, please contact the system administrator',
}

/** Go's text of an HTTP status, empty for one that has none here. */
export function statusText(status: number): string {
  return STATUS_TEXTS[status] ?? ''
}

/** Writes an error as Oathkeeper's JSON document, members in its order and empty ones left out. */
export function errorReply(error: GateError, options: ErrorReplyOptions): Reply {
  const { verbose, requestId, sessionEnd } = options
  const message = verbose ? error.message : (PLAIN_MESSAGES[error.status] ?? error.message)
  const document = {
    code: error.status,
    status: statusText(error.status) || undefined,
    request: requestId || undefined,
    reason: (verbose && error.reason) || undefined,
    details: sessionEnd === undefined ? undefined : { session_ended: sessionEnd },
    message: message || undefined,
  }
  return {
    status: error.status,
    headers: JSON_HEADERS,
    body: `${escapeHtmlInJson(JSON.stringify({ error: document }))}\n`,
  }
}

const JSON_HEADERS = [
  ['Content-Type', 'application/json'],
  ['Cache-Control', 'no-store'],
] as const
