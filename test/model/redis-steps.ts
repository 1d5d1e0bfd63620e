import type { ProviderState } from './sim-provider.ts'
import { createRandom, type Random } from './random.ts'
import { describeStep, type Action, type EndAllBy, type Step } from './steps.ts'

/** What is done to a real server, or to the way to it. */
export type RedisFault =
  /** SIGSTOP and SIGCONT. */
  | 'stopped'
  /** Killed with -9 and started again with its data. */
  | 'killed'
  /** `DEBUG SLEEP`: it does nothing at all. */
  | 'busy'
  /** `CLIENT PAUSE … ALL`, `… WRITE`. */
  | 'paused'
  | 'paused_for_writes'
  /** `CLIENT KILL TYPE normal`. */
  | 'clients_killed'
  /** Takes no writes, for want of memory. */
  | 'full'
  /** Takes no writes, for want of replicas. */
  | 'alone'

export type WayFault =
  /** Connections are reset. */
  | 'reset'
  /** Nothing comes back; then the connections are reset. */
  | 'silent'
  | 'slow'
  /** A reply is cut in its middle. */
  | 'cut_short'

export type RedisAction =
  | Exclude<Action, { kind: 'server' | 'path' | 'failover' | 'pause' }>
  | { readonly kind: 'redis'; readonly fault: RedisFault; readonly forMs: number }
  | { readonly kind: 'way'; readonly instance: number; readonly fault: WayFault; readonly forMs: number }

export type RedisStep = RedisAction & { readonly seed: number; readonly waitMs: number }

export const REDIS_INSTANCES = 3
const PEOPLE = 4
const RECENT = 12

/** Storms and calms follow each other, each this many steps long: what holds only while all is well is tried too. */
const PHASE = 150

const CALM = {
  create: 2.5,
  open: 60,
  end: 1.2,
  endAll: 0.2,
  revoke: 0.15,
  wait: 2,
  crash: 0,
  redis: 0,
  way: 0,
  provider: 0,
} satisfies Partial<Record<RedisAction['kind'], number>>
const STORM = { ...CALM, crash: 0.6, redis: 1, way: 2, provider: 0.6 }

/** Draws the steps of a run against a real server; the last one gives everything time. */
export function drawRedisSteps(seed: number, count: number): RedisStep[] {
  const random = createRandom(seed)
  const steps: RedisStep[] = []
  let sessions = 0
  for (let i = 1; i <= count; i++) {
    const isQuiet = i === count || i === Math.floor(count / 2)
    const isStorm = Math.floor(i / PHASE) % 2 === 1
    let kind: RedisAction['kind'] = isQuiet ? 'quiesce' : random.weighted(isStorm ? STORM : CALM)
    if (sessions === 0 && !isQuiet) kind = 'create'
    // In the middle, so that there is life before and after it.
    if (i === Math.floor(count * 0.7)) kind = 'empty'
    const action = drawAction(kind, random, sessions)
    if (action.kind === 'create') sessions++
    steps.push({ ...action, seed: random.between(0, 2 ** 31), waitMs: drawWait(kind, random) })
  }
  return steps
}

function drawAction(kind: RedisAction['kind'], random: Random, sessions: number): RedisAction {
  const instance = random.between(0, REDIS_INSTANCES - 1)
  const session = random.between(random.chance(0.8) ? Math.max(0, sessions - RECENT) : 0, sessions - 1)
  switch (kind) {
    case 'create': {
      const accessLifeMs = random.pick([undefined, 1_000, 6_000])
      return {
        kind,
        session: sessions,
        instance,
        person: random.between(0, PEOPLE - 1),
        accessLifeMs,
        isRotating: random.chance(0.8),
      }
    }
    case 'open': {
      const times = random.chance(0.7) ? 1 : random.between(2, 9)
      const instances = Array.from({ length: times }, () => random.between(0, REDIS_INSTANCES - 1))
      return { kind, session, instances, deny: random.chance(0.05) }
    }
    case 'end':
      return { kind, session, instance }
    case 'endAll':
      return { kind, session, instance, by: random.pick<EndAllBy>(['subject', 'sid', 'both']) }
    case 'revoke':
      return { kind, session }
    case 'crash':
      return { kind, instance }
    case 'redis': {
      const faults = [
        'stopped',
        'killed',
        'busy',
        'paused',
        'paused_for_writes',
        'clients_killed',
        'full',
        'alone',
      ] as const
      return { kind, fault: random.pick<RedisFault>(faults), forMs: random.between(20, 700) }
    }
    case 'way': {
      const fault = random.pick<WayFault>(['reset', 'silent', 'slow', 'cut_short'])
      return { kind, instance, fault, forMs: random.between(20, 700) }
    }
    case 'provider': {
      const state = random.pick<ProviderState>(['failing', 'lossy', 'slow'])
      return { kind, state, forMs: random.between(100, 1_500) }
    }
    case 'empty':
    case 'quiesce':
    case 'wait':
      return { kind }
  }
}

function drawWait(kind: RedisAction['kind'], random: Random): number {
  if (kind === 'wait') return random.between(20, 300)
  if (random.chance(0.3)) return 0
  return random.chance(0.9) ? random.between(1, 8) : random.between(8, 60)
}

/** One line for a person to read. */
export function describeRedisStep(step: RedisStep): string {
  const then = `; then ${step.waitMs} ms`
  if (step.kind === 'redis') return `Redis is ${step.fault} for ${step.forMs} ms${then}`
  if (step.kind === 'way')
    return `the way of ${'ABC'[step.instance]} to Redis: ${step.fault} for ${step.forMs} ms${then}`
  return describeStep(step as Step)
}
