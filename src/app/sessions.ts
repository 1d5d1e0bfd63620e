import type { Config } from '../config/config.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import { StartError } from '../kernel/start-error.ts'
import type { LoginStates, ProviderLogouts, SessionStore } from '../sessions/contract.ts'
import type { TakeForkSession } from '../sessions/fork-session.ts'
import { measureStore } from '../sessions/measured-store.ts'
import { createSessionStore } from '../sessions/factory.ts'
import { createSessionManager } from '../sessions/manager.ts'
import type { RunningSessionManager } from '../sessions/running-manager.ts'
import { createProviderLogouts } from '../sessions/provider-logouts.ts'
import { createLoginStates } from '../sessions/states.ts'

/** The store of sessions and what works on it. They live as long as the process, whatever else is reloaded. */
export interface Sessions {
  readonly store: SessionStore
  readonly manager: RunningSessionManager
  readonly states: LoginStates
  readonly logouts: ProviderLogouts
  /** Takes over a session that the fork left in the store; nothing where that is not wanted. */
  readonly takeForkSession: TakeForkSession | undefined
  /** Takes what may change while it runs from a changed configuration. */
  reconfigure(config: Config): Promise<void>
  /** Lets refreshes under way finish, for as long as a stop may take, and begins none: while providers can still be asked. */
  settle(): Promise<void>
  close(): Promise<void>
}

/** A refresh token that was sent is lost if nobody waits for the answer. */
const SETTLE_MS = 15_000

/**
 * Creates the store, connects it, and makes what works on it.
 * @throws {StartError} when the store cannot be used, with what to check.
 */
export async function openSessions(
  config: Config,
  deps: { readonly clock: Clock; readonly logger: Logger },
): Promise<Sessions> {
  const created = await sentence(() => createSessionStore(config.sessionStore, deps))
  // What is in this process answers at once, and is not worth a look at the clock.
  const store = config.sessionStore.type === 'memory' ? created.store : measureStore(created.store)
  try {
    await sentence(() => store.start())
  } catch (cause: unknown) {
    await store.close()
    throw cause
  }
  const { sessionStore, session } = config
  const nearCache = sessionStore.type === 'memory' ? undefined : sessionStore.nearCache
  const manager = createSessionManager({ store, ...deps, lifetimes: session, refresh: session, nearCache })
  return {
    store,
    manager,
    states: createLoginStates(store, deps.clock),
    logouts: createProviderLogouts(manager, store, deps.clock),
    takeForkSession: created.takeForkSession,
    reconfigure: (changed) => created.reconfigure(changed.sessionStore),
    async settle() {
      const { promise: isLate, resolve } = Promise.withResolvers<void>()
      const cancel = deps.clock.schedule(SETTLE_MS, resolve)
      await Promise.race([manager.close(), isLate])
      cancel()
    },
    async close() {
      await manager.close()
      await store.close()
    },
  }
}

async function sentence<Result>(run: () => Promise<Result>): Promise<Result> {
  try {
    return await run()
  } catch (cause: unknown) {
    throw new StartError(`session_store: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}
