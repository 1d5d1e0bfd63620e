import type { Logger } from '../../src/kernel/logger.ts'
import type { SessionManager } from '../../src/sessions/contract.ts'
import { createSessionManager } from '../../src/sessions/manager.ts'
import type { PathFaults, SimNetwork } from './sim-network.ts'
import type { SimProvider } from './sim-provider.ts'
import { SimStore } from './sim-store.ts'
import { createRandom } from './random.ts'
import { createObserved, type Observed } from './observed.ts'
import { nameOfInstance, type Profile } from './steps.ts'

/** As `session_store.near_cache.max_age` and `session_store.outage.grace`. */
export const MAX_AGE_MS = 60_000
export const GRACE_MS = 30_000

/** One process of ours: its manager, and its way to the store. */
export interface Instance extends Observed {
  readonly slot: number
  readonly manager: SessionManager & { close(): Promise<void> }
  readonly store: SimStore
  readonly faults: PathFaults
}

export interface InstanceSetup {
  readonly slot: number
  /** Counts the starts in all. */
  readonly start: number
  readonly seed: number
  readonly profile: Profile
  readonly network: SimNetwork
  readonly provider: SimProvider
  readonly note: (line: string) => void
}

export function startInstance({ slot, start, seed, profile, network, provider, note }: InstanceSetup): Instance {
  const name = `${nameOfInstance(slot)}${start}`
  const observed = createObserved(name)
  const { owner } = observed
  const faults: PathFaults = { stalledUntil: 0, cutUntil: 0, slowMs: 0, failBefore: 0, failAfter: 0 }
  const tracking = profile.nearCacheSize !== undefined
  const random = createRandom(seed ^ (start * 7919))
  const clock = network.sim.clockOf(owner, random.between(-profile.skewMs, profile.skewMs))
  const store = new SimStore({ network, owner, clock, faults, tracking })
  const manager = createSessionManager({
    store,
    clock,
    logger: noteLogger(name, note),
    random: (count) => random.bytes(count),
    lifetimes: { lifetimeMs: profile.lifetimeMs, idleTimeoutMs: profile.idleTimeoutMs },
    refresh: { refreshBeforeMs: 60_000, onRefreshFailure: profile.onRefreshFailure },
    nearCache:
      profile.nearCacheSize === undefined
        ? undefined
        : { maxSessions: profile.nearCacheSize, maxAgeMs: MAX_AGE_MS, outageGraceMs: GRACE_MS },
  })
  manager.onRefresh((session, maySend) => provider.refresh(observed, session, maySend))
  return Object.assign(observed, { slot, manager, store, faults })
}

/** Puts what is logged into the history. */
export function noteLogger(name: string, note: (line: string) => void): Logger {
  const write = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    const { detail, cause, reason } = fields
    const why = [detail, reason, cause instanceof Error ? cause.message : cause].filter((part) => part !== undefined)
    note(`    ${name}: ${message}${why.length === 0 ? '' : ` (${why.map(String).join(', ')})`}`)
  }
  return { debug: write, info: write, warn: write, error: write }
}
