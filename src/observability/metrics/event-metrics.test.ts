import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import type { LoginEvent } from '../../login/events.ts'
import type { SessionEvent } from '../../sessions/events.ts'
import type { StoreEvent } from '../../sessions/measured-store.ts'
import { countEvents } from './event-metrics.ts'

async function scrape(registry: Registry, name: string): Promise<string[]> {
  const text = await registry.metrics()
  return text.split('\n').filter((line) => line.startsWith(`o_${name}`))
}

function tellStore(operation: string, failed: boolean): void {
  channel('oathkeeper:session-store').publish({ operation, tookMs: 2, failed } satisfies StoreEvent)
}

test('an outage is told for reads and for writes, and how long it has been', async (t) => {
  const registry = new Registry()
  t.after(countEvents(registry, 'o_'))
  const outage = async (): Promise<boolean[]> =>
    (await scrape(registry, 'session_store_outage_seconds')).map((line) => Number(line.split(' ')[1]) > 0)
  assert.deepEqual(await outage(), [false, false])
  tellStore('count_sessions', true)
  assert.deepEqual(await outage(), [false, false])
  tellStore('create_session', true)
  tellStore('get_session', false)
  assert.deepEqual(await outage(), [false, true])
  tellStore('get_session', true)
  assert.deepEqual(await outage(), [true, true])
  tellStore('ping', false)
  tellStore('delete_session', false)
  assert.deepEqual(await outage(), [false, false])
})

test('logins are counted by provider, stage and outcome; messages about changes by how late they were', async (t) => {
  const registry = new Registry()
  t.after(countEvents(registry, 'o_'))
  for (const event of [
    { type: 'begun', provider: 'corp' },
    { type: 'completed', provider: 'corp' },
    { type: 'failed', provider: 'corp', stage: 'id_token', reason: 'answer_untrusted' },
    { type: 'failed', provider: undefined, stage: 'callback', reason: 'attempt_unknown' },
  ] satisfies LoginEvent[]) {
    channel('oathkeeper:login').publish(event)
  }
  assert.deepEqual(await scrape(registry, 'logins'), [
    'o_logins_begun_total{provider="corp"} 1',
    'o_logins_total{provider="corp",stage="session",outcome="completed"} 1',
    'o_logins_total{provider="corp",stage="id_token",outcome="answer_untrusted"} 1',
    'o_logins_total{provider="",stage="callback",outcome="attempt_unknown"} 1',
  ])
  channel('oathkeeper:session').publish({ type: 'told', lagMs: 2 } satisfies SessionEvent)
  const lags = await scrape(registry, 'near_cache_invalidation_lag_seconds')
  assert.ok(lags.includes('o_near_cache_invalidation_lag_seconds_bucket{le="0.001"} 0'))
  assert.ok(lags.includes('o_near_cache_invalidation_lag_seconds_bucket{le="0.0025"} 1'))
})

test('streams that are open are counted, and those that were closed because of their session', async (t) => {
  const registry = new Registry()
  t.after(countEvents(registry, 'o_'))
  for (const change of [
    'opened',
    'opened',
    'opened',
    'opened',
    'gone',
    'session_ended',
    'store_unavailable',
  ] as const) {
    channel('oathkeeper:session').publish({ type: 'stream', change } satisfies SessionEvent)
  }
  assert.deepEqual(await scrape(registry, 'session_streams'), [
    'o_session_streams 1',
    'o_session_streams_closed_total{cause="session_ended"} 1',
    'o_session_streams_closed_total{cause="store_unavailable"} 1',
  ])
})

test('once it is ended nobody listens any more', () => {
  const names = ['oathkeeper:session', 'oathkeeper:login', 'oathkeeper:session-store']
  const end = countEvents(new Registry(), 'o_')
  assert.ok(names.every((name) => channel(name).hasSubscribers))
  end()
  assert.ok(names.every((name) => !channel(name).hasSubscribers))
})
