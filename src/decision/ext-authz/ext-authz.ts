import type { UnaryMethod } from '../../grpc/method.ts'
import type { Peer } from '../../grpc/peer.ts'
import { GrpcCode } from '../../grpc/status.ts'
import { compileTrust } from '../../http/forwarded.ts'
import { type Refusal, refusalReply } from '../../http/refusal.ts'
import type { TargetRules } from '../../http/target.ts'
import { replyHeaders } from '../../http/write-reply.ts'
import { toGateError } from '../../kernel/errors.ts'
import { Exchange } from '../../kernel/exchange.ts'
import type { Decision, Gate } from '../../kernel/gate.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { Reply } from '../../kernel/reply.ts'
import { ProtobufError } from '../../lib/protobuf.ts'
import { type CheckedRequest, readCheckRequest } from './check-request.ts'
import { writeDenial, writeGrant } from './check-response.ts'
import { grantOf } from './grant.ts'
import { readCheck } from './read-check.ts'

export interface ExtAuthzOptions {
  /** `serve.grpc.trusted_proxies`: who may ask, and which hops in front of the gateway are proxies. */
  readonly trustedProxies: 'all' | readonly string[]
  /** `access_rules.trailing_slash`. */
  readonly trailingSlash: TargetRules['trailingSlash']
  /** Which cookies are the product's own and no application's business. */
  readonly isOwnCookie: (name: string) => boolean
}

export interface ExtAuthzDeps {
  readonly gate: Gate
  readonly logger: Logger
}

export const EXT_AUTHZ_SERVICE = 'envoy.service.auth.v3.Authorization'

const TOO_LARGE: Refusal = { status: 413, message: 'The request is too large to be decided', close: false }
const UNREADABLE: Refusal = { status: 400, message: 'The request could not be read', close: false }
const NOT_TRUSTED: Refusal = { status: 403, message: 'The gateway may not ask', close: false }

/**
 * Envoy's external authorization by gRPC: the decision API in Envoy's own protocol. Whatever goes wrong is a denial and
 * not a failed check, because gateways can be told to let requests through whose check failed.
 */
export function createExtAuthz(options: ExtAuthzOptions, { gate, logger }: ExtAuthzDeps): UnaryMethod {
  const { trustedProxies, trailingSlash, isOwnCookie } = options
  const proxies = trustedProxies === 'all' ? undefined : compileTrust(trustedProxies)
  const reading = { target: { trailingSlash, strictPaths: false }, proxies }

  function answer(decision: Decision, before: readonly string[]): Buffer | Promise<Buffer> {
    const { reply, exchange } = decision
    // Also where an authenticator answers in place of the upstream: the gateway is to send that answer, and nothing on.
    if (reply !== undefined) return deny(reply, decision.granted ? undefined : decision.error, exchange.request.scheme)
    try {
      return writeGrant(grantOf(exchange, before, isOwnCookie))
    } catch (cause: unknown) {
      return refuseLate(exchange, cause)
    }
  }

  /** For a header that no gateway could send on, from a handler that did not put it in wire form. */
  async function refuseLate(exchange: Exchange, cause: unknown): Promise<Buffer> {
    const decision = await gate.refuse(exchange, toGateError(cause))
    if (decision.granted) throw cause
    return deny(decision.reply, decision.error, exchange.request.scheme)
  }

  function read(message: Buffer): CheckedRequest | undefined {
    try {
      return readCheckRequest(message)
    } catch (cause: unknown) {
      if (!(cause instanceof ProtobufError)) throw cause
      logger.warn({ error: cause.message }, 'a gateway asked with a message that cannot be read')
      return undefined
    }
  }

  return {
    path: `/${EXT_AUTHZ_SERVICE}/Check`,
    answer(message, peer: Peer) {
      if (!peer.trusted) return refuse(NOT_TRUSTED)
      const checked = read(message)
      if (checked === undefined) return refuse(UNREADABLE)
      const { view, error } = readCheck(checked, peer, reading)
      const before = [...view.headers.flat]
      const decision = error === undefined ? gate.decide(view) : gate.refuse(new Exchange(view, '', []), error)
      return decision instanceof Promise ? decision.then((late) => answer(late, before)) : answer(decision, before)
    },
    answerTooLarge: ({ trusted, address }) => {
      logger.warn({ peer: address }, 'a gateway asked with a message above serve.grpc.max_message_size')
      return refuse(trusted ? TOO_LARGE : NOT_TRUSTED)
    },
  }
}

/** A request that no rule was asked about. */
function refuse(refusal: Refusal): Buffer {
  return deny(refusalReply(refusal), refusal, 'http')
}

function deny(reply: Reply, error: { readonly status: number } | undefined, scheme: string): Buffer {
  const flat = replyHeaders(reply, scheme === 'https')
  const headers: [string, string][] = []
  for (let i = 0; i < flat.length; i += 2) headers.push([(flat[i] as string).toLowerCase(), flat[i + 1] as string])
  return writeDenial({ code: codeOf(error?.status ?? reply.status), status: reply.status, headers, body: reply.body })
}

const CODES: Readonly<Record<number, GrpcCode>> = {
  400: GrpcCode.InvalidArgument,
  401: GrpcCode.Unauthenticated,
  403: GrpcCode.PermissionDenied,
  404: GrpcCode.NotFound,
  408: GrpcCode.DeadlineExceeded,
  413: GrpcCode.ResourceExhausted,
  429: GrpcCode.ResourceExhausted,
  503: GrpcCode.Unavailable,
  504: GrpcCode.DeadlineExceeded,
}

/** What the error is in gRPC's words; that its handler may answer with a redirect makes it no other error. */
function codeOf(status: number): GrpcCode {
  return CODES[status] ?? (status >= 500 ? GrpcCode.Internal : GrpcCode.PermissionDenied)
}
