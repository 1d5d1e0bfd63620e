import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AnswerObserver } from '../http/answer.ts'
import type { Cors } from '../http/cors.ts'
import type { TlsMaterial } from '../http/tls.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Gate } from '../kernel/gate.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Reply } from '../kernel/reply.ts'
import type { RequestView } from '../kernel/request.ts'
import type { TraceSpan } from '../lib/trace.ts'
import type { OwnCookie } from './cookies.ts'
import type { ForwardingEnd } from './forwarding.ts'
import type { PublicOrigin, UpgradeOrigins } from './origin.ts'

/** `serve.proxy` and what it takes from elsewhere, compiled. */
export interface ProxyOptions {
  readonly host: string
  readonly port: number
  readonly tls: TlsMaterial | undefined
  readonly timeouts: { readonly readMs: number; readonly writeMs: number; readonly idleMs: number }
  readonly maxHeaderSize: number
  readonly maxBodySize: number | undefined
  /** `all` is Oathkeeper's `trust_forwarded_headers: true`. */
  readonly trustedProxies: 'all' | readonly string[]
  readonly strictPaths: boolean
  readonly trailingSlash: 'keep' | 'strip'
  readonly stripRequestHeaders: readonly string[]
  /** Never sent upstream. */
  readonly isOwnCookie: OwnCookie
  readonly upgradeOrigins: UpgradeOrigins
  readonly publicOrigin: PublicOrigin
  readonly upstream: {
    readonly maxConnections: number
    readonly maxWaiting: number
    readonly connectTimeoutMs: number
    readonly headersTimeoutMs: number
    readonly bodyTimeoutMs: number
    readonly keepAliveMs: number
    /** Of an answer, in octets; a longer one is 502. */
    readonly maxHeaderSize: number
  }
}

/** Routes of our own, answered before any rule is looked at. */
export interface LocalRoutes {
  handles(path: string): boolean
  handle(request: RequestView): Reply | Promise<Reply>
}

/**
 * Has `close` called when the session of the ticket is over, at once if it is already, but not before it has returned; gives a
 * function that forgets it.
 */
export type WatchSession = (ticket: string, close: () => void, outage: 'grace' | 'deny') => () => void

export interface ProxyDeps {
  readonly gate: Gate
  readonly local?: LocalRoutes
  /** Cross-origin requests by the configuration in force; nothing while they are not answered for. */
  readonly cors?: () => Cors | undefined
  readonly clock: Clock
  readonly logger: Logger
  /** Begins the span of a request. */
  readonly trace?: ((request: IncomingMessage) => TraceSpan | undefined) | undefined
  /** For connections that last: a request that a session let in is not served longer than the session lives. */
  readonly watchSession?: WatchSession | undefined
  /** Told of every request when it is over. */
  readonly answered?: AnswerObserver | undefined
  /** Hears of every exchange with an upstream when it is over; failures are logged in any case. */
  readonly onFinished?: (end: ForwardingEnd) => void
}

export interface Proxy {
  listen(): Promise<AddressInfo>
  close(graceMs: number): Promise<void>
}
