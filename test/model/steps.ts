import type { ProviderState } from './sim-provider.ts'
import type { ServerState } from './sim-network.ts'
import { createRandom, type Random } from './random.ts'

/** What one run is about: drawn from the seed once. */
export interface Profile {
  readonly instances: number
  /** How many sessions the near cache takes; nothing: there is none. */
  readonly nearCacheSize: number | undefined
  readonly idleTimeoutMs: number | undefined
  readonly lifetimeMs: number
  readonly onRefreshFailure: 'keep' | 'end'
  /** How many sessions the store in memory takes; nothing: they are in one that is shared. */
  readonly memorySize: number | undefined
  /** By how much the clock of an instance may be wrong. */
  readonly skewMs: number
  /** Tokens are refreshed all the time, and whoever does it is disturbed. */
  readonly isRefreshing: boolean
}

/** One thing that is done to the instances, or to the world around them. */
export type Action =
  | {
      readonly kind: 'create'
      readonly session: number
      readonly instance: number
      readonly person: number
      /** Nothing: there is no refresh token. */
      readonly accessLifeMs: number | undefined
      readonly isRotating: boolean
    }
  | { readonly kind: 'open'; readonly session: number; readonly instances: readonly number[]; readonly deny: boolean }
  | { readonly kind: 'end'; readonly session: number; readonly instance: number }
  /** Of the person that the session is of, or of its session at the provider. */
  | { readonly kind: 'endAll'; readonly session: number; readonly instance: number; readonly by: EndAllBy }
  | { readonly kind: 'revoke'; readonly session: number }
  | { readonly kind: 'crash'; readonly instance: number }
  /** It stands still, as one that was stopped, or whose machine was. */
  | { readonly kind: 'pause'; readonly instance: number; readonly forMs: number }
  | { readonly kind: 'server'; readonly state: ServerState; readonly forMs: number }
  | { readonly kind: 'path'; readonly instance: number; readonly fault: PathFault; readonly forMs: number }
  | { readonly kind: 'failover'; readonly lostWrites: number; readonly downMs: number }
  | { readonly kind: 'empty' }
  | { readonly kind: 'provider'; readonly state: ProviderState; readonly forMs: number }
  /** Everything is mended, and given time: then what is known everywhere is what is true. */
  | { readonly kind: 'quiesce' }
  | { readonly kind: 'wait' }

export type EndAllBy = 'subject' | 'sid' | 'both'

export type PathFault = 'stall' | 'reset' | 'cut' | 'slow' | 'flaky'

/** An action, what the latencies after it are drawn from, and how long until the next. */
export type Step = Action & { readonly seed: number; readonly waitMs: number }

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const PEOPLE = 4
const QUIESCE_EVERY = 150
/** Sessions that are worth a look: older ones are mostly over. */
const RECENT = 5

export function drawProfile(seed: number): Profile {
  const random = createRandom(seed)
  return {
    instances: random.between(1, 4),
    nearCacheSize: random.pick([undefined, 3, 1000, 1000]),
    idleTimeoutMs: random.pick([undefined, 10 * MINUTE, HOUR]),
    lifetimeMs: random.pick([HOUR, 24 * HOUR]),
    onRefreshFailure: random.chance(0.7) ? 'keep' : 'end',
    memorySize: random.chance(0.15) ? random.pick([4, 8, 1000]) : undefined,
    skewMs: random.chance(0.3) ? random.between(1, 500) : 0,
    isRefreshing: random.chance(0.25),
  }
}

const WEIGHTS: Record<Exclude<Action['kind'], 'quiesce'>, number> = {
  create: 5,
  open: 60,
  end: 3,
  endAll: 0.7,
  revoke: 0.5,
  crash: 1,
  pause: 0.5,
  server: 1.2,
  path: 2,
  failover: 0.3,
  empty: 0.1,
  provider: 1.2,
  wait: 3,
}

const REFRESHING: typeof WEIGHTS = {
  ...WEIGHTS,
  create: 2,
  end: 1,
  endAll: 0.2,
  crash: 2,
  pause: 2,
  path: 5,
  failover: 1,
  provider: 4,
  wait: 10,
}

/** Draws the steps of a run. */
export function drawSteps(seed: number, count: number, profile: Profile): Step[] {
  const random = createRandom(seed ^ 0x5eed)
  const steps: Step[] = []
  let sessions = 0
  for (let i = 1; i <= count; i++) {
    const isQuiet = i % QUIESCE_EVERY === 0 || i === count
    let kind: Action['kind'] = isQuiet ? 'quiesce' : random.weighted(profile.isRefreshing ? REFRESHING : WEIGHTS)
    if (sessions === 0 && !isQuiet) kind = 'create'
    const action = drawAction(kind, random, profile, sessions)
    if (action.kind === 'create') sessions++
    steps.push({ ...action, seed: random.between(0, 2 ** 31), waitMs: drawWait(kind, random, profile) })
  }
  return steps
}

function drawAction(kind: Action['kind'], random: Random, profile: Profile, sessions: number): Action {
  const instance = random.between(0, profile.instances - 1)
  const session = random.chance(0.85)
    ? random.between(Math.max(0, sessions - RECENT), sessions - 1)
    : random.between(0, sessions - 1)
  switch (kind) {
    case 'create': {
      const accessLifeMs = profile.isRefreshing ? 30_000 : random.pick([undefined, 30_000, MINUTE, 5 * MINUTE])
      const person = random.between(0, PEOPLE - 1)
      return { kind, session: sessions, instance, person, accessLifeMs, isRotating: random.chance(0.8) }
    }
    case 'open': {
      const times = random.chance(0.7) ? 1 : random.between(2, 6)
      const instances = Array.from({ length: times }, () => random.between(0, profile.instances - 1))
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
    case 'pause':
      return { kind, instance, forMs: random.between(100, 15_000) }
    case 'server':
      return { kind, state: random.pick(['down', 'hung', 'busy', 'read_only']), forMs: drawDuration(random) }
    case 'path': {
      const fault = random.pick<PathFault>(['stall', 'reset', 'cut', 'slow', 'flaky'])
      return { kind, instance, fault, forMs: profile.isRefreshing ? random.between(50, 15_000) : drawDuration(random) }
    }
    case 'failover':
      return { kind, lostWrites: random.between(0, 8), downMs: random.between(0, 5_000) }
    case 'provider':
      return {
        kind,
        state: random.pick<ProviderState>(['failing', 'lossy', 'slow', 'hanging']),
        forMs: drawDuration(random),
      }
    default:
      return { kind }
  }
}

function drawDuration(random: Random): number {
  return random.pick([random.between(5, 200), random.between(200, 3_000), random.between(3_000, 90_000)])
}

/** Mostly so short that things happen at the same time; now and then until tokens, idle sessions or all of them are over. */
function drawWait(kind: Action['kind'], random: Random, { isRefreshing }: Profile): number {
  const roll = random.next()
  if (kind === 'wait' && isRefreshing) return random.between(1_000, 20_000)
  if (kind === 'wait') {
    if (roll < 0.4) return random.between(1_000, 30_000)
    if (roll < 0.8) return random.between(30_000, 5 * MINUTE)
    return roll < 0.98 ? random.between(5 * MINUTE, 20 * MINUTE) : random.between(HOUR, 3 * HOUR)
  }
  if (roll < 0.35) return 0
  if (roll < 0.75) return random.next() * 5
  return roll < 0.95 ? random.between(5, 300) : random.between(300, 5_000)
}

const NAMES = 'ABCDEFGH'

export function nameOfInstance(instance: number): string {
  return NAMES[instance] ?? String(instance)
}

/** One line for a person to read. */
export function describeStep(step: Step): string {
  const { seed: _seed, waitMs, ...action } = step
  return `${describeAction(action)}; then ${Math.round(waitMs * 10) / 10} ms`
}

function describeAction(action: Action): string {
  switch (action.kind) {
    case 'create': {
      const { session, instance, person, accessLifeMs, isRotating } = action
      const rotating = isRotating ? '' : ' that are not rotated'
      const tokens = accessLifeMs === undefined ? 'no refresh token' : `tokens for ${accessLifeMs / 1000} s${rotating}`
      return `person ${person} logs in at ${nameOfInstance(instance)}: session ${session}, ${tokens}`
    }
    case 'open':
      return `session ${action.session} is opened at ${action.instances.map(nameOfInstance).join(' ')}${action.deny ? ' (deny)' : ''}`
    case 'end':
      return `session ${action.session} is ended at ${nameOfInstance(action.instance)}`
    case 'endAll':
      return `all sessions like session ${action.session} (${action.by}) are ended at ${nameOfInstance(action.instance)}`
    case 'revoke':
      return `the provider revokes the tokens of session ${action.session}`
    case 'pause':
      return `${nameOfInstance(action.instance)} stands still for ${action.forMs} ms`
    case 'crash':
      return `${nameOfInstance(action.instance)} crashes and starts again`
    case 'server':
      return `the store is ${action.state} for ${action.forMs} ms`
    case 'path':
      return `the way from ${nameOfInstance(action.instance)} to the store: ${action.fault} for ${action.forMs} ms`
    case 'failover':
      return `failover of the store: down ${action.downMs} ms, ${action.lostWrites} writes lost`
    case 'empty':
      return 'the store is emptied'
    case 'provider':
      return `the provider is ${action.state} for ${action.forMs} ms`
    case 'quiesce':
      return 'everything is mended, and given time'
    case 'wait':
      return 'nothing'
  }
}
