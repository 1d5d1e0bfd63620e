import {
  createSecureServer,
  createServer,
  type Http2Server,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerOptions,
} from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { PeerTrust } from '../http/connection.ts'
import { StallWatch, type Watched } from '../http/stall-watch.ts'
import { TLS_OPTIONS, type TlsMaterial } from '../http/tls.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import { plainAddress } from '../lib/cidr.ts'
import { type CallOptions, takeCall } from './call.ts'
import type { UnaryMethod } from './method.ts'
import type { Peer } from './peer.ts'

export interface GrpcServerOptions {
  /** Empty for all interfaces. */
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  readonly tls: TlsMaterial | undefined
  /** From the beginning of a call to the end of its message. */
  readonly readTimeoutMs: number
  /** How long an answer may take, whatever the caller allows, and how long the caller may not take it. */
  readonly writeTimeoutMs: number
  /** How long a connection is kept between calls. */
  readonly idleTimeoutMs: number
  /** In octets. */
  readonly maxMessageSize: number
  readonly trusts: PeerTrust
}

export interface GrpcServerDeps {
  readonly methods: readonly UnaryMethod[]
  readonly clock: Clock
  readonly logger: Logger
  /** Told of each connection, once. */
  readonly onConnection?: (peer: Peer) => void
}

export interface GrpcServer {
  /** Rejects when the port is taken. */
  listen(): Promise<AddressInfo>
  /** Stops accepting, lets calls finish for `graceMs`, then ends what is left. */
  close(graceMs: number): Promise<void>
}

const CLOSE_POLL_MS = 50

/** What one connection may have of us. A gateway sends all its calls over a few. */
const HTTP2_OPTIONS = {
  settings: { enablePush: false, maxConcurrentStreams: 1024, maxHeaderListSize: 16 * 1024 },
  // In MB. Above it new calls are refused, which must not happen to a gateway with many calls under way.
  maxSessionMemory: 64,
  // A gateway resets a call whose client went away: Node's own bounds (1,000 and 33 a second) would cut off all its other
  // clients for it. Beyond these the connection is ended (CVE-2023-44487).
  streamResetBurst: 10_000,
  streamResetRate: 1_000,
} satisfies ServerOptions

/** A gRPC server for unary calls without compression, over HTTP/2 with TLS, or in clear text with prior knowledge. */
export function createGrpcServer(options: GrpcServerOptions, deps: GrpcServerDeps): GrpcServer {
  const { clock } = deps
  const { readTimeoutMs, writeTimeoutMs, idleTimeoutMs, maxMessageSize } = options
  const watch = new StallWatch(clock, Math.min(readTimeoutMs, writeTimeoutMs, idleTimeoutMs))
  const calls: CallOptions = { readTimeoutMs, writeTimeoutMs, maxMessageSize, watch, logger: deps.logger }
  const methods = new Map(deps.methods.map((method) => [method.path, method]))
  const sessions = new Set<ServerHttp2Session>()
  const sockets = new Set<Socket>()
  const server = makeServer(options)

  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('session', (session) => {
    const peer = peerOf(session, options.trusts)
    const idle = new IdleWatch(session, watch, idleTimeoutMs)
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
    session.on('stream', (stream, headers) => {
      idle.begin()
      stream.once('close', () => idle.end())
      takeCall(stream, headers, peer, methods, calls)
    })
    deps.onConnection?.(peer)
  })
  // What a peer does wrong ends its connection.
  server.on('sessionError', () => {})

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        const where = options.host === '' ? {} : { host: options.host }
        server.listen({ ...where, port: options.port }, () => {
          server.off('error', reject)
          // Accepting may fail for want of descriptors; that passes (FM-35).
          server.on('error', () => {})
          resolve(server.address() as AddressInfo)
        })
      }),
    async close(graceMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const session of sessions) session.close()
      const deadline = clock.now() + graceMs
      while (sessions.size > 0 && clock.now() < deadline) {
        await new Promise<void>((resolve) => clock.schedule(CLOSE_POLL_MS, resolve))
      }
      for (const session of sessions) session.destroy()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function makeServer({ tls, readTimeoutMs }: Pick<GrpcServerOptions, 'tls' | 'readTimeoutMs'>): Http2Server {
  if (tls === undefined) return createServer(HTTP2_OPTIONS)
  const options: SecureServerOptions = { ...HTTP2_OPTIONS, ...TLS_OPTIONS, ...tls, ALPNProtocols: ['h2'] }
  return createSecureServer({ ...options, handshakeTimeout: readTimeoutMs })
}

function peerOf({ socket }: ServerHttp2Session, trusts: PeerTrust): Peer {
  const address = plainAddress(socket.remoteAddress ?? '')
  return { address, port: socket.remotePort ?? 0, trusted: trusts(address) }
}

/** Ends a connection that no call came over for a while, whatever else the peer sends to keep it. */
class IdleWatch implements Watched {
  slot = -1
  readonly #session: ServerHttp2Session
  readonly #watch: StallWatch
  readonly #idleMs: number
  #calls = 0
  #since: number

  constructor(session: ServerHttp2Session, watch: StallWatch, idleMs: number) {
    this.#session = session
    this.#watch = watch
    this.#idleMs = idleMs
    watch.add(this)
    this.#since = watch.now
    session.once('close', () => watch.delete(this))
  }

  begin(): void {
    this.#calls++
  }

  end(): void {
    this.#calls--
    this.#since = this.#watch.now
  }

  check(now: number): void {
    if (this.#calls === 0 && now - this.#since >= this.#idleMs) this.#session.close()
  }
}
