import { GateError } from '../../src/kernel/errors.ts'
import type { Session } from '../../src/sessions/contract.ts'
import { touchIntervalMs } from '../../src/sessions/lifetimes.ts'
import type { Observed } from './observed.ts'
import type { Spend } from './sim-provider.ts'
import type { Profile } from './steps.ts'
import { numberOfAccessToken, type TrueSession } from './truth.ts'

/** What a call gave: a session, none, or an error. */
export type Outcome = { readonly session: Session | undefined } | { readonly error: unknown }

/** One call of an instance, from its beginning to its end. */
export interface Call {
  readonly instance: Observed
  readonly from: number
  readonly to: number
  /** The highest number of an access token that the instance had given for the session when it was called. */
  readonly tokenBefore: number
}

/** When a session was there, as far as it is known. */
export interface Presence {
  /** Whether it may have been there at some moment from `from` to `to`, both included. */
  wasThere(from: number, to: number): boolean
  /** Whether it may have been missing at some moment from `from` to `to`. */
  wasMissing(from: number, to: number): boolean
  /** When it ended last, before or at `by`; `undefined` while it is there or never was. */
  endedAt(by: number): number | undefined
}

/** What is promised, and how much the machine may add. */
export interface Bounds {
  /** Within this the store is in use again once it is well. */
  readonly recoveryMs: number
  /** A connection that died without a sign is noticed within a heartbeat and a deadline. */
  readonly unnoticedMs: number
  /** How long people who are signed in go on while the store is away. */
  readonly graceMs: number
  /** The longest that a message takes on a connection that is well. */
  readonly latencyMs: number
  /** The longest that a write in the background takes. */
  readonly writtenWithinMs: number
}

/** What the judge knows of the world. */
export interface Facts {
  readonly profile: Pick<Profile, 'nearCacheSize' | 'idleTimeoutMs' | 'lifetimeMs' | 'onRefreshFailure' | 'skewMs'>
  readonly bounds: Bounds
  readonly presenceOf: (session: TrueSession) => Presence
  /** When the store lost writes or everything, last. */
  readonly lossAt: number
}

/** Whoever spends a refresh token and is cut off from the store for longer is not waited for by all. */
const CUT_OFF_MS = 5_000
/** How much earlier an idle session may end. */
const IDLE_PRECISION = 1 / 20
/** Says what is wrong with what `open` gave, if anything is. */
export function judgeOpen(session: TrueSession, call: Call, outcome: Outcome, facts: Facts): string | undefined {
  if ('error' in outcome) return judgeError(call, outcome.error, facts.bounds)
  if (outcome.session === undefined) return judgeRefusal(session, call, facts)
  return judgeAcceptance(session, outcome.session, call, facts)
}

/** Says what is wrong with an error, if anything is. */
export function judgeError(
  { instance, from, to }: Omit<Call, 'tokenBefore'>,
  error: unknown,
  { recoveryMs }: Bounds,
): string | undefined {
  if (!(error instanceof GateError) || error.code !== 'ERR_SESSION_STORE_UNAVAILABLE')
    return `an error that nobody may see: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  if (!instance.trouble.overlaps(from - recoveryMs, to)) return 'the store is said to be away, and is not'
  return undefined
}

function judgeAcceptance(session: TrueSession, got: Session, call: Call, facts: Facts): string | undefined {
  const { instance, from, to } = call
  const { profile, presenceOf } = facts
  if (got.subject !== session.first.subject || !got.tokens.idToken.endsWith(`/${session.number}`))
    return `it is the session of another: ${got.subject}, ${got.tokens.idToken}`
  if (Math.floor(from) - profile.skewMs >= session.first.expiresAt) return 'it is accepted after its lifetime'
  const { idleTimeoutMs } = profile
  const lastUse = session.tries.findLast((at) => at < from) ?? session.begunAt
  if (
    idleTimeoutMs !== undefined &&
    from >= lastUse + idleTimeoutMs + facts.bounds.writtenWithinMs + 2 * profile.skewMs
  )
    return `it is accepted although nobody used it for ${Math.round(from - lastUse)} ms`
  const endedHere = instance.endsCalled.get(session.number)
  if (endedHere !== undefined && endedHere <= from && !turnedOutToBeNothing(session, instance))
    return 'it is accepted on the instance where it was ended'
  if (!presenceOf(session).wasThere(from - staleness(session, call, facts), to))
    return 'it is accepted although it was over'
  const number = numberOfAccessToken(got)
  if (number < call.tokenBefore && facts.lossAt < session.begunAt)
    return `its access token ${number} is older than one that was given here before`
  return undefined
}

/** An end that found no record is none; the record may come back with a failover. */
function turnedOutToBeNothing(session: TrueSession, instance: Observed): boolean {
  return session.ends.filter((end) => end.instance === instance).every(({ outcome }) => outcome === 'nothing')
}

/** For how long an instance may not know that a session is over. */
function staleness(session: TrueSession, { instance, from, to }: Call, { profile, bounds, presenceOf }: Facts): number {
  if (profile.nearCacheSize === undefined) return 0
  const endedAt = presenceOf(session).endedAt(from)
  if (endedAt === undefined) return 0
  if (!instance.trouble.overlaps(endedAt - bounds.recoveryMs, to)) return bounds.latencyMs
  return bounds.unnoticedMs + bounds.graceMs + bounds.latencyMs
}

function judgeRefusal(session: TrueSession, { instance, from, to }: Call, facts: Facts): string | undefined {
  if (session.mayBeEnded || session.ends.some((end) => end.instance === instance && end.calledAt <= to))
    return undefined
  if (Math.floor(to) + facts.profile.skewMs >= session.first.expiresAt) return undefined
  if (!facts.presenceOf(session).wasMissing(from, to)) {
    return isIdle(session, to, facts) ? undefined : 'it is refused although it is alive'
  }
  const wasEnded = session.ends.length > 0 || session.mayBeEnded
  const isOver = wasEnded || facts.lossAt >= session.begunAt || isRejected(session, facts.profile)
  return isOver || isIdle(session, to, facts) ? undefined : 'it was lost for no listed cause'
}

/** Whether the provider has given a reason to end it. */
function isRejected({ family }: TrueSession, { onRefreshFailure }: Facts['profile']): boolean {
  return family !== undefined && (family.hasRejected || (onRefreshFailure === 'end' && family.hasFailed))
}

/** Whether it may be over because it was not used: what was written of its last use may be older by a part of the timeout. */
function isIdle({ uses, begunAt }: TrueSession, now: number, { profile, bounds }: Facts): boolean {
  const { idleTimeoutMs } = profile
  if (idleTimeoutMs === undefined) return false
  const touchMs = touchIntervalMs(profile)
  const written = uses.findLast(({ instance, at }) => {
    const until = at + bounds.writtenWithinMs
    const hasLived = until <= now && (instance.diedAt ?? Infinity) > until
    return hasLived && !instance.trouble.overlaps(at - touchMs - bounds.recoveryMs, until)
  })
  return now + 2 * profile.skewMs >= (written?.at ?? begunAt) + idleTimeoutMs * (1 - IDLE_PRECISION)
}

/** Says what is wrong with the removal of a record, if anything is. */
export function judgeDeletion(session: TrueSession | undefined, profile: Profile): string | undefined {
  // Nobody got the ticket, or not yet.
  if (session === undefined) return undefined
  return session.ends.length > 0 || session.mayBeEnded || isRejected(session, profile)
    ? undefined
    : 'it is ended, and nobody asked for it'
}

/** Says what is wrong with a refresh token's second use, if anything is. */
export function judgeSpend(session: TrueSession, first: Spend, again: Spend, facts: Facts): string | undefined {
  // Who used it does not know, or had given up: a call that hung is done late.
  if (first.isUncertain || again.isUncertain) return undefined
  // With the last writes of the store it is lost who was spending it.
  if (facts.lossAt >= Math.min(first.askedAt, again.askedAt) - facts.bounds.recoveryMs) return undefined
  const isSaved = (session.storedAt.get(first.number + 1) ?? Infinity) <= again.doneAt
  if (!isSaved && !first.by.owner.isAlive) return undefined
  if (first.by.trouble.within(first.askedAt, again.askedAt) >= CUT_OFF_MS) return undefined
  const agoMs = Math.round(again.doneAt - first.doneAt)
  return `refresh token ${first.number} is used by ${again.by.name}, ${agoMs} ms after ${first.by.name} used it${isSaved ? ' and its successor was stored' : ''}`
}
