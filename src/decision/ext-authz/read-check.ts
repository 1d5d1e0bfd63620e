import { isAuthority, isScheme } from '../../http/checks.ts'
import { clientAddress, readForwardedFor, readNode } from '../../http/forwarded.ts'
import { readHead } from '../../http/head.ts'
import { createHeaderClassifier, HeaderKind } from '../../http/header-kinds.ts'
import { tidyForwarded } from '../../http/receive.ts'
import { acceptableRequestId, makeRequestId } from '../../http/request-id.ts'
import { readForwardedUri, type TargetRules } from '../../http/target.ts'
import type { Peer } from '../../grpc/peer.ts'
import type { PeerTrust } from '../../http/connection.ts'
import { GateError } from '../../kernel/errors.ts'
import type { HeaderList } from '../../kernel/headers.ts'
import type { RequestView } from '../../kernel/request.ts'
import type { CheckedRequest } from './check-request.ts'

export interface CheckReading {
  readonly target: TargetRules
  /** Which hops in front of the gateway are proxies; nothing: what the gateway says of the client is the last word. */
  readonly proxies: PeerTrust | undefined
}

/** What a gateway asks about, or why it cannot be asked. */
export interface AskedCheck {
  readonly view: RequestView
  readonly error: GateError | undefined
}

const kindOf = createHeaderClassifier([])
const POLICY = { kindOf, keep: 'all' } as const
/** What Envoy sets itself, for every request; everything else of the kind is the client's word. */
const SET_BY_ENVOY = new Set(['x-forwarded-for', 'x-forwarded-proto'])
const GRPC = /^application\/(?:grpc(?:-web(?:-text)?)?(?:[+;\s]|$)|connect\+)/i
const CONNECT_QUERY = /(?:^|&)connect=v1(?:&|$)/
const NO_TARGET = { path: '', rawPath: '', uncleanPath: undefined, rawQuery: '', originalUri: '/' } as const

/**
 * Reads which request a gateway asks about. Method, host and path are those of the request itself; the scheme is what Envoy
 * says in `X-Forwarded-Proto`, because `:scheme` is the client's word in HTTP/2. No header of the client says anything of it.
 */
export function readCheck(checked: CheckedRequest, peer: Peer, options: CheckReading): AskedCheck {
  const head = readHead(checked.headers, POLICY, true)
  const { headers } = head
  headers.deleteWhere((name) => !SET_BY_ENVOY.has(name) && isForwarded(kindOf(name)))
  const isRepeated = head.authorizationCount > 1 || headers.count('x-forwarded-proto') > 1
  tidyForwarded(headers)
  const scheme = headers.get('x-forwarded-proto')?.toLowerCase() ?? checked.scheme
  let target: ReturnType<typeof readForwardedUri> | typeof NO_TARGET = NO_TARGET
  let error: GateError | undefined
  try {
    // CONNECT has no path.
    if (checked.path !== '') target = readForwardedUri(checked.path, options.target)
    if (!isAuthority(checked.host)) throw malformed('The host is not a host')
    if (!isScheme(scheme)) throw malformed('The scheme is not a scheme')
    if (isRepeated) throw malformed('A header is repeated that says who is asking')
  } catch (cause: unknown) {
    if (!(cause instanceof GateError)) throw cause
    error = cause
  }
  const { path, rawPath, uncleanPath, rawQuery, originalUri } = target
  const view: RequestView = {
    front: 'decision',
    method: checked.method,
    isRpc: isRpc(checked.method, headers, rawQuery),
    scheme,
    host: checked.host,
    receivedHost: checked.host,
    path,
    rawPath,
    uncleanPath,
    rawQuery,
    originalUri,
    headers,
    clientAddress: clientOf(checked, peer, headers, options.proxies),
    peerAddress: peer.address,
    peerTrusted: peer.trusted,
    requestId: (head.requestIdCount === 1 ? acceptableRequestId(head.requestId) : undefined) ?? makeRequestId(),
    readBody: (limitBytes) =>
      checked.body.length > limitBytes
        ? Promise.reject(new GateError('ERR_REQUEST_BODY_TOO_LARGE'))
        : Promise.resolve(checked.body),
  }
  return { view, error }
}

function isForwarded(kind: HeaderKind): boolean {
  return kind === HeaderKind.Forwarded || kind === HeaderKind.Rfc7239
}

/** Calls of gRPC, gRPC-Web and Connect. */
function isRpc(method: string, headers: HeaderList, rawQuery: string): boolean {
  if (method === 'GET') return CONNECT_QUERY.test(rawQuery)
  return GRPC.test(headers.get('content-type') ?? '') || headers.has('connect-protocol-version')
}

function clientOf(checked: CheckedRequest, peer: Peer, headers: HeaderList, proxies: PeerTrust | undefined): string {
  const source = readNode(checked.clientAddress)
  if (source === undefined) return peer.address
  if (proxies === undefined) return source
  return clientAddress(source, readForwardedFor(headers.getAll('x-forwarded-for')), proxies)
}

function malformed(reason: string): GateError {
  return new GateError('ERR_REQUEST_MALFORMED', { reason })
}
