import { buildConnector, Pool } from 'undici'
import { isIP, type Socket } from 'node:net'
import type { Clock } from '../kernel/clock.ts'
import { plainAddress } from '../lib/cidr.ts'

/** `serve.proxy.upstream`. */
export interface UpstreamOptions {
  /** Connections to one upstream at most. */
  readonly maxConnections: number
  /** Requests that may wait for one of them; more are answered 503. */
  readonly maxWaiting: number
  readonly connectTimeoutMs: number
  /** How long an idle connection is kept; shorter than the upstream's own patience. */
  readonly keepAliveMs: number
  /** Of an answer's head, in octets. */
  readonly maxHeaderSize: number
}

/** The connections to one upstream. */
export interface Upstream {
  readonly pool: Pool
  /** Whose certificate is asked for: the upstream's own name, whatever `Host` the request carries. */
  readonly servername: string
  /** Requests sent or waiting, tunnels not counted. */
  active: number
  usedAt: number
}

/** One pool an origin, and who is at the other end of each of our connections. */
export interface Upstreams {
  at(origin: string): Upstream
  /** Whether a client's connection is one of ours: the proxy is its own upstream, and the request would never arrive. */
  isOwn(client: Socket): boolean
  close(): Promise<void>
}

const UNUSED_MS = 600_000

export function createUpstreams(options: UpstreamOptions, clock: Clock): Upstreams {
  const byOrigin = new Map<string, Upstream>()
  const own = new Map<number, string>()
  const connect = buildConnector({ allowH2: false, timeout: options.connectTimeoutMs })

  const connector: buildConnector.connector = (where, done) =>
    connect({ ...where, servername: isIP(where.hostname) === 0 ? where.hostname : '' }, (...result) => {
      const [error, socket] = result
      if (error === null) rememberOwn(socket, own)
      done(...result)
    })

  function create(origin: string): Upstream {
    dropUnused()
    const pool = new Pool(origin, {
      connect: connector,
      connections: options.maxConnections,
      allowH2: false,
      keepAliveTimeout: options.keepAliveMs,
      maxHeaderSize: options.maxHeaderSize,
      // Exchanges have their own deadlines, which an upstream cannot put off by sending 1xx answers.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    const made: Upstream = { pool, servername: new URL(origin).hostname, active: 0, usedAt: clock.now() }
    byOrigin.set(origin, made)
    return made
  }

  /** Rules come and go; the connections of those that went do not stay. */
  function dropUnused(): void {
    const before = clock.now() - UNUSED_MS
    for (const [origin, upstream] of byOrigin) {
      if (upstream.active > 0 || upstream.usedAt > before) continue
      byOrigin.delete(origin)
      void upstream.pool.close()
    }
  }

  return {
    at: (origin) => byOrigin.get(origin) ?? create(origin),
    isOwn({ remotePort, localPort, remoteAddress, localAddress }) {
      const found = own.get(portsKey(remotePort, localPort))
      return found !== undefined && found === addressesKey(remoteAddress, localAddress)
    },
    async close() {
      await Promise.all([...byOrigin.values()].map(({ pool }) => pool.destroy()))
      byOrigin.clear()
    },
  }
}

/**
 * Both ends of a connection tell it from every other; one end does not, for the system gives a port of ours to another
 * connection of this machine as long as that leads elsewhere.
 */
function rememberOwn(socket: Socket, own: Map<number, string>): void {
  const ports = portsKey(socket.localPort, socket.remotePort)
  own.set(ports, addressesKey(socket.localAddress, socket.remoteAddress))
  socket.once('close', () => own.delete(ports))
}

function portsKey(from = 0, to = 0): number {
  return from * 65_536 + to
}

function addressesKey(from = '', to = ''): string {
  return `${plainAddress(from)} ${plainAddress(to)}`
}
