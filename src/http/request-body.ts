import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { GateError } from '../kernel/errors.ts'
import type { StallWatch, Watched } from './stall-watch.ts'

export interface BodyLimits {
  /** `serve.proxy.max_body_size`; nothing is no limit. */
  readonly maxBytes: number | undefined
  /** How long the client may be silent while more of the body is wanted. */
  readonly stallMs: number
}

/** The client stopped sending in the middle of the body. */
export class BodyStalledError extends Error {
  override readonly name = 'BodyStalledError'
}

/** The client went away before the body was complete. */
export class BodyAbortedError extends Error {
  override readonly name = 'BodyAbortedError'
}

/**
 * The body of a request: read whole by a step of the pipeline, or streamed to the upstream, or not at all.
 * While it streams it is what undici takes for a readable stream; nothing is read ahead of what the upstream takes.
 * `100 Continue` is sent when somebody wants the body, not before (F-28).
 */
export class RequestBody extends EventEmitter implements Watched {
  /** In octets, never 0; `undefined` when the client does not say (chunked). */
  readonly length: number | undefined
  /** Tells undici that this ends by itself. */
  readonly _readableState = { autoDestroy: true }
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #expectsContinue: boolean
  readonly #limits: BodyLimits
  readonly #watch: StallWatch
  #received = 0
  #started = false
  #wanting = false
  #finished = false
  #wantedSince = 0
  #whole: Promise<Uint8Array> | undefined
  #buffered: Uint8Array | undefined
  /** Why the body cannot be had. */
  failure: Error | undefined
  destroyed = false
  slot = -1

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    length: number | undefined,
    expectsContinue: boolean,
    limits: BodyLimits,
    watch: StallWatch,
  ) {
    super()
    this.#request = request
    this.#response = response
    this.length = length
    this.#expectsContinue = expectsContinue
    this.#limits = limits
    this.#watch = watch
  }

  get received(): number {
    return this.#received
  }

  /** For the upstream: what was read whole, or this, to be read as it comes. */
  get outgoing(): Uint8Array | RequestBody {
    return this.#buffered ?? this
  }

  /** Reads the body once and keeps it. */
  readAll(limitBytes: number): Promise<Uint8Array> {
    if ((this.length ?? 0) > limitBytes || (this.#buffered?.length ?? 0) > limitBytes) {
      return Promise.reject(new GateError('ERR_REQUEST_BODY_TOO_LARGE'))
    }
    return (this.#whole ??= this.#collect(limitBytes))
  }

  #collect(limitBytes: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = []
      let size = 0
      this.on('data', (chunk: Uint8Array) => {
        size += chunk.length
        if (size > limitBytes) this.#fail(new GateError('ERR_REQUEST_BODY_TOO_LARGE'))
        else chunks.push(chunk)
      })
      this.on('end', () => {
        this.removeAllListeners()
        this.#buffered = Buffer.concat(chunks, size)
        resolve(this.#buffered)
      })
      this.on('error', reject)
      this.resume()
    })
  }

  /** A stream to undici, never piped. */
  pipe<T>(destination: T): T {
    return destination
  }

  resume(): this {
    if (this.#finished || this.destroyed) return this
    this.#wanting = true
    this.#wantedSince = this.#watch.now
    if (this.#started) this.#request.resume()
    else this.#start()
    return this
  }

  pause(): this {
    this.#wanting = false
    if (this.#started) this.#request.pause()
    return this
  }

  /** Lets go of the request without reading the rest of it. */
  destroy(): this {
    if (this.destroyed) return this
    this.destroyed = true
    this.#stop()
    this.emit('close')
    return this
  }

  check(now: number): void {
    if (!this.#wanting || now - this.#wantedSince < this.#limits.stallMs) return
    this.#fail(new BodyStalledError('The client stopped sending'))
  }

  #start(): void {
    this.#started = true
    this.#watch.add(this)
    this.#wantedSince = this.#watch.now
    this.#request.on('data', this.#onData)
    this.#request.on('end', this.#onEnd)
    this.#request.on('error', this.#onGone)
    this.#request.on('close', this.#onGone)
    if (this.#expectsContinue && !this.#response.headersSent) this.#response.writeContinue()
  }

  #stop(): void {
    this.#finished = true
    this.#wanting = false
    this.#watch.delete(this)
    if (!this.#started) return
    this.#request.off('data', this.#onData)
    this.#request.off('end', this.#onEnd)
    this.#request.off('close', this.#onGone)
    // The error listener stays: a socket that breaks later must not bring the process down.
    if (!this.#request.readableEnded) this.#request.pause()
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#received += chunk.length
    this.#wantedSince = this.#watch.now
    if (this.#limits.maxBytes !== undefined && this.#received > this.#limits.maxBytes) {
      this.#fail(new GateError('ERR_REQUEST_BODY_TOO_LARGE'))
      return
    }
    this.emit('data', chunk)
  }

  readonly #onEnd = (): void => {
    this.#stop()
    this.emit('end')
  }

  readonly #onGone = (): void => {
    if (!this.#finished) this.#fail(new BodyAbortedError('The client went away'))
  }

  #fail(error: Error): void {
    this.failure = error
    this.#stop()
    if (this.listenerCount('error') > 0) this.emit('error', error)
  }
}
