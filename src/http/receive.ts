import type { IncomingMessage, ServerResponse } from 'node:http'
import { GateError } from '../kernel/errors.ts'
import type { HeaderList } from '../kernel/headers.ts'
import { check } from './checks.ts'
import { type Connection, connectionOf, type PeerTrust } from './connection.ts'
import { clientAddress, forwardedChain, readForwardedFor, readNode } from './forwarded.ts'
import { type Head, type HeadPolicy, readHead } from './head.ts'
import type { Refusal } from './refusal.ts'
import { type BodyLimits, RequestBody } from './request-body.ts'
import { acceptableRequestId } from './request-id.ts'
import type { StallWatch } from './stall-watch.ts'

export interface ReceiveOptions {
  readonly policy: HeadPolicy
  /** Whose forwarded headers count; also says which hops of a chain are proxies. */
  readonly trusts: PeerTrust
  readonly body: BodyLimits
}

/** A request that passed the checks of the listener. */
export interface Received {
  readonly head: Head
  readonly connection: Connection
  /** Address of the client: the peer, or what trusted proxies say it is. */
  readonly clientAddress: string
  /** The client's own id for the request, when it is fit for use. */
  readonly requestId: string | undefined
  readonly body: RequestBody | undefined
}

/** Reads and checks the head of a request; gives the refusal when it must not go on. */
export function receive(
  request: IncomingMessage,
  response: ServerResponse,
  options: ReceiveOptions,
  watch: StallWatch,
): Received | Refusal {
  const connection = connectionOf(request.socket)
  const { trusted } = connection
  const head = readHead(request.rawHeaders, options.policy, trusted)
  const answersOptions = options.policy.keep === 'end-to-end'
  const refusal = check({ request, head, trusted, maxBodySize: options.body.maxBytes, answersOptions })
  if (refusal !== undefined) return refusal
  return {
    head,
    connection,
    clientAddress: findClient(head, connection, options.trusts),
    requestId: head.requestIdCount === 1 ? acceptableRequestId(head.requestId) : undefined,
    body: bodyOf(request, response, head, options.body, watch),
  }
}

export function isRefusal(result: Received | Refusal): result is Refusal {
  return 'status' in result
}

/** Turns an error of the catalogue into the answer of the listener. */
export function refusalOf(error: unknown): Refusal {
  const known = error instanceof GateError ? error : new GateError('ERR_INTERNAL', { cause: error })
  return { status: known.status, message: known.reason ?? known.message, close: known.status !== 404 }
}

function findClient(head: Head, connection: Connection, trusts: PeerTrust): string {
  if (!connection.trusted || (!head.forwarded && head.rfc7239.length === 0)) return connection.peerAddress
  const chain = forwardedChain(head.headers.getAll('x-forwarded-for'), head.rfc7239)
  return clientAddress(connection.peerAddress, chain, trusts)
}

function bodyOf(
  request: IncomingMessage,
  response: ServerResponse,
  head: Head,
  limits: BodyLimits,
  watch: StallWatch,
): RequestBody | undefined {
  const chunked = head.transferEncoding !== undefined
  const length = chunked ? undefined : Number(head.contentLength ?? 0)
  if (length === 0) return undefined
  return new RequestBody(request, response, length, head.expect !== undefined, limits, watch)
}

/**
 * Leaves of the headers that a trusted proxy set only what an upstream can rely on: addresses that are addresses (V-032),
 * a scheme that is one; one line each (G-09).
 */
export function tidyForwarded(headers: HeaderList): void {
  const lines = headers.getAll('x-forwarded-for')
  if (lines.length > 0) {
    const chain = readForwardedFor(lines)
    const firstGood = chain.findLastIndex((entry) => readNode(entry) === undefined) + 1
    headers.delete('x-forwarded-for')
    if (firstGood < chain.length) headers.append('X-Forwarded-For', chain.slice(firstGood).join(', '))
  }
  const realIp = headers.get('x-real-ip')
  if (realIp !== undefined && readNode(realIp) === undefined) headers.delete('x-real-ip')
  const proto = headers.get('x-forwarded-proto')
  if (proto !== undefined && !/^https?$/i.test(proto)) headers.delete('x-forwarded-proto')
}
