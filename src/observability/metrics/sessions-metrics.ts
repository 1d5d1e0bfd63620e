import { Counter, Gauge, type Registry } from 'prom-client'
import type { NearCacheFigures } from '../../sessions/active-sessions.ts'
import type { BreakerState, MaybePromise } from '../../sessions/contract.ts'

/** Where sessions are kept, and what is known of them here; asked at each scrape. */
export interface SessionsState {
  readonly store: {
    readonly kind: string
    ping(): MaybePromise<void>
    countSessions?(): MaybePromise<number>
    breaker?(): BreakerState
  }
  /** `undefined` where there is none. */
  readonly nearCache: () => NearCacheFigures | undefined
}

const BREAKER = { closed: 0, open: 1, half_open: 2 } as const satisfies Record<BreakerState, number>

/** Adds what is asked at each scrape. Requests count by themselves, whether or not anybody asks. */
export function addSessionsMetrics(registry: Registry, prefix: string, { store, nearCache }: SessionsState): void {
  const gauge = (name: string, help: string, read: () => MaybePromise<number | undefined>): void => {
    const made: Gauge<'store'> = new Gauge({
      name: `${prefix}${name}`,
      help,
      labelNames: ['store'],
      registers: [registry],
      async collect() {
        // What cannot be told is left out: zero would be a lie.
        made.reset()
        const value = await read()
        if (value !== undefined) made.set({ store: store.kind }, value)
      },
    })
  }
  gauge('session_store_up', 'Whether the session store answers.', async () => Number(await answers(store)))
  if (store.breaker !== undefined) {
    const { breaker } = store
    gauge(
      'session_store_breaker_state',
      '0: the store is asked; 1: it is away; 2: it is just being tried again.',
      () => BREAKER[breaker.call(store)],
    )
  }
  if (store.countSessions !== undefined) {
    const { countSessions } = store
    gauge('sessions_live', 'Sessions that are live in the store.', () => orNothing(() => countSessions.call(store)))
  }
  if (nearCache() !== undefined) addNearCacheMetrics(registry, prefix, nearCache)
}

function addNearCacheMetrics(registry: Registry, prefix: string, nearCache: () => NearCacheFigures | undefined): void {
  const counter = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    add: (counter: Counter<Label>, figures: NearCacheFigures) => void,
  ): Counter<Label> =>
    new Counter({
      name: `${prefix}near_cache_${name}`,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset()
        const figures = nearCache()
        if (figures !== undefined) add(this, figures)
      },
    })
  const size: Gauge = new Gauge({
    name: `${prefix}near_cache_sessions`,
    help: 'Opened sessions that are held in this process.',
    registers: [registry],
    collect: () => size.set(nearCache()?.sessions ?? 0),
  })
  counter(
    'lookups_total',
    'Requests with a ticket, by whether the store was asked.',
    ['result'],
    (lookups, figures) => {
      lookups.inc({ result: 'hit' }, figures.hits)
      lookups.inc({ result: 'miss' }, figures.misses - figures.graces)
      lookups.inc({ result: 'grace' }, figures.graces)
    },
  )
  counter('invalidations_total', 'Changes to what is held that the store told of.', [], (told, figures) =>
    told.inc(figures.invalidations),
  )
  counter('evictions_total', 'Sessions that had to go because others came.', [], (gone, figures) =>
    gone.inc(figures.evictions),
  )
}

async function answers({ ping }: SessionsState['store']): Promise<boolean> {
  return (
    (await orNothing(async () => {
      await ping()
      return true
    })) === true
  )
}

async function orNothing<Value>(ask: () => MaybePromise<Value>): Promise<Value | undefined> {
  try {
    return await ask()
  } catch {
    return undefined
  }
}
