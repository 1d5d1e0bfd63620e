import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Upgraded } from '../http/server.ts'
import type { Exchange } from '../kernel/exchange.ts'
import { UpstreamFailure } from './failure.ts'
import { Forwarding, type ForwardingContext, type Outgoing } from './forwarding.ts'
import { responseHeaders } from './response-headers.ts'
import { closeFrame, FrameReader } from './websocket-frames.ts'

/** How long a client may take to read what was sent before the upstream closed. */
const LAST_WORDS_MS = 30_000
/** How long it may take to read that the session is over. */
const CLOSE_MS = 250

/** Protocols that would let requests through which no rule has seen. */
const NEVER_OFFERED = /^(?:h2c?|http\/.*|tls\/.*)$/i

/** What of the client's `Upgrade` is offered to the upstream; nothing makes it a plain request (F-26). */
export function offeredProtocols(upgrade: string | undefined): string {
  if (upgrade === undefined) return ''
  const protocols = upgrade.split(',').map((protocol) => protocol.trim())
  return protocols.filter((protocol) => protocol !== '' && !NEVER_OFFERED.test(protocol)).join(', ')
}

/**
 * A request to upgrade the connection, after it was granted. The upstream agrees: both connections become one tunnel.
 * It refuses: its answer is the last on the client's connection, so that nothing can follow on a connection that one
 * side takes for upgraded (V-063).
 */
export class TunnelForwarding extends Forwarding {
  readonly #takeOver: () => Upgraded

  constructor(
    exchange: Exchange,
    response: ServerResponse,
    outgoing: Outgoing,
    context: ForwardingContext,
    takeOver: () => Upgraded,
  ) {
    super(exchange, response, outgoing, context)
    this.#takeOver = takeOver
  }

  override onRequestUpgrade(
    controller?: Dispatcher.DispatchController,
    status = 0,
    _headers?: unknown,
    upstream?: Duplex,
  ): void {
    const { flat, protocol } = switched((controller?.rawHeaders ?? []) as Buffer[])
    const offered = (this.outgoing.upgrade ?? '').toLowerCase().split(', ')
    if (upstream === undefined || status !== 101 || !offered.includes(protocol.toLowerCase())) {
      upstream?.destroy()
      this.fail(new UpstreamFailure('The upstream switched to a protocol that was not offered'))
      return
    }
    if (this.response.destroyed || this.response.headersSent) {
      upstream.destroy()
      return
    }
    this.leave()
    const { socket, head } = this.#takeOver()
    const answer = `HTTP/1.1 101 ${STATUS_CODES[101]}\r\n${lines(flat)}Connection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`
    socket.write(answer, 'latin1')
    if (head.length > 0) upstream.write(head)
    const frames = protocol.toLowerCase() === 'websocket' ? new FrameReader() : undefined
    const tunnel = new Tunnel(socket, upstream)
    const forget = this.watchSession(() => tunnel.close(frames))
    if (forget !== undefined && frames !== undefined) upstream.on('data', (chunk: Buffer) => frames.push(chunk))
    tunnel.join()
    socket.once('close', () => {
      forget?.()
      this.report(101)
    })
  }
}

function switched(raw: readonly Buffer[]): { flat: readonly string[]; protocol: string } {
  let protocol = ''
  for (let i = 0; i < raw.length; i += 2) {
    if ((raw[i] as Buffer).toString('latin1').toLowerCase() === 'upgrade')
      protocol = (raw[i + 1] as Buffer).toString('latin1').trim()
  }
  return { flat: responseHeaders(raw).flat, protocol }
}

function lines(flat: readonly string[]): string {
  let out = ''
  for (let i = 0; i < flat.length; i += 2) {
    const name = (flat[i] as string).toLowerCase()
    if (name !== 'content-length') out += `${flat[i]}: ${flat[i + 1]}\r\n`
  }
  return out
}

/** Octets both ways, each at the pace of its reader; an end is passed on, a break ends both. */
class Tunnel {
  readonly #client: Socket
  readonly #upstream: Duplex
  #lastWordsMs = LAST_WORDS_MS

  constructor(client: Socket, upstream: Duplex) {
    this.#client = client
    this.#upstream = upstream
  }

  join(): void {
    const client = this.#client
    const upstream = this.#upstream
    client.on('error', () => upstream.destroy())
    upstream.on('error', () => client.destroy())
    client.once('close', () => upstream.destroy())
    upstream.once('close', () => {
      client.setTimeout(this.#lastWordsMs, () => client.destroy())
      client.destroySoon()
    })
    client.pipe(upstream)
    upstream.pipe(client)
  }

  /** The session is over. A WebSocket is told so, unless the upstream is in the middle of a frame: that can only break off. */
  close(frames: FrameReader | undefined): void {
    if (frames?.isBetweenFrames !== true) {
      this.#client.destroy()
      return
    }
    this.#lastWordsMs = CLOSE_MS
    this.#upstream.unpipe(this.#client)
    this.#client.write(closeFrame('session ended'))
    this.#upstream.destroy()
  }
}
