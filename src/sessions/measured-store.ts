import { channel } from 'node:diagnostics_channel'
import type { MaybePromise, SessionStore } from './contract.ts'

/** What a store that has to be asked over a wire took for one operation. */
export interface StoreEvent {
  readonly operation: string
  readonly tookMs: number
  /** It could not be asked, or not in time. */
  readonly failed: boolean
}

/** Publishes each `StoreEvent` to whoever subscribed. */
export const storeEvents = channel('oathkeeper:session-store')

/** The same store, whose operations are measured while somebody listens. */
export function measureStore(store: SessionStore): SessionStore {
  const measure = <Result>(operation: string, run: () => MaybePromise<Result>): MaybePromise<Result> =>
    storeEvents.hasSubscribers ? measured(operation, run) : run()
  const { renewLease, countSessions, breaker } = store
  const markEnd = store.markEnd?.bind(store)
  return {
    kind: store.kind,
    ...(store.onChange === undefined ? {} : { onChange: store.onChange.bind(store) }),
    ...(store.onEnd === undefined ? {} : { onEnd: store.onEnd.bind(store) }),
    ...(markEnd === undefined ? {} : { markEnd: (...args) => measure('mark_end', () => markEnd(...args)) }),
    get hearsOfEnds() {
      return store.hearsOfEnds === true
    },
    start: () => store.start(),
    ping: async () => measure('ping', () => store.ping()),
    getSession: (key) => measure('get_session', () => store.getSession(key)),
    createSession: (...args) => measure('create_session', () => store.createSession(...args)),
    updateSession: (...args) => measure('update_session', () => store.updateSession(...args)),
    deleteSession: (...args) => measure('delete_session', () => store.deleteSession(...args)),
    findSessions: (index) => measure('find_sessions', () => store.findSessions(index)),
    ...(countSessions !== undefined && {
      countSessions: () => measure('count_sessions', () => countSessions.call(store)),
    }),
    ...(breaker !== undefined && { breaker: () => breaker.call(store) }),
    putState: (...args) => measure('put_state', () => store.putState(...args)),
    takeState: (key) => measure('take_state', () => store.takeState(key)),
    acquireLease: (...args) => measure('acquire_lease', () => store.acquireLease(...args)),
    ...(renewLease !== undefined && {
      renewLease: (...args) => measure('renew_lease', () => renewLease.apply(store, args)),
    }),
    releaseLease: (...args) => measure('release_lease', () => store.releaseLease(...args)),
    putNote: (...args) => measure('put_note', () => store.putNote(...args)),
    getNote: (name) => measure('get_note', () => store.getNote(name)),
    close: () => store.close(),
  }
}

async function measured<Result>(operation: string, run: () => MaybePromise<Result>): Promise<Result> {
  const startedAt = performance.now()
  let failed = true
  try {
    const result = await run()
    failed = false
    return result
  } finally {
    storeEvents.publish({ operation, tookMs: performance.now() - startedAt, failed } satisfies StoreEvent)
  }
}
