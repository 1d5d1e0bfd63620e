import { GateError } from '../kernel/errors.ts'
import type { Exchange } from '../kernel/exchange.ts'
import type { UpstreamTarget } from '../kernel/gate.ts'
import { withoutCookies } from '../lib/without-cookies.ts'
import type { OwnCookie } from './cookies.ts'

export interface UpstreamHeaderOptions {
  readonly isOwnCookie: OwnCookie
  /** In octets, names and values together. */
  readonly maxSize: number
}

/** Framing and connection are the proxy's own business, whoever set them. */
const NEVER_SENT = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'proxy-connection',
  'keep-alive',
  'upgrade',
  'expect',
  'trailer',
  'te',
])

/** Most names need no further look. */
const FRAMING_LENGTHS = new Set([...NEVER_SENT].map((name) => name.length))

/**
 * The headers for the upstream: those of the request, with the first value of each header of the pipeline in place of
 * whatever the client sent by that name.
 * @throws {GateError} ERR_REQUEST_HEADER_TOO_LARGE: an upstream would refuse it for ever (F-31)
 */
export function upstreamHeaders(
  exchange: Exchange,
  target: UpstreamTarget,
  bodyLength: number | undefined,
  trailers: boolean,
  options: UpstreamHeaderOptions,
): string[] {
  const { request } = exchange
  const ours = fromPipeline(exchange)
  const out: string[] = ['host', target.preserveHost ? request.host : target.host]
  const { flat } = request.headers
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as string
    if (isNamedIn(name, ours) || (FRAMING_LENGTHS.has(name.length) && NEVER_SENT.has(name.toLowerCase()))) continue
    add(out, name, flat[i + 1] as string, options.isOwnCookie)
  }
  for (let i = 0; i < ours.length; i += 3) add(out, ours[i + 1] as string, ours[i + 2] as string, options.isOwnCookie)
  if (bodyLength !== undefined) out.push('content-length', String(bodyLength))
  if (trailers) out.push('te', 'trailers')
  if (sizeOf(out) > options.maxSize) {
    throw new GateError('ERR_REQUEST_HEADER_TOO_LARGE', { detail: 'the headers for the upstream are too large' })
  }
  return out
}

/** Lower-case name, name and value of each header that the pipeline set, in threes. */
function fromPipeline(exchange: Exchange): string[] {
  const ours: string[] = []
  for (const [name, values] of exchange.headers) {
    const lower = name.toLowerCase()
    if (values.length > 0 && !NEVER_SENT.has(lower)) ours.push(lower, name, values[0] as string)
  }
  return ours
}

function isNamedIn(name: string, ours: readonly string[]): boolean {
  for (let i = 0; i < ours.length; i += 3) {
    const lower = ours[i] as string
    if (lower.length === name.length && (lower === name || lower === name.toLowerCase())) return true
  }
  return false
}

function add(out: string[], name: string, value: string, isOwnCookie: OwnCookie): void {
  if (name.length !== COOKIE_LENGTH || name.toLowerCase() !== 'cookie') {
    out.push(name, value)
    return
  }
  const rest = withoutCookies(value, isOwnCookie)
  if (rest !== undefined) out.push(name, rest)
}

const COOKIE_LENGTH = 'cookie'.length

function sizeOf(flat: readonly string[]): number {
  let size = 0
  for (const text of flat) size += text.length + 2
  return size
}
