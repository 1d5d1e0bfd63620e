import { connect, type Socket } from 'node:net'

const EVERY_MS = 25
/** A machine that is so slow spoils what it measures. */
const SLOW_MS = 120

/** Tells when the server or this process was too slow to be judged: it asks on a way of its own, and looks how long it takes. */
export class Watchdog {
  readonly #port: number
  readonly #tellSlow: (from: number, to: number) => void
  readonly #timer: NodeJS.Timeout
  #socket: Socket | undefined
  #askedAt: number | undefined
  #lastTick = Date.now()

  constructor(port: number, tellSlow: (from: number, to: number) => void) {
    this.#port = port
    this.#tellSlow = tellSlow
    this.#timer = setInterval(() => this.#tick(), EVERY_MS)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#socket?.destroy()
  }

  /** Looks now: what is judged before the next turn of the watchdog was as slow as that will find. */
  look(): void {
    const now = Date.now()
    if (now - this.#lastTick <= SLOW_MS) return
    this.#tellSlow(this.#lastTick, now)
    this.#lastTick = now
  }

  #tick(): void {
    this.look()
    const now = Date.now()
    this.#lastTick = now
    if (this.#askedAt !== undefined && now - this.#askedAt > SLOW_MS) this.#tellSlow(this.#askedAt, now)
    if (this.#askedAt !== undefined) return
    this.#askedAt = now
    this.#connection().write('PING\r\n')
  }

  #connection(): Socket {
    if (this.#socket !== undefined) return this.#socket
    const socket = connect(this.#port, '127.0.0.1')
    socket.on('data', () => {
      this.#askedAt = undefined
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#askedAt = undefined
      if (this.#socket === socket) this.#socket = undefined
    })
    this.#socket = socket
    return socket
  }
}
