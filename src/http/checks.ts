import type { IncomingMessage } from 'node:http'
import type { Head } from './head.ts'
import type { Refusal } from './refusal.ts'

/** What the checks look at. */
export interface Subject {
  readonly request: IncomingMessage
  readonly head: Head
  /** Whether the peer's forwarded headers count. */
  readonly trusted: boolean
  /** `serve.proxy.max_body_size`. */
  readonly maxBodySize: number | undefined
  /**
   * Whether `OPTIONS` about the server itself, or for its last hop, is answered 200. Not on the decision API, where
   * 200 lets a request in that the client, and not the gateway, has worded.
   */
  readonly answersOptions: boolean
}

interface Check extends Refusal {
  readonly refuses: (subject: Subject) => boolean
}

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
/** A name, an IPv4 address or a bracketed IPv6 address, and perhaps a port; no userinfo, no sub-delimiters. */
const AUTHORITY = /^(?:[\w\-.]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{0,5})?$/
const ABSOLUTE_FORM = /^[a-z]+:\/\/([^/?#]*)/i

/** What node:http lets through and a proxy must not; the first row that applies answers. */
const CHECKS: readonly Check[] = [
  {
    // F-01, F-09: HTTP/0.9 has no headers at all, and HTTP/2 does not begin like this.
    refuses: ({ request }) => request.httpVersion !== '1.1' && request.httpVersion !== '1.0',
    status: 400,
    message: 'The HTTP version is not supported',
    close: true,
  },
  {
    // F-01: two hosts are two readings of one request.
    refuses: ({ head }) => head.hostCount !== 1,
    status: 400,
    message: 'The request needs exactly one Host header',
    close: true,
  },
  {
    // F-01, V-031
    refuses: ({ head }) => !isAuthority(head.host),
    status: 400,
    message: 'The Host header is not a host',
    close: true,
  },
  {
    // F-02, F-29: the authority of the target counts, and holds no user.
    refuses: ({ request }) => request.url?.charCodeAt(0) !== 0x2f && !hasValidAuthority(request.url ?? ''),
    status: 400,
    message: 'The request target is not valid',
    close: true,
  },
  {
    // F-09: an HTTP/1.0 peer does not know chunks, so the end of the body is a matter of opinion.
    refuses: ({ request, head }) => head.transferEncoding !== undefined && request.httpVersion === '1.0',
    status: 400,
    message: 'HTTP/1.0 has no Transfer-Encoding',
    close: true,
  },
  {
    // F-10, F-11
    refuses: ({ head }) => head.transferEncoding !== undefined && head.transferEncoding.toLowerCase() !== 'chunked',
    status: 501,
    message: 'The transfer coding is not supported',
    close: true,
  },
  {
    refuses: ({ head }) => head.transferEncoding !== undefined && head.contentLength !== undefined,
    status: 400,
    message: 'Content-Length and Transfer-Encoding contradict each other',
    close: true,
  },
  {
    // V-062: bytes after an upgrade request are the body for one reader and the new protocol for another.
    refuses: ({ head }) =>
      isUpgrade(head) && (head.transferEncoding !== undefined || Number(head.contentLength ?? 0) !== 0),
    status: 400,
    message: 'A request to upgrade the connection cannot have a body',
    close: true,
  },
  {
    // F-27
    refuses: ({ request }) => request.method === 'TRACE',
    status: 405,
    message: 'The method is not allowed',
    headers: [['Allow', METHODS]],
    close: true,
  },
  {
    // §2.9: node:http would show the first one to us, the upstream may take the last.
    refuses: ({ head }) => head.authorizationCount > 1,
    status: 400,
    message: 'The request has more than one Authorization header',
    close: true,
  },
  {
    // G-07, G-09
    refuses: ({ head, trusted }) => trusted && head.forwarded && repeatsForwarded(head),
    status: 400,
    message: 'A forwarded header is repeated',
    close: true,
  },
  {
    refuses: ({ head }) => head.expect !== undefined && head.expect.toLowerCase() !== '100-continue',
    status: 417,
    message: 'The expectation cannot be met',
    close: true,
  },
  {
    refuses: ({ head, maxBodySize }) => maxBodySize !== undefined && Number(head.contentLength ?? 0) > maxBodySize,
    status: 413,
    message: 'The request body is too large',
    // The client is to see the answer while it is still sending: what comes is drained within bounds.
    close: false,
  },
  {
    // F-04: the asterisk is about the server, not about a path of a rule.
    refuses: ({ request, answersOptions }) => request.url === '*' && (request.method !== 'OPTIONS' || !answersOptions),
    status: 400,
    message: 'The request target is not valid',
    close: true,
  },
  {
    // F-04, F-24: about this server, or for the last hop that the client wants to reach, and that is this one.
    refuses: ({ request, head, answersOptions }) =>
      answersOptions && request.method === 'OPTIONS' && (request.url === '*' || head.maxForwards?.trim() === '0'),
    status: 200,
    message: '',
    headers: [['Allow', METHODS]],
    close: false,
  },
]

/** The answer to a request that no front may see, or nothing. */
export function check(subject: Subject): Refusal | undefined {
  for (const row of CHECKS) if (row.refuses(subject)) return row
  return undefined
}

/** Whether a text is a host, with or without a port: what `Host` and `:authority` may hold. */
export function isAuthority(text: string): boolean {
  return AUTHORITY.test(text)
}

/** Whether node:http took the request for one to upgrade the connection. */
export function isUpgrade(head: Head): boolean {
  return head.upgrade !== undefined && head.connection !== undefined && head.connection.includes('upgrade')
}

/** Whether the text is the scheme of a URL. */
export function isScheme(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*$/.test(text)
}

function hasValidAuthority(target: string): boolean {
  if (target === '*') return true
  const authority = ABSOLUTE_FORM.exec(target)?.[1]
  return authority !== undefined && AUTHORITY.test(authority)
}

/** `X-Forwarded-For` is a list and may come in several lines; of the others there is one or it is nobody's. */
function repeatsForwarded({ headers }: Head): boolean {
  const { flat } = headers
  const seen: string[] = []
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as string
    if (!LETTER_X.test(name)) continue
    const lower = name.toLowerCase()
    if (lower === 'x-forwarded-for' || !(lower.startsWith('x-forwarded-') || lower === 'x-real-ip')) continue
    if (seen.includes(lower)) return true
    seen.push(lower)
  }
  return false
}

const LETTER_X = /^[xX]/
