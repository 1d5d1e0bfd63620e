import type { Clock } from '../../kernel/clock.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { StoreWatch } from '../contract.ts'
import type { RedisAddress } from './address.ts'
import type { RedisConnectionOptions, RedisReply } from './connection.ts'
import type { RedisKey } from './diagnose.ts'

export interface RedisLinkOptions extends Omit<RedisConnectionOptions, 'address'> {
  /** Where the server is: asked before each connection. */
  readonly locate: () => RedisAddress | Promise<RedisAddress>
  /** Whether a server that is a replica is none. */
  readonly mastersOnly: boolean
  /** What says where the server is. */
  readonly key: RedisKey
  /** Of names that may be written on this server, so that it is seen whether it tells of changes. */
  readonly proofPrefix?: string
}

export interface RedisLinkDeps {
  readonly clock: Clock
  readonly logger: Logger
  /** Something that was read and is watched may have changed; without a key: everything. */
  readonly changed: (key: string | undefined) => void
  /** Something was published on the channel of the options; without a message: from now on it is heard. */
  readonly heard?: (message: string | undefined) => void
  /** The connection broke, and the next one is on its way. */
  readonly lost?: () => void
  /** The connection is there, the first one or the next. */
  readonly connected?: () => void
  /** The server does not believe who we say we are. */
  readonly refused?: () => void
}

/** What was read, and who vouches for it. */
export interface WatchedReply<Reply = RedisReply> {
  readonly reply: Reply
  readonly watch: StoreWatch | undefined
  /**
   * Asks whether replies still meet their questions on the connection that this one came over; else it is given up.
   * Rejects with ERR_SESSION_STORE_UNAVAILABLE.
   */
  readonly confirm?: (() => Promise<void>) | undefined
}
