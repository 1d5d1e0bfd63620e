import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { plainAddress } from '../lib/cidr.ts'

/** What is known of a client's connection, worked out once when it is accepted. */
export interface Connection {
  /** Without port, brackets or zone; IPv4-mapped IPv6 as IPv4. Empty when the peer was gone at once. */
  readonly peerAddress: string
  readonly peerPort: number
  readonly secure: boolean
  /** Whether the peer's forwarded headers count. */
  readonly trusted: boolean
  /** Requests on it that are not answered yet. */
  active: number
  /** The answer to the latest of them. */
  latest: ServerResponse | undefined
}

/** Says whose forwarded headers count. */
export type PeerTrust = (peerAddress: string) => boolean

const connection = Symbol('connection')

interface KnownSocket extends Socket {
  [connection]?: Connection
}

export function registerConnection(socket: Socket, secure: boolean, trusts: PeerTrust): Connection {
  const peerAddress = plainAddress(socket.remoteAddress ?? '')
  const made: Connection = {
    peerAddress,
    peerPort: socket.remotePort ?? 0,
    secure,
    trusted: trusts(peerAddress),
    active: 0,
    latest: undefined,
  }
  ;(socket as KnownSocket)[connection] = made
  return made
}

/** Whether it came to a connection: not while, or when, a TLS handshake fails. */
export function isRegistered(socket: Socket): boolean {
  return (socket as KnownSocket)[connection] !== undefined
}

export function connectionOf(socket: Socket): Connection {
  return (socket as KnownSocket)[connection] ?? registerConnection(socket, false, () => false)
}
