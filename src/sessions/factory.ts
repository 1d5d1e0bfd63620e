import type { Clock } from '../kernel/clock.ts'
import type { SessionStore } from './contract.ts'
import { createMemoryStore, type MemoryStoreOptions } from './memory.ts'

/** Which store, and how: `session_store` of the configuration, read and defaulted. */
export type SessionStoreOptions = { readonly type: 'memory'; readonly memory: MemoryStoreOptions }

export interface SessionStoreDeps {
  readonly clock: Clock
}

/** Creates the configured store. It is not started yet. */
export async function createSessionStore(options: SessionStoreOptions, deps: SessionStoreDeps): Promise<SessionStore> {
  return createMemoryStore(options.memory, deps.clock)
}
