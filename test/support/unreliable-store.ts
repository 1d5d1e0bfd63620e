import type { SessionStore } from '../../src/sessions/contract.ts'
import { storeUnavailable } from '../../src/sessions/store-error.ts'

/** A store that answers later, as one behind a network does, and not at all while it is `down`. */
export interface UnreliableStore extends SessionStore {
  down: boolean
  /** Names of operations that fail while the others work. */
  readonly failing: Set<string>
  /** Called before each operation; what it returns is awaited. */
  before: ((operation: string) => unknown) | undefined
}

const OPERATIONS = [
  'start',
  'ping',
  'close',
  'getSession',
  'createSession',
  'updateSession',
  'deleteSession',
  'markEnd',
  'findSessions',
  'putState',
  'takeState',
  'acquireLease',
  'renewLease',
  'releaseLease',
  'putNote',
  'getNote',
] as const

export function createUnreliableStore(inner: SessionStore): UnreliableStore {
  const store: Record<string, unknown> & Pick<UnreliableStore, 'down' | 'failing' | 'before'> = {
    kind: inner.kind,
    down: false,
    failing: new Set<string>(),
    before: undefined,
    ...(inner.onEnd !== undefined && { onEnd: inner.onEnd.bind(inner) }),
  }
  for (const name of OPERATIONS) {
    const operation = inner[name]?.bind(inner) as (...args: unknown[]) => unknown
    store[name] = async (...args: unknown[]) => {
      await store.before?.(name)
      if (store.down || store.failing.has(name)) throw storeUnavailable('the test took the store away')
      return await operation(...args)
    }
  }
  return store as unknown as UnreliableStore
}
