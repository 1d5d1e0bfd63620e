import { createServer, IncomingMessage, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../kernel/clock.ts'
import { runInSpan, type TraceSpan } from '../lib/trace.ts'
import { Answer, type AnswerObserver } from './answer.ts'
import { connectionOf, type PeerTrust, registerConnection } from './connection.ts'
import { answerBrokenRequest } from './broken-request.ts'
import { refusalReply } from './refusal.ts'
import { TLS_OPTIONS, type TlsMaterial } from './tls.ts'
import { writeReply } from './write-reply.ts'

export interface HttpServerOptions {
  /** Empty for all interfaces. */
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  readonly tls: TlsMaterial | undefined
  /** From the connection, or the first octet of a further request, to the end of the head. */
  readonly readTimeoutMs: number
  /** How long the client may take nothing of an answer that is waiting for it. */
  readonly writeTimeoutMs: number
  /** How long a connection is kept between requests. */
  readonly idleTimeoutMs: number
  /** In octets; a longer head is answered 431. */
  readonly maxHeaderSize: number
  readonly trusts: PeerTrust
}

export interface HttpHandlers {
  request(request: IncomingMessage, response: Answer): void
  /**
   * The client asks to upgrade the connection. The handler either answers by `response`, which ends the connection, or
   * calls `takeOver` and owns the socket from then on. Without the handler upgrades are answered as plain requests.
   */
  upgrade?(request: IncomingMessage, response: Answer, takeOver: () => Upgraded): void
  /** Told of every request when it is over, for metrics and traces. An upgraded connection is over when it is taken over. */
  readonly answered?: AnswerObserver | undefined
  /** Begins the span of a request, which ends with its answer. */
  readonly trace?: ((request: IncomingMessage) => TraceSpan | undefined) | undefined
}

export interface Upgraded {
  readonly socket: Socket
  /** What the client sent right behind its request. */
  readonly head: Buffer
}

export interface HttpServer {
  /** Rejects when the port is taken. */
  listen(): Promise<AddressInfo>
  /** Stops accepting, lets exchanges finish for `graceMs`, then ends what is left. */
  close(graceMs: number): Promise<void>
  /** Whether `close` was called: answers then end their connections. */
  readonly closing: boolean
}

const KEEP_ALIVE_PROBE_MS = 30_000
const CLOSE_POLL_MS = 50
/** nginx's status of a request whose client went away, as in Oathkeeper. */
const CLIENT_GONE = 499

/** A node:http server that lets nothing through which a proxy must not see, and holds no slow client for ever. */
export function createHttpServer(options: HttpServerOptions, handlers: HttpHandlers, clock: Clock): HttpServer {
  const secure = options.tls !== undefined
  const server = makeServer(options)
  /** Every connection, also those that node:http knows nothing of: tunnels, and handshakes that are not finished. */
  const sockets = new Set<Socket>()
  let closing = false

  server.maxHeadersCount = 0
  server.timeout = options.writeTimeoutMs
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on(secure ? 'secureConnection' : 'connection', (socket: Socket) => {
    registerConnection(socket, secure, options.trusts)
  })
  // Only what is idle, or has an answer that the client does not take: silence by itself is not an offence, an event
  // stream may have nothing to say for minutes.
  server.on('timeout', endSilent)
  server.on('clientError', answerBrokenRequest)
  server.on('connect', (request: IncomingMessage, socket: Duplex) => {
    const refusal = refusalReply({ status: 405, message: 'The method is not allowed', close: true })
    writeReply(responseOn(request, socket as Socket), refusal, { secure, close: true })
  })
  server.on('request', begin)
  server.on('checkContinue', begin)
  server.on('checkExpectation', begin)
  if (handlers.upgrade !== undefined) server.on('upgrade', beginUpgrade)

  function begin(request: IncomingMessage, response: Answer): void {
    const connection = connectionOf(request.socket)
    connection.active++
    connection.latest = response
    response.on('close', countDown)
    observe(response)
    if (closing) response.shouldKeepAlive = false
    if (handlers.trace === undefined) handlers.request(request, response)
    else traced(request, response, () => handlers.request(request, response))
  }

  function observe(response: Answer): void {
    if (handlers.answered === undefined) return
    response.startedAt = performance.now()
    response.observer = handlers.answered
  }

  function traced(request: IncomingMessage, response: Answer, run: () => void): void {
    const span = handlers.trace?.(request)
    response.span = span
    if (span === undefined) run()
    else runInSpan(span, run)
  }

  function beginUpgrade(request: IncomingMessage, duplex: Duplex, head: Buffer): void {
    const socket = duplex as Socket
    const response = responseOn(request, socket)
    connectionOf(socket).active++
    observe(response)
    // node:http has let go of the socket: its answer, if it is not to be a tunnel, has the same deadline still.
    socket.setTimeout(options.writeTimeoutMs, () => endSilent(socket))
    socket.once('close', () => response.conclude(finalStatus(response)))
    const takeOver = (): Upgraded => {
      response.detachSocket(socket)
      socket.setTimeout(0)
      response.conclude(101)
      return { socket, head }
    }
    traced(request, response, () => handlers.upgrade?.(request, response, takeOver))
  }

  return {
    get closing() {
      return closing
    },
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
      closing = true
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      const deadline = clock.now() + graceMs
      while ((await connectionCount(server)) > 0 && clock.now() < deadline) {
        server.closeIdleConnections()
        await new Promise<void>((resolve) => clock.schedule(CLOSE_POLL_MS, resolve))
      }
      server.closeAllConnections()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** One function for all answers: a closure for each would be the dearest thing about a small one. */
function countDown(this: Answer): void {
  connectionOf(this.req.socket).active--
  this.conclude(finalStatus(this))
}

function finalStatus(response: Answer): number {
  return response.headersSent ? response.statusCode : CLIENT_GONE
}

function endSilent(socket: Socket): void {
  if (connectionOf(socket).active === 0 || socket.writableLength > 0) socket.destroy()
}

type AnsweringServer = Server<typeof IncomingMessage, typeof Answer>

function makeServer(options: HttpServerOptions): AnsweringServer {
  const shared = {
    IncomingMessage,
    ServerResponse: Answer,
    maxHeaderSize: options.maxHeaderSize,
    // The checks answer for themselves, with a body.
    requireHostHeader: false,
    headersTimeout: options.readTimeoutMs,
    // Not the length of a request counts but its progress: RequestBody watches it.
    requestTimeout: 0,
    // Where both deadlines are the same, as by default, one timer a connection does for both, and is never set anew.
    keepAliveTimeout: options.idleTimeoutMs === options.writeTimeoutMs ? 0 : options.idleTimeoutMs,
    keepAliveTimeoutBuffer: 0,
    connectionsCheckingInterval: Math.min(1_000, Math.max(50, Math.floor(options.readTimeoutMs / 5))),
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS,
    noDelay: true,
  }
  if (options.tls === undefined) return createServer(shared)
  const handshake = {
    ...TLS_OPTIONS,
    ALPNProtocols: [...TLS_OPTIONS.ALPNProtocols],
    handshakeTimeout: options.readTimeoutMs,
  }
  return createTlsServer({ ...shared, ...handshake, ...options.tls })
}

/** For a socket that node:http gave up: an answer on it is its last. */
function responseOn(request: IncomingMessage, socket: Socket): Answer {
  const response = new Answer(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  socket.on('error', () => {})
  // node:http no longer tells the answer that there is room again.
  socket.on('drain', () => response.emit('drain'))
  response.once('finish', () => {
    response.detachSocket(socket)
    socket.destroySoon()
  })
  return response
}

function connectionCount(server: AnsweringServer): Promise<number> {
  return new Promise((resolve) => server.getConnections((error, count) => resolve(error === null ? count : 0)))
}
