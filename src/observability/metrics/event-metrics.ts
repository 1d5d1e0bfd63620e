import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { LoginEvent } from '../../login/events.ts'
import type { SessionEvent } from '../../sessions/events.ts'
import type { StoreEvent } from '../../sessions/measured-store.ts'

const STORE_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1]
const LAG_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
/** Operations that leave nothing behind in the store. */
const READS = new Set(['ping', 'get_session', 'find_sessions', 'get_note'])
/** Asked for these figures alone: that the user may not run ZCOUNT is no outage. */
const COUNT = 'count_sessions'

/** Counts what is published about sessions, logins and the session store; the function that comes back ends it. */
export function countEvents(registry: Registry, prefix: string): () => void {
  const listeners = [
    ['oathkeeper:session', sessionListener(registry, prefix)],
    ['oathkeeper:login', loginListener(registry, prefix)],
    ['oathkeeper:session-store', storeListener(registry, prefix)],
  ] as const
  for (const [name, listener] of listeners) subscribe(name, listener)
  return () => {
    for (const [name, listener] of listeners) unsubscribe(name, listener)
  }
}

type Listener = (message: unknown) => void

function sessionListener(registry: Registry, prefix: string): Listener {
  const counter = counterIn(registry, prefix)
  const created = counter('sessions_created_total', 'Sessions that began.', ['provider'])
  const ended = counter('sessions_ended_total', 'Sessions that ended, and why.', ['provider', 'reason'])
  const refused = counter('session_tickets_refused_total', 'Tickets that opened no session, and why.', ['cause'])
  const unreadable = counter('session_records_unreadable_total', 'Records in the store that could not be read.', [])
  const refreshes = counter('session_refreshes_total', 'Refreshes of access tokens.', ['provider', 'outcome'])
  const streams = new Gauge({
    name: `${prefix}session_streams`,
    help: 'WebSockets, event streams and long answers that are open for sessions.',
    registers: [registry],
  })
  const streamsClosed = counter('session_streams_closed_total', 'Streams that were closed because of their session.', [
    'cause',
  ])
  const lags = new Histogram({
    name: `${prefix}near_cache_invalidation_lag_seconds`,
    help: 'From a change made here to the message by which the store tells everybody.',
    buckets: LAG_BUCKETS,
    registers: [registry],
  })
  return (message) => {
    const event = message as SessionEvent
    switch (event.type) {
      case 'created':
        return created.inc({ provider: event.provider })
      case 'ended':
        return ended.inc({ provider: event.provider, reason: event.reason })
      case 'refused':
        return refused.inc({ cause: event.cause })
      case 'told':
        return lags.observe(event.lagMs / 1000)
      case 'unreadable':
        return unreadable.inc()
      case 'stream':
        streams[event.change === 'opened' ? 'inc' : 'dec']()
        if (event.change !== 'opened' && event.change !== 'gone') streamsClosed.inc({ cause: event.change })
        return undefined
      case 'refreshed':
        return refreshes.inc({ provider: event.provider, outcome: event.outcome })
    }
  }
}

function loginListener(registry: Registry, prefix: string): Listener {
  const counter = counterIn(registry, prefix)
  const begun = counter('logins_begun_total', 'People who were sent to a provider.', ['provider'])
  const help = 'Logins that ended: completed, or how far they came and why no further.'
  const logins = counter('logins_total', help, ['provider', 'stage', 'outcome'])
  const backchannel = counter('backchannel_logouts_total', 'Logouts that a provider told of: completed, or why not.', [
    'provider',
    'outcome',
  ])
  return (message) => {
    const event = message as LoginEvent
    switch (event.type) {
      case 'begun':
        return begun.inc({ provider: event.provider })
      case 'completed':
        return logins.inc({ provider: event.provider, stage: 'session', outcome: event.type })
      case 'failed':
        return logins.inc({ provider: event.provider ?? '', stage: event.stage, outcome: event.reason })
      case 'backchannel_logout':
        return backchannel.inc({ provider: event.provider, outcome: event.outcome })
    }
  }
}

function storeListener(registry: Registry, prefix: string): Listener {
  const durations = new Histogram({
    name: `${prefix}session_store_operation_duration_seconds`,
    help: 'Time that the session store took.',
    labelNames: ['operation'],
    buckets: STORE_BUCKETS,
    registers: [registry],
  })
  const failures = counterIn(registry, prefix)(
    'session_store_operation_failures_total',
    'Operations for which the session store could not be asked.',
    ['operation'],
  )
  const outage = outageGauge(registry, prefix)
  return (message) => {
    const { operation, tookMs, failed } = message as StoreEvent
    if (operation !== COUNT) outage(READS.has(operation) ? 'read' : 'write', failed)
    durations.observe({ operation }, tookMs / 1000)
    if (failed) failures.inc({ operation })
  }
}

/** How long operations have been failing; by kind, since a store that is full is still read. */
function outageGauge(registry: Registry, prefix: string): (access: 'read' | 'write', failed: boolean) => void {
  const since: Record<'read' | 'write', number | undefined> = { read: undefined, write: undefined }
  const outage: Gauge<'access'> = new Gauge({
    name: `${prefix}session_store_outage_seconds`,
    help: 'For how long the session store has not been able to answer; 0 while it is.',
    labelNames: ['access'],
    registers: [registry],
    collect() {
      for (const access of ['read', 'write'] as const) {
        const begun = since[access]
        outage.set({ access }, begun === undefined ? 0 : (performance.now() - begun) / 1000)
      }
    },
  })
  return (access, failed) => {
    since[access] = failed ? (since[access] ?? performance.now()) : undefined
  }
}

function counterIn(registry: Registry, prefix: string) {
  return <Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> =>
    new Counter({ name: `${prefix}${name}`, help, labelNames, registers: [registry] })
}
