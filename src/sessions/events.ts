import { channel } from 'node:diagnostics_channel'
import type { EndReason } from './contract.ts'

/** What happens to sessions, for metrics and audit. Costs nothing while nobody listens. */
export type SessionEvent =
  | { readonly type: 'created'; readonly provider: string }
  | { readonly type: 'ended'; readonly provider: string; readonly reason: EndReason }
  | { readonly type: 'refused'; readonly cause: RefusalCause }
  | { readonly type: 'refreshed'; readonly provider: string; readonly outcome: 'refreshed' | 'rejected' | 'failed' }

/** Why a ticket opens nothing. `unreadable`: a record is there, and it is corrupt, foreign, or sealed with another secret. */
export type RefusalCause = 'malformed' | 'unknown' | 'unreadable' | 'expired' | 'ended'

/** Publishes each `SessionEvent` to whoever subscribed. */
export const sessionEvents = channel('oathkeeper:session')

export function publish(event: SessionEvent): void {
  if (sessionEvents.hasSubscribers) sessionEvents.publish(event)
}
