import type { BreakerState } from '../contract.ts'
import type { RedisAddress } from './address.ts'
import type { RedisArgument, RedisCredentials, RedisReply } from './connection.ts'
import type { RedisLink } from './link.ts'
import type { WatchedReply } from './link-options.ts'

export type IsAnswer = (cause: unknown) => boolean

/** One server, or many that behave as one: each command goes to the one that has its key. */
export interface RedisServers {
  readonly isClosed: boolean
  /** Connects to all of them, once. Rejects with a `ServersError`. */
  connect(): Promise<readonly RedisLink[]>
  /** Gives up all connections; `connect` may be called again. */
  disconnect(): void
  /** From now on a connection that breaks is replaced, for ever. */
  keepAlive(): void
  /** @throws {GateError} ERR_SESSION_STORE_UNAVAILABLE, unless `isAnswer` says that the server's error is an answer. */
  send(name: string, args: readonly RedisArgument[], isAnswer?: IsAnswer): Promise<RedisReply>
  /** The same for a command that reads. */
  read(name: string, args: readonly RedisArgument[], isAnswer?: IsAnswer): Promise<WatchedReply>
  /** What came back was no answer to what was asked about the key: ends that connection, and gives the error to throw. */
  distrust(name: string): Error
  /** Rejects when a server that has keys of ours does not answer. */
  ping(): Promise<void>
  /** Of all connections the one that is worst off. */
  breaker(): BreakerState
  useCredentials(credentials: RedisCredentials): Promise<void>
  close(): void
}

/** What is wrong, as one sentence for the operator. */
export class ServersError extends Error {
  override readonly name = 'ServersError'
}

export function isSameAddress(one: RedisAddress, other: RedisAddress): boolean {
  return one.host === other.host && one.port === other.port
}

/** There is something of another type under the name. */
export function isWrongType(cause: unknown): boolean {
  return cause instanceof Error && cause.message.startsWith('WRONGTYPE')
}
