import type { Session, SessionDraft } from './contract.ts'
import { idleTimeoutOf, type Lifetimes } from './lifetimes.ts'
import type { RandomBytes } from './random.ts'
import type { SessionContent } from './record.ts'
import { issueTicket, publicSessionId, type Ticket } from './ticket.ts'

export interface NewSessionOptions {
  readonly random: RandomBytes
  readonly lifetimes: Lifetimes
  readonly now: number
}

/** A session that begins now, under a ticket that nobody had before. */
export function newSession(
  draft: SessionDraft,
  { random, lifetimes, now }: NewSessionOptions,
): { readonly ticket: Ticket; readonly content: SessionContent } {
  const {
    address,
    userAgent,
    lifetimeMs = lifetimes.lifetimeMs,
    idleTimeout,
    isRemembered = false,
    expiresAt = Number.POSITIVE_INFINITY,
    ...identity
  } = draft
  const lifetimeEndsAt = now + lifetimeMs
  const endsAt = Math.min(lifetimeEndsAt, expiresAt)
  const idleTimeoutMs = idleTimeoutOf({ idleTimeout }, lifetimes)
  const ticket = issueTicket(random, { createdAt: now, expiresAt: endsAt, idleTimeoutMs })
  const session: Session = {
    ...identity,
    id: publicSessionId(ticket.key),
    createdAt: now,
    expiresAt: endsAt,
    lifetimeEndsAt,
    lastSeenAt: now,
    longestIdleMs: 0,
    isRemembered,
  }
  return { ticket, content: { session, address, userAgent, tokensObtainedAt: now, idleTimeout } }
}
