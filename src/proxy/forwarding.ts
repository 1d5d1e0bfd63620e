import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Exchange } from '../kernel/exchange.ts'
import { GateError } from '../kernel/errors.ts'
import { BodyAbortedError, type RequestBody } from '../http/request-body.ts'
import type { StallWatch, Watched } from '../http/stall-watch.ts'
import type { WatchSession } from './contract.ts'
import { answerFailure, failureOf, isDeadSocket, UpstreamFailure } from './failure.ts'
import { relayEarlyHints } from './early-hints.ts'
import { responseHeaders, responseTrailers } from './response-headers.ts'
import type { Upstream } from './upstreams.ts'

export interface ForwardingLimits {
  /** From the request's last octet to the head of the answer. */
  readonly headersTimeoutMs: number
  /** Silence in the middle of an answer; event streams may be silent for ever. */
  readonly bodyTimeoutMs: number
}

/** What is sent to the upstream. */
export interface Outgoing {
  readonly method: string
  readonly path: string
  readonly headers: string[]
  readonly body: RequestBody | undefined
  /** Protocol to upgrade to. */
  readonly upgrade?: string
}

/** What all exchanges with one upstream share. */
export interface ForwardingContext {
  readonly upstream: Upstream
  readonly limits: ForwardingLimits
  readonly watch: StallWatch
  readonly watchSession: WatchSession | undefined
  readonly onEnd: (end: ForwardingEnd) => void
}

/** How a request ended, for whoever keeps the log. */
export interface ForwardingEnd {
  readonly exchange: Exchange
  /** Of the answer; 499 when the client went away before there was one. */
  readonly status: number
  readonly error: GateError | undefined
}

const MAX_INFORMATIONAL = 16
/** A body up to this size, in octets, comes with its head; waiting for it costs nobody anything. */
const SMALL_BODY = 16_384
/** An answer, or a body on its way to the upstream, that takes longer has its session watched, as an event stream has from its beginning. */
const LONG_MS = 250
const RETRIED_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/** One request on its way to the upstream and its answer on the way back. Both directions wait for the slower side. */
export class Forwarding implements Dispatcher.DispatchHandler, Watched {
  slot = -1
  readonly exchange: Exchange
  protected readonly response: ServerResponse
  protected readonly outgoing: Outgoing
  readonly #context: ForwardingContext
  #controller: Dispatcher.DispatchController | undefined
  #error: GateError | undefined
  #ended = false
  #heard = false
  #retried = false
  #started = false
  #silenceAllowed = false
  #waitingForClient = false
  #listensForDrain = false
  #informational = 0
  #uploaded = 0
  #progressAt: number
  #startedAt = 0
  #forgetSession: (() => void) | undefined
  #expected = -1
  #headSent = false
  #whole: string | undefined

  constructor(exchange: Exchange, response: ServerResponse, outgoing: Outgoing, context: ForwardingContext) {
    this.exchange = exchange
    this.response = response
    this.outgoing = outgoing
    this.#context = context
    this.#progressAt = context.watch.now
  }

  begin(): void {
    const { upstream, watch } = this.#context
    upstream.active++
    watch.add(this)
    this.#startedAt = this.#progressAt = watch.now
    upstream.usedAt = watch.now
    this.response.on('close', this.#onClose)
    this.#dispatch()
  }

  #dispatch(): void {
    const { method, path, headers, body, upgrade } = this.outgoing
    const { pool, servername } = this.#context.upstream
    const options = {
      method: method as Dispatcher.HttpMethod,
      path,
      headers,
      body: (body?.outgoing ?? null) as Readable | Uint8Array | null,
      upgrade: upgrade ?? null,
      servername,
    }
    pool.dispatch(options, this)
  }

  // ---- from undici ----

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#ended) controller.abort(new UpstreamFailure('The exchange has ended'))
  }

  onResponseStarted(): void {
    this.#heard = true
  }

  onRequestUpgrade(): void {
    this.fail(new UpstreamFailure('The upstream upgraded a connection that was not asked to be'))
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (this.#ended) return
    const raw = controller.rawHeaders as Buffer[]
    if (status < 200) {
      this.#inform(status, raw)
      return
    }
    this.#started = true
    this.#startedAt = this.#progressAt = this.#context.watch.now
    const { flat, isEventStream, contentLength } = responseHeaders(raw)
    this.#silenceAllowed = isEventStream
    if (isEventStream) this.#watchSession()
    this.#expected = contentLength
    this.response.writeHead(status, flat)
    if (contentLength < 0 || contentLength > SMALL_BODY) process.nextTick(flushHead, this)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#ended) return
    this.#progressAt = this.#context.watch.now
    if (chunk.length === this.#expected && chunk.length <= SMALL_BODY) {
      // The whole body at once, as most are: it goes out with the head, in one piece, when undici says that this was all.
      this.#whole = chunk.toString('latin1')
      return
    }
    this.#headSent = true
    if (this.response.write(chunk)) return
    this.#waitingForClient = true
    controller.pause()
    if (this.#listensForDrain) return
    this.#listensForDrain = true
    this.response.on('drain', this.#onDrain)
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#ended) return
    const raw = controller.rawTrailers as Buffer[] | null
    if (raw !== null && raw.length > 0) this.response.addTrailers(responseTrailers(raw))
    this.#stop()
    if (this.#whole === undefined) this.response.end()
    else this.response.end(this.#whole, 'latin1')
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#ended) return
    if (this.#mayRetry(error)) {
      this.#retried = true
      this.#controller = undefined
      this.#dispatch()
      return
    }
    this.fail(error)
  }

  /** A head whose body is still to come is not kept waiting for it. */
  flushHead(): void {
    if (this.#ended || this.#headSent || this.response.destroyed) return
    this.#headSent = true
    this.response.flushHeaders()
  }

  // ---- from the client and the watch ----

  check(now: number): void {
    const { body } = this.outgoing
    if (body !== undefined && body.received !== this.#uploaded) {
      this.#uploaded = body.received
      this.#progressAt = now
      if (now - this.#startedAt >= LONG_MS) this.#watchSession()
    }
    if (this.#started && now - this.#startedAt >= LONG_MS) this.#watchSession()
    if (this.#waitingForClient || this.#silenceAllowed) return
    const allowed = this.#started ? this.#context.limits.bodyTimeoutMs : this.#context.limits.headersTimeoutMs
    if (now - this.#progressAt >= allowed) this.fail(new GateError('ERR_UPSTREAM_TIMEOUT'))
  }

  readonly #onDrain = (): void => {
    this.#waitingForClient = false
    this.#progressAt = this.#context.watch.now
    this.#controller?.resume()
  }

  #watchSession(): void {
    this.#forgetSession ??= this.watchSession(() => this.#closeWithSession())
  }

  /** Of a request that a session let in; nothing of any other. */
  protected watchSession(close: () => void): (() => void) | undefined {
    const { sessionId, sessionTicket, sessionOutage } = this.exchange
    if (sessionId === undefined || sessionTicket === undefined) return undefined
    return this.#context.watchSession?.(sessionTicket, close, sessionOutage)
  }

  readonly #onClose = (): void => {
    this.#forgetSession?.()
    const finished = this.response.writableFinished
    if (!this.#ended) {
      this.#stop()
      this.#controller?.abort(new UpstreamFailure('The client went away'))
    }
    const status = finished || this.response.headersSent ? this.response.statusCode : 499
    this.report(status)
  }

  protected report(status: number): void {
    this.#context.onEnd({ exchange: this.exchange, status, error: this.#error })
  }

  // ---- endings ----

  /** Nothing more is heard of the exchange in the pool. */
  #stop(): void {
    this.#ended = true
    this.#context.upstream.active--
    this.#context.watch.delete(this)
  }

  /** For an upgrade: the connection left the pool, the answer is not `response`'s to write. */
  protected leave(): void {
    this.#stop()
    this.response.off('close', this.#onClose)
  }

  /**
   * Ends the exchange by an error: an answer with an empty body where none has begun, else a broken connection, so
   * that no client takes a part for the whole.
   */
  protected fail(cause: Error): void {
    if (this.#ended) return
    this.#stop()
    this.#controller?.abort(new UpstreamFailure('The exchange failed'))
    const reason = this.outgoing.body?.failure ?? cause
    this.#error = failureOf(reason)
    if (this.response.headersSent || reason instanceof BodyAbortedError) this.response.destroy()
    else answerFailure(this.response, this.#error)
  }

  /** The connection breaks, so that the client does not take a part for the whole. */
  #closeWithSession(): void {
    if (!this.#ended) {
      this.#stop()
      this.#controller?.abort(new UpstreamFailure('The session is over'))
    }
    this.response.destroy()
  }

  #inform(status: number, raw: readonly Buffer[]): void {
    this.#informational++
    if (status < 100 || status === 101 || this.#informational > MAX_INFORMATIONAL) {
      this.fail(new UpstreamFailure(`The upstream sent status ${status} out of place`))
    } else if (status === 103) relayEarlyHints(this.response, raw)
  }

  /**
   * A connection that the upstream closed while it was idle looks alive until the request is written. Such a request is
   * sent once more where that is harmless: the method may be repeated, nothing was read from the client for it, and no
   * octet of an answer has come (F-30).
   */
  #mayRetry(error: Error): boolean {
    const { method, body, upgrade } = this.outgoing
    return (
      !this.#retried &&
      !this.#heard &&
      body === undefined &&
      upgrade === undefined &&
      RETRIED_METHODS.has(method) &&
      isDeadSocket(error)
    )
  }
}

function flushHead(forwarding: Forwarding): void {
  forwarding.flushHead()
}
