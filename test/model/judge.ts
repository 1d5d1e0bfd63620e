import { GateError } from '../../src/kernel/errors.ts'
import type { Session } from '../../src/sessions/contract.ts'
import { touchIntervalMs } from '../../src/sessions/lifetimes.ts'
import { GRACE_MS, type Instance } from './instance.ts'
import type { SimServer } from './sim-server.ts'
import type { Spend } from './sim-provider.ts'
import type { Profile } from './steps.ts'
import { numberOfAccessToken, type TrueSession } from './truth.ts'

/** What a call gave: a session, none, or an error. */
export type Outcome = { readonly session: Session | undefined } | { readonly error: unknown }

/** One call of an instance, from its beginning to its end. */
export interface Call {
  readonly instance: Instance
  readonly from: number
  readonly to: number
  /** The highest number of an access token that the instance had given for the session when it was called. */
  readonly tokenBefore: number
}

/** What the judge knows of the world. */
export interface Facts {
  readonly profile: Profile
  readonly server: SimServer
  /** When the store lost writes or everything, last. */
  readonly lossAt: number
}

/** Within this the store is in use again once it is well. */
const RECOVERY_MS = 2_000
/** A connection that died without a sign is noticed within a heartbeat and a deadline. */
const UNNOTICED_MS = 600
/** The longest that a message takes on a connection that is well. */
const LATENCY_MS = 100
/** For so long at least the new tokens are waited for of one who cannot store them. */
const WAITED_FOR_MS = 10_000
/** How much earlier an idle session may end. */
const IDLE_PRECISION = 1 / 20
/** For a write in the background. */
const WRITTEN_WITHIN_MS = 1_000

/** Says what is wrong with what `open` gave, if anything is. */
export function judgeOpen(session: TrueSession, call: Call, outcome: Outcome, facts: Facts): string | undefined {
  if ('error' in outcome) return judgeError(call, outcome.error)
  if (outcome.session === undefined) return judgeRefusal(session, call, facts)
  return judgeAcceptance(session, outcome.session, call, facts)
}

/** Says what is wrong with an error, if anything is. */
export function judgeError({ instance, from, to }: Omit<Call, 'tokenBefore'>, error: unknown): string | undefined {
  if (!(error instanceof GateError) || error.code !== 'ERR_SESSION_STORE_UNAVAILABLE')
    return `an error that nobody may see: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  if (!instance.trouble.overlaps(from - RECOVERY_MS, to)) return 'the store is said to be away, and is not'
  return undefined
}

function judgeAcceptance(session: TrueSession, got: Session, call: Call, facts: Facts): string | undefined {
  const { instance, from, to } = call
  const { profile, server } = facts
  if (got.subject !== session.first.subject || !got.tokens.idToken.endsWith(`/${session.number}`))
    return `it is the session of another: ${got.subject}, ${got.tokens.idToken}`
  if (Math.floor(from) >= session.first.expiresAt) return 'it is accepted after its lifetime'
  const { idleTimeoutMs } = profile
  const lastUse = session.tries.findLast((at) => at < from) ?? session.first.createdAt
  if (idleTimeoutMs !== undefined && from >= lastUse + idleTimeoutMs + 5)
    return `it is accepted although nobody used it for ${Math.round(from - lastUse)} ms`
  const endedHere = instance.endsCalled.get(session.number)
  if (endedHere !== undefined && endedHere <= from && !turnedOutToBeNothing(session, instance))
    return 'it is accepted on the instance where it was ended'
  if (!server.timeline(session.key).wasThere(from - staleness(session, call, facts), to))
    return 'it is accepted although it was over'
  const number = numberOfAccessToken(got)
  if (number < call.tokenBefore && facts.lossAt < session.first.createdAt)
    return `its access token ${number} is older than one that was given here before`
  return undefined
}

/** An end that found no record is none; the record may come back with a failover. */
function turnedOutToBeNothing(session: TrueSession, instance: Instance): boolean {
  return session.ends.filter((end) => end.instance === instance).every(({ outcome }) => outcome === 'nothing')
}

/** For how long an instance may not know that a session is over. */
function staleness({ key }: TrueSession, { instance, from }: Call, { profile, server }: Facts): number {
  if (profile.nearCacheSize === undefined) return 0
  const endedAt = server.timeline(key).endedAt(from)
  if (endedAt === undefined) return 0
  if (!instance.trouble.overlaps(endedAt - RECOVERY_MS, from)) return LATENCY_MS
  return UNNOTICED_MS + GRACE_MS + LATENCY_MS
}

function judgeRefusal(session: TrueSession, { instance, from, to }: Call, facts: Facts): string | undefined {
  if (session.mayBeEnded || session.ends.some((end) => end.instance === instance && end.calledAt <= to))
    return undefined
  if (Math.floor(to) >= session.first.expiresAt) return undefined
  if (!facts.server.timeline(session.key).wasMissing(from, to)) {
    return isIdle(session, to, facts.profile) ? undefined : 'it is refused although it is alive'
  }
  const wasEnded = session.ends.length > 0 || session.mayBeEnded
  const isOver = wasEnded || facts.lossAt >= session.first.createdAt || isRejected(session, facts.profile)
  return isOver || isIdle(session, to, facts.profile) ? undefined : 'it was lost for no listed cause'
}

/** Whether the provider has given a reason to end it. */
function isRejected({ family }: TrueSession, { onRefreshFailure }: Profile): boolean {
  return family !== undefined && (family.hasRejected || (onRefreshFailure === 'end' && family.hasFailed))
}

/** Whether it may be over because it was not used: what was written of its last use may be older by a part of the timeout. */
function isIdle({ uses, first }: TrueSession, now: number, { idleTimeoutMs, lifetimeMs }: Profile): boolean {
  if (idleTimeoutMs === undefined) return false
  const touchMs = touchIntervalMs({ lifetimeMs, idleTimeoutMs })
  const written = uses.findLast(({ instance, at }) => {
    const until = at + WRITTEN_WITHIN_MS
    const hasLived = until <= now && (instance.diedAt ?? Infinity) > until
    return hasLived && !instance.trouble.overlaps(at - touchMs - RECOVERY_MS, until)
  })
  return now >= (written?.at ?? first.createdAt) + idleTimeoutMs * (1 - IDLE_PRECISION)
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
export function judgeSpend(
  session: TrueSession,
  [first, again]: readonly [Spend, Spend],
  { lossAt }: Facts,
  isCutOff: (spend: Spend, forMs: number) => boolean,
): string | undefined {
  // Who used it does not know, or had given up: a call that hung is done late.
  if (first.isUncertain || again.isUncertain) return undefined
  if (lossAt >= first.askedAt - RECOVERY_MS) return undefined
  const storedAt = session.storedAt.get(first.number + 1) ?? Infinity
  const isSaved = storedAt <= again.doneAt
  if (!isSaved && !first.by.isAlive) return undefined
  // Who spent it was cut off from the store for longer than anybody waits.
  const untilStored = Math.min(storedAt, again.askedAt) - first.askedAt
  if (untilStored >= WAITED_FOR_MS && isCutOff(first, untilStored)) return undefined
  const agoMs = Math.round(again.doneAt - first.doneAt)
  return `refresh token ${first.number} is used by ${again.by.name}, ${agoMs} ms after ${first.by.name} used it${isSaved ? ' and its successor was stored' : ''}`
}
