import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import type { SessionStore } from './contract.ts'
import { MemoryStore, type MemoryStoreOptions } from './memory.ts'
import { loadPluginStore } from './plugin.ts'
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

/**
 * Creates the configured store; `start` is still to be called.
 * @throws {Error} with a sentence for the operator, when a module exports no store.
 */
export async function createSessionStore(options: SessionStoreOptions, deps: SessionStoreDeps): Promise<SessionStore> {
  if (options.type === 'memory') return new MemoryStore(options.memory, deps.clock)
  if (options.type === 'redis') return createRedisStore(options.redis, deps.clock, deps.logger)
  return await loadPluginStore(options.module, options.options, deps)
}
