import type { RedisAddress } from './address.ts'
import type { RedisCredentials } from './connection.ts'
import type { CredentialsCommandOptions } from './credentials-command.ts'
import type { SentinelOptions } from './sentinel.ts'
import type { RedisTls } from './tls.ts'

export interface RedisStoreOptions {
  readonly servers: RedisServersOptions
  readonly credentials: RedisCredentials
  /** Who says who we are, instead of `credentials`. */
  readonly credentialsCommand?: CredentialsCommandOptions | undefined
  readonly tls: RedisTls | undefined
  /** 0 to 15. */
  readonly db: number
  readonly sessionPrefix: string
  readonly statePrefix: string
  readonly connectTimeoutMs: number
  readonly commandTimeoutMs: number
  /** How long a server that cannot be used is tried again at start. */
  readonly startTimeoutMs: number
  /** Whether what is read is watched, so that it may be kept. */
  readonly tracking: boolean
  /** Whether sessions of the fork are taken over. */
  readonly migrateForkSessions: boolean
}

/** Which server, or servers. */
export type RedisServersOptions =
  /** `key`: of the configuration, that says which. */
  | { readonly kind: 'single'; readonly address: RedisAddress; readonly key: 'addr' | 'url' }
  | ({ readonly kind: 'sentinel' } & SentinelOptions)
  /** Some of its nodes, from which the others are learnt. */
  | { readonly kind: 'cluster'; readonly addresses: readonly RedisAddress[] }
