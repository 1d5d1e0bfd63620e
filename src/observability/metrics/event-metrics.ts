import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Counter, Histogram, type Registry } from 'prom-client'
import type { LoginEvent } from '../../login/events.ts'
import type { SessionEvent } from '../../sessions/events.ts'
import type { StoreEvent } from '../../sessions/measured-store.ts'

const STORE_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1]

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
  return (message) => {
    const event = message as SessionEvent
    switch (event.type) {
      case 'created':
        return created.inc({ provider: event.provider })
      case 'ended':
        return ended.inc({ provider: event.provider, reason: event.reason })
      case 'refused':
        return refused.inc({ cause: event.cause })
      case 'unreadable':
        return unreadable.inc()
      case 'refreshed':
        return refreshes.inc({ provider: event.provider, outcome: event.outcome })
    }
  }
}

function loginListener(registry: Registry, prefix: string): Listener {
  const counter = counterIn(registry, prefix)
  const logins = counter('logins_total', 'Logins that ended: completed, or why not.', ['provider', 'outcome'])
  const backchannel = counter('backchannel_logouts_total', 'Logouts that a provider told of: completed, or why not.', [
    'provider',
    'outcome',
  ])
  return (message) => {
    const event = message as LoginEvent
    if (event.type === 'backchannel_logout') {
      return backchannel.inc({ provider: event.provider, outcome: event.outcome })
    }
    const outcome = event.type === 'completed' ? event.type : event.reason
    return logins.inc({ provider: event.provider ?? '', outcome })
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
  return (message) => {
    const { operation, tookMs, failed } = message as StoreEvent
    durations.observe({ operation }, tookMs / 1000)
    if (failed) failures.inc({ operation })
  }
}

function counterIn(registry: Registry, prefix: string) {
  return <Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> =>
    new Counter({ name: `${prefix}${name}`, help, labelNames, registers: [registry] })
}
