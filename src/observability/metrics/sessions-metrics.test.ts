import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import type { NearCacheFigures } from '../../sessions/active-sessions.ts'
import type { BreakerState } from '../../sessions/contract.ts'
import { addSessionsMetrics, type SessionsState } from './sessions-metrics.ts'

const NO_FIGURES: NearCacheFigures = { sessions: 0, hits: 0, misses: 0, graces: 0, invalidations: 0, evictions: 0 }

/** The samples as they are scraped, without what explains them. */
async function samplesOf(registry: Registry): Promise<string[]> {
  const text = await registry.metrics()
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

function registryOf(store: SessionsState['store'], nearCache: () => NearCacheFigures | undefined): Registry {
  const registry = new Registry()
  addSessionsMetrics(registry, 'o_', { store, nearCache })
  return registry
}

/** Of what is below. */
const samples = (breaker: number, lookups: readonly number[]): string[] => [
  'o_session_store_up{store="redis"} 1',
  `o_session_store_breaker_state{store="redis"} ${breaker}`,
  'o_sessions_live{store="redis"} 12',
  'o_near_cache_sessions 3',
  `o_near_cache_lookups_total{result="hit"} ${lookups[0]}`,
  `o_near_cache_lookups_total{result="miss"} ${lookups[1]}`,
  `o_near_cache_lookups_total{result="grace"} ${lookups[2]}`,
  'o_near_cache_invalidations_total 7',
  'o_near_cache_evictions_total 2',
]

test('a store says whether it is up, how many sessions are live and what the breaker does; the near cache what it has done', async () => {
  const state: { breaker: BreakerState; figures: NearCacheFigures } = {
    breaker: 'closed',
    figures: { sessions: 3, hits: 90, misses: 10, graces: 4, invalidations: 7, evictions: 2 },
  }
  const store = { kind: 'redis', ping() {}, countSessions: () => 12, breaker: () => state.breaker }
  const registry = registryOf(store, () => state.figures)
  assert.deepEqual(await samplesOf(registry), samples(0, [90, 6, 4]))
  state.breaker = 'open'
  state.figures = { ...state.figures, hits: 91 }
  assert.deepEqual(await samplesOf(registry), samples(1, [91, 6, 4]))
  state.breaker = 'half_open'
  assert.deepEqual(await samplesOf(registry), samples(2, [91, 6, 4]))
})

test('what cannot be asked is left out, and what there is not is not shown', async () => {
  const away = {
    kind: 'redis',
    ping: () => Promise.reject(new Error('away')),
    countSessions: () => Promise.reject(new Error('away')),
  }
  assert.deepEqual(await samplesOf(registryOf(away, () => undefined)), ['o_session_store_up{store="redis"} 0'])
  const memory = { kind: 'memory', ping() {}, countSessions: () => 5 }
  assert.deepEqual(await samplesOf(registryOf(memory, () => undefined)), [
    'o_session_store_up{store="memory"} 1',
    'o_sessions_live{store="memory"} 5',
  ])
  const plugin = { kind: 'mine', ping() {} }
  assert.deepEqual(
    (await samplesOf(registryOf(plugin, () => NO_FIGURES))).filter((line) => line.includes('store')),
    ['o_session_store_up{store="mine"} 1'],
  )
})
