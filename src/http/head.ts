import { HeaderList } from '../kernel/headers.ts'
import { type HeaderClassifier, HeaderKind } from './header-kinds.ts'

export interface HeadPolicy {
  readonly kindOf: HeaderClassifier
  /**
   * `end-to-end`: without hop-by-hop headers, those that `Connection` names, and forwarded headers of a peer that is
   * not trusted (the proxy). `all`: everything but `Host`, other spellings of what means something here, and forwarded
   * headers of a peer that is not trusted (the decision API, which is itself the end).
   */
  readonly keep: 'end-to-end' | 'all'
}

/** The head of a request as one pass over its lines finds it. */
export interface Head {
  /** What goes on to the pipeline. */
  readonly headers: HeaderList
  hostCount: number
  host: string
  contentLength: string | undefined
  transferEncoding: string | undefined
  authorizationCount: number
  /** Options of `Connection`, lower-case; `undefined` without the header. */
  connection: string[] | undefined
  /** Protocols of `Upgrade`. */
  upgrade: string | undefined
  /** Whether `TE` holds `trailers`. */
  trailers: boolean
  expect: string | undefined
  maxForwards: string | undefined
  requestIdCount: number
  requestId: string
  /** Lines of `Forwarded`. */
  rfc7239: string[]
  /** Whether there is any `X-Forwarded-…` or similar header in `headers`. */
  forwarded: boolean
}

/** @param trusted whether the peer's forwarded headers count */
export function readHead(rawHeaders: readonly string[], policy: HeadPolicy, trusted: boolean): Head {
  const flat: string[] = []
  const head: Head = {
    headers: new HeaderList(flat),
    hostCount: 0,
    host: '',
    contentLength: undefined,
    transferEncoding: undefined,
    authorizationCount: 0,
    connection: undefined,
    upgrade: undefined,
    trailers: false,
    expect: undefined,
    maxForwards: undefined,
    requestIdCount: 0,
    requestId: '',
    rfc7239: NONE,
    forwarded: false,
  }
  const all = policy.keep === 'all'
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    const value = rawHeaders[i + 1] as string
    const kind = policy.kindOf(name)
    const kept = kind === HeaderKind.EndToEnd || note(head, kind, value, trusted)
    if (kept || (all && staysAtTheEnd(kind, trusted))) flat.push(name, value)
  }
  if (!all && head.connection !== undefined) dropNamed(head.headers, head.connection)
  return head
}

const NONE: string[] = []

/** Whether the decision API keeps a header that the proxy would not forward. */
function staysAtTheEnd(kind: HeaderKind, trusted: boolean): boolean {
  if (kind === HeaderKind.Host || kind === HeaderKind.Stripped) return false
  return trusted || (kind !== HeaderKind.Forwarded && kind !== HeaderKind.Rfc7239)
}

/** Notes what the header says; gives whether it is forwarded. */
function note(head: Head, kind: HeaderKind, value: string, trusted: boolean): boolean {
  switch (kind) {
    case HeaderKind.Host:
      head.hostCount++
      head.host = value
      return false
    case HeaderKind.ContentLength:
      head.contentLength = value
      return true
    case HeaderKind.TransferEncoding:
      head.transferEncoding = joined(head.transferEncoding, value)
      return false
    case HeaderKind.Authorization:
      head.authorizationCount++
      return true
    case HeaderKind.Connection:
      head.connection ??= []
      for (const option of value.split(',')) head.connection.push(option.trim().toLowerCase())
      return false
    case HeaderKind.Upgrade:
      head.upgrade = joined(head.upgrade, value)
      return false
    case HeaderKind.Te:
      head.trailers ||= /(?:^|,)\s*trailers\s*(?:,|$)/i.test(value)
      return false
    case HeaderKind.Expect:
      head.expect = joined(head.expect, value)
      return false
    case HeaderKind.RequestId:
      head.requestIdCount++
      head.requestId = value
      return true
    case HeaderKind.MaxForwards:
      head.maxForwards = joined(head.maxForwards, value)
      return true
    case HeaderKind.Forwarded:
      head.forwarded = true
      return trusted
    case HeaderKind.Rfc7239:
      head.rfc7239 = [...head.rfc7239, value]
      return false
    default:
      return false
  }
}

function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`
}

/** What frames the message, or is handled by itself, is not the client's to remove. */
const NEVER_NAMED = new Set(['', 'close', 'keep-alive', 'upgrade', 'te', 'content-length', 'host', 'transfer-encoding'])

/**
 * Removes the headers that `Connection` names (RFC 9110 §7.6.1). This comes before the pipeline, so that what mutators
 * set afterwards cannot be removed by naming it (V-005, V-044).
 */
function dropNamed(headers: HeaderList, options: readonly string[]): void {
  const named = options.filter((option) => !NEVER_NAMED.has(option))
  if (named.length > 0) headers.deleteWhere((name) => named.includes(name))
}
