import type { ServerResponse } from 'node:http'
import type { Reply } from '../kernel/reply.ts'

/** For every answer that is ours (H-01): no page of ours runs, embeds or leaks anything unless it says so itself. */
const SECURITY_HEADERS = [
  ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"],
  ['Referrer-Policy', 'no-referrer'],
  ['Cache-Control', 'no-store'],
] as const
const HSTS = ['Strict-Transport-Security', 'max-age=31536000'] as const

export interface WriteOptions {
  /** Whether the client came over TLS. */
  readonly secure: boolean
  /** Ends the connection with the answer. */
  readonly close?: boolean
}

/**
 * Writes an answer of ours. The body of the request, where nobody read it, is left to whoever watches the exchange:
 * it is drained within bounds or the connection is closed (F-16).
 */
export function writeReply(response: ServerResponse, reply: Reply, options: WriteOptions): void {
  const flat = replyHeaders(reply, options.secure)
  const body = Buffer.from(reply.body, 'utf8')
  if (hasLength(reply.status)) flat.push('Content-Length', String(body.length))
  if (options.close === true) response.shouldKeepAlive = false
  response.writeHead(reply.status, flat)
  response.end(body)
}

/**
 * The headers of an answer of ours, name, value, name, value, …: its own, and those that every answer has.
 * @param secure whether the client came over TLS
 */
export function replyHeaders(reply: Reply, secure: boolean): string[] {
  const flat: string[] = []
  const present = new Set<string>()
  for (const [name, value] of reply.headers) {
    flat.push(name, value)
    present.add(name.toLowerCase())
  }
  for (const [name, value] of SECURITY_HEADERS) if (!present.has(name.toLowerCase())) flat.push(name, value)
  if (secure && !present.has('strict-transport-security')) flat.push(...HSTS)
  const isPage = reply.status < 300 || reply.status >= 400
  if (isPage && !present.has('x-content-type-options') && isHtml(reply)) flat.push('X-Content-Type-Options', 'nosniff')
  return flat
}

function isHtml(reply: Reply): boolean {
  return reply.headers.some(([name, value]) => name.toLowerCase() === 'content-type' && value.startsWith('text/html'))
}

function hasLength(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 304
}
