import { channel } from 'node:diagnostics_channel'
import type { EndReason } from './contract.ts'

/** What happens to sessions, for metrics and audit. Costs nothing while nobody listens. */
export type SessionEvent =
  | { readonly type: 'created'; readonly provider: string }
  | { readonly type: 'ended'; readonly provider: string; readonly reason: EndReason }
  | { readonly type: 'refused'; readonly cause: RefusalCause }
  /** Under the key of a session is something corrupt, foreign, newer, or sealed for another ticket; it stays as it is. */
  | { readonly type: 'unreadable' }
  /** A change made here came back as the message by which the store tells everybody; `lagMs` after it was sent. */
  | { readonly type: 'told'; readonly lagMs: number }
  | { readonly type: 'refreshed'; readonly provider: string; readonly outcome: 'refreshed' | 'rejected' | 'failed' }
  /** A connection that serves a session for longer began, or is over: by itself, or closed because of the session. */
  | { readonly type: 'stream'; readonly change: 'opened' | 'gone' | StreamEnd }

/** Whether somebody listens. */
export function isHeard(): boolean {
  return sessionEvents.hasSubscribers
}

/** Why a ticket opens nothing. */
export type RefusalCause = 'malformed' | 'unknown' | 'expired' | 'ended'

/** Why a stream is closed: its session is over, or the store could not say for too long whether it is. */
export type StreamEnd = 'session_ended' | 'store_unavailable'

/** Publishes each `SessionEvent` to whoever subscribed. */
export const sessionEvents = channel('oathkeeper:session')

export function publish(event: SessionEvent): void {
  if (sessionEvents.hasSubscribers) sessionEvents.publish(event)
}

/** For a ticket that opens nothing. */
export function refuse(cause: RefusalCause): undefined {
  publish({ type: 'refused', cause })
  return undefined
}
