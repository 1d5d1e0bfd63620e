import type { Session } from './contract.ts'
import type { SessionContent } from './record.ts'

export interface Lifetimes {
  /** From login to the end, whatever is done. */
  readonly lifetimeMs: number
  /** Ends a session that is not used for that long; `undefined`: off. */
  readonly idleTimeoutMs: number | undefined
}

/** No session lives longer, whichever its lifetime is: for what has to outlast one that is not known. */
export const LONGEST_LIFETIME_MS = 400 * 86_400_000

/** "Last seen" is written at most this often; oftener only where a short idle timeout needs it. */
const TOUCH_EVERY_MS = 60_000
/** With no idle timeout it only tells the operator when the session was last used. */
const TOUCH_EVERY_WITHOUT_IDLE_MS = 300_000
/** An idle timeout may end a session early by this part of itself, for the writes that it saves. */
const IDLE_PRECISION = 1 / 20

/** A provider whose tokens are over as they come is asked no oftener. */
const REFRESH_EVERY_MS = 5_000

/** How long after a write of "last seen" the next one is due, for an idle timeout of this length. */
export function touchIntervalMs({ idleTimeoutMs }: Partial<Lifetimes>): number {
  return idleTimeoutMs === undefined
    ? TOUCH_EVERY_WITHOUT_IDLE_MS
    : Math.min(TOUCH_EVERY_MS, idleTimeoutMs * IDLE_PRECISION)
}

/** The session's own, else the configured one; `undefined`: off. */
export function idleTimeoutOf(
  { idleTimeout }: Pick<SessionContent, 'idleTimeout'>,
  lifetimes: Lifetimes,
): number | undefined {
  if (idleTimeout === undefined) return lifetimes.idleTimeoutMs
  return idleTimeout === 'off' ? undefined : idleTimeout
}

/** When the session is over if nobody uses it any more: what the store is told. */
export function endOf(content: SessionContent, lifetimes: Lifetimes): number {
  const { expiresAt, lastSeenAt } = content.session
  const idleTimeoutMs = idleTimeoutOf(content, lifetimes)
  return idleTimeoutMs === undefined ? expiresAt : Math.min(expiresAt, lastSeenAt + idleTimeoutMs)
}

/** The session as used now. */
export function touched(session: Session, now: number): Session {
  const longestIdleMs = Math.max(session.longestIdleMs, now - session.lastSeenAt)
  return { ...session, lastSeenAt: now, longestIdleMs }
}

/** When the session expires after a refresh at which the provider said how long it may last, or did not. */
export function renewedExpiry({ expiresAt, lifetimeEndsAt }: Session, saidUntil: number | undefined): number {
  return Math.min(saidUntil ?? expiresAt, lifetimeEndsAt)
}

/**
 * When the access token is due for a refresh; `Infinity` where there is nothing to refresh. Never before half of the token's
 * life is over, so that a provider whose tokens live shorter than `beforeMs` is not asked all the time, and after a failure not before
 * some time has passed, whichever instance failed.
 */
export function refreshDueAt({ session, tokensObtainedAt, refresh }: SessionContent, beforeMs: number): number {
  const { accessTokenExpiresAt, refreshToken } = session.tokens
  if (refreshToken === undefined || accessTokenExpiresAt === undefined) return Number.POSITIVE_INFINITY
  const halfway = tokensObtainedAt + (accessTokenExpiresAt - tokensObtainedAt) / 2
  const retryAt = refresh?.retryAt ?? 0
  return Math.max(accessTokenExpiresAt - beforeMs, halfway, tokensObtainedAt + REFRESH_EVERY_MS, retryAt)
}
