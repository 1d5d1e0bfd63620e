import type { IncomingMessage, ServerResponse } from 'node:http'
import type { StallWatch, Watched } from './stall-watch.ts'

/** What is read of a body that nobody wants, for the sake of the connection. */
const DRAIN_BYTES = 256 * 1024
const DRAIN_MS = 2_000

/**
 * Deals with what is left of a request's body when its answer is out: a little is read and thrown away, so that the
 * client sees the answer and the connection can be used again; of more, the connection is closed (F-16).
 */
export function settleBody(request: IncomingMessage, response: ServerResponse, watch: StallWatch): void {
  // Before node:http's own listener, which would drain without end what nobody has begun to read.
  response.prependOnceListener('finish', () => {
    if (!request.complete && !request.destroyed) new Draining(request, watch).begin()
  })
}

class Draining implements Watched {
  slot = -1
  readonly #request: IncomingMessage
  readonly #watch: StallWatch
  #until = 0
  readonly #limit: number

  constructor(request: IncomingMessage, watch: StallWatch) {
    this.#request = request
    this.#watch = watch
    this.#limit = request.socket.bytesRead + DRAIN_BYTES
  }

  begin(): void {
    const { socket } = this.#request
    const count = (): void => {
      if (socket.bytesRead > this.#limit) socket.destroy()
    }
    const stop = (): void => {
      this.#watch.delete(this)
      this.#request.off('data', count)
    }
    this.#watch.add(this)
    this.#until = this.#watch.now + DRAIN_MS
    this.#request.read(0)
    this.#request.on('data', count)
    this.#request.once('end', stop)
    this.#request.once('close', stop)
    this.#request.resume()
  }

  check(now: number): void {
    if (now >= this.#until) this.#request.socket.destroy()
  }
}
