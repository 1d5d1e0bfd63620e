import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import type { SessionStore } from './contract.ts'
import { createForkSessionTaker, type TakeForkSession } from './fork-session.ts'
import { MemoryStore, type MemoryStoreOptions } from './memory.ts'
import { loadPluginStore } from './plugin.ts'
import type { RedisCredentials } from './redis/connection.ts'
import { createRedisStore, type RedisStoreOptions } from './redis.ts'

/** Which store, and how: `session_store` of the configuration, read and defaulted. */
export type SessionStoreOptions =
  | { readonly type: 'memory'; readonly memory: MemoryStoreOptions }
  | { readonly type: 'redis'; readonly redis: RedisStoreOptions }
  /** `module`: absolute path; `options`: given to it as they are. */
  | { readonly type: 'module'; readonly module: string; readonly options: Readonly<Record<string, unknown>> }

export interface SessionStoreDeps {
  readonly clock: Clock
  readonly logger: Logger
}

/** A store, and what a changed configuration may do to it while it runs. */
export interface ConfiguredStore {
  readonly store: SessionStore
  /** Takes what may change without a restart: who we are to Redis. */
  reconfigure(options: SessionStoreOptions): Promise<void>
  /** Takes over a session that the fork left in the store; nothing where that is not wanted. */
  readonly takeForkSession?: TakeForkSession
}

/**
 * Creates the configured store; `start` is still to be called.
 * @throws {Error} with a sentence for the operator, when a module exports no store.
 */
export async function createSessionStore(
  options: SessionStoreOptions,
  deps: SessionStoreDeps,
): Promise<ConfiguredStore> {
  if (options.type === 'redis') return createConfiguredRedis(options.redis, deps)
  const store =
    options.type === 'memory'
      ? new MemoryStore(options.memory, deps.clock)
      : await loadPluginStore(options.module, options.options, deps)
  return { store, reconfigure: async () => undefined }
}

function createConfiguredRedis(options: RedisStoreOptions, { clock, logger }: SessionStoreDeps): ConfiguredStore {
  const store = createRedisStore(options, clock, logger)
  let current = options.credentials
  return {
    store,
    ...(options.migrateForkSessions && {
      takeForkSession: createForkSessionTaker((id) => store.takeForkRecord(id), { clock, logger }),
    }),
    async reconfigure(changed) {
      if (changed.type !== 'redis' || options.credentialsCommand !== undefined) return
      if (areEqual(current, changed.redis.credentials)) return
      current = changed.redis.credentials
      await store.useCredentials(current)
    },
  }
}

function areEqual(one: RedisCredentials, other: RedisCredentials): boolean {
  return one.username === other.username && one.password?.reveal() === other.password?.reveal()
}
