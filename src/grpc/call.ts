import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { StallWatch, Watched } from '../http/stall-watch.ts'
import type { Logger } from '../kernel/logger.ts'
import type { UnaryMethod } from './method.ts'
import type { Peer } from './peer.ts'
import { GrpcCode, GrpcError } from './status.ts'
import { readTimeout } from './timeout.ts'

export interface CallOptions {
  /** How long a message may take to arrive. */
  readonly readTimeoutMs: number
  /** How long an answer may take; a caller may ask for less by `grpc-timeout`. */
  readonly writeTimeoutMs: number
  /** In octets. */
  readonly maxMessageSize: number
  readonly watch: StallWatch
  readonly logger: Logger
}

/** A flag that tells compression, and the length of the message. */
const PREFIX_OCTETS = 5
const CONTENT_TYPE = 'application/grpc'
const IS_GRPC = /^application\/grpc(?:[+;]|$)/

/** Answers a call of a method, or what is none. */
export function takeCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  peer: Peer,
  methods: ReadonlyMap<string, UnaryMethod>,
  options: CallOptions,
): void {
  stream.on('error', ignore)
  const method = methods.get(headers[':path'] ?? '')
  if (headers[':method'] !== 'POST') refuse(stream, { ':status': 405, allow: 'POST' })
  else if (!IS_GRPC.test(headers['content-type'] ?? '')) refuse(stream, { ':status': 415 })
  else if (method === undefined) refuse(stream, statusHeaders(GrpcCode.Unimplemented, 'the method is not known'))
  else new Call(stream, method, peer, timeoutOf(headers['grpc-timeout']), options).begin()
}

/** What goes wrong on a stream ends it; there is nobody to tell. */
function ignore(): void {}

function timeoutOf(header: string | readonly string[] | undefined): number {
  return readTimeout(typeof header === 'string' ? header : undefined) ?? Number.POSITIVE_INFINITY
}

function statusHeaders(code: GrpcCode, message: string) {
  return { ':status': 200, 'content-type': CONTENT_TYPE, 'grpc-status': String(code), 'grpc-message': message }
}

function refuse(stream: ServerHttp2Stream, headers: Record<string, string | number>): void {
  if (stream.destroyed || stream.headersSent) return
  stream.respond(headers, { endStream: true })
  dropRest(stream)
}

/** Whatever else the caller sends is not wanted. Not at once: the answer must be on its way before. */
function dropRest(stream: ServerHttp2Stream): void {
  if (stream.readableEnded) return
  setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR))
}

/** One call of a method with one message each way. */
class Call implements Watched {
  slot = -1
  readonly #stream: ServerHttp2Stream
  readonly #method: UnaryMethod
  readonly #peer: Peer
  readonly #options: CallOptions
  readonly #answerMs: number
  #received: Buffer[] = []
  #size = 0
  /** Of prefix and message; nothing before the prefix is there. */
  #wanted: number | undefined
  #stage: 'reading' | 'deciding' | 'answered' = 'reading'
  #since: number

  constructor(stream: ServerHttp2Stream, method: UnaryMethod, peer: Peer, timeoutMs: number, options: CallOptions) {
    this.#stream = stream
    this.#method = method
    this.#peer = peer
    this.#options = options
    this.#answerMs = Math.min(timeoutMs, options.writeTimeoutMs)
    this.#since = options.watch.now
  }

  begin(): void {
    const { watch } = this.#options
    watch.add(this)
    this.#since = watch.now
    this.#stream.on('data', (chunk: Buffer) => this.#take(chunk))
    this.#stream.on('end', () => this.#end())
    this.#stream.on('close', () => watch.delete(this))
  }

  check(now: number): void {
    const took = now - this.#since
    if (this.#stage === 'reading') {
      if (took >= this.#options.readTimeoutMs)
        this.#fail(GrpcCode.DeadlineExceeded, 'the message did not arrive in time')
    } else if (this.#stage === 'deciding') {
      if (took >= this.#answerMs) this.#fail(GrpcCode.DeadlineExceeded, 'there is no answer in time')
    } else if (took >= this.#options.writeTimeoutMs) this.#stream.close(constants.NGHTTP2_CANCEL)
  }

  #take(chunk: Buffer): void {
    if (this.#stage !== 'reading') return
    this.#received.push(chunk)
    this.#size += chunk.length
    if (this.#wanted === undefined && this.#size >= PREFIX_OCTETS) this.#readPrefix()
    if (this.#wanted !== undefined && this.#size > this.#wanted) {
      this.#fail(GrpcCode.InvalidArgument, 'there is more than one message')
    }
  }

  #readPrefix(): void {
    const prefix = this.#received.length === 1 ? (this.#received[0] as Buffer) : Buffer.concat(this.#received)
    const length = prefix.readUInt32BE(1)
    if (prefix[0] !== 0) this.#fail(GrpcCode.Unimplemented, 'compressed messages are not taken')
    else if (length > this.#options.maxMessageSize) this.#refuseLarge()
    else this.#wanted = PREFIX_OCTETS + length
  }

  #refuseLarge(): void {
    const { answerTooLarge } = this.#method
    if (answerTooLarge === undefined) this.#fail(GrpcCode.ResourceExhausted, 'the message is too large')
    else this.#send(answerTooLarge.call(this.#method, this.#peer))
  }

  #end(): void {
    if (this.#stage !== 'reading') return
    if (this.#size !== this.#wanted) {
      this.#fail(GrpcCode.InvalidArgument, 'the message is not complete')
      return
    }
    this.#stage = 'deciding'
    const all = this.#received.length === 1 ? (this.#received[0] as Buffer) : Buffer.concat(this.#received)
    this.#received = []
    try {
      const answer = this.#method.answer(all.subarray(PREFIX_OCTETS), this.#peer)
      if (answer instanceof Promise) {
        void answer.then((late) => this.#send(late)).catch((cause: unknown) => this.#failFor(cause))
      } else this.#send(answer)
    } catch (cause: unknown) {
      this.#failFor(cause)
    }
  }

  #failFor(cause: unknown): void {
    if (cause instanceof GrpcError) {
      this.#fail(cause.code, cause.message)
      return
    }
    this.#options.logger.error({ err: cause }, 'a gRPC call failed for an unforeseen reason')
    this.#fail(GrpcCode.Internal, 'an internal error occurred')
  }

  #send(message: Buffer): void {
    if (!this.#beginAnswer()) return
    const stream = this.#stream
    const prefix = Buffer.alloc(PREFIX_OCTETS)
    prefix.writeUInt32BE(message.length, 1)
    stream.respond({ ':status': 200, 'content-type': CONTENT_TYPE }, { waitForTrailers: true })
    stream.once('wantTrailers', () => {
      stream.sendTrailers({ 'grpc-status': '0' })
      dropRest(stream)
    })
    stream.end(Buffer.concat([prefix, message]))
  }

  #fail(code: GrpcCode, message: string): void {
    if (this.#beginAnswer()) refuse(this.#stream, statusHeaders(code, message))
  }

  /** The first answer counts; none goes to a caller that is gone. */
  #beginAnswer(): boolean {
    if (this.#stage === 'answered' || this.#stream.destroyed || this.#stream.closed) return false
    this.#stage = 'answered'
    this.#since = this.#options.watch.now
    this.#received = []
    return true
  }
}
