import { channel } from 'node:diagnostics_channel'
import type { ErrorCode } from '../kernel/catalogue.ts'
import type { FailureKind } from './failure.ts'

/** How a login ended, for metrics and audit. Costs nothing while nobody listens. */
export type LoginEvent =
  | { readonly type: 'completed'; readonly provider: string }
  /** `provider` is missing where it never became clear which one it was about. */
  | { readonly type: 'failed'; readonly provider: string | undefined; readonly reason: FailureKind | ErrorCode }

/** Publishes each `LoginEvent` to whoever subscribed. */
export const loginEvents = channel('oathkeeper:login')

export function publish(event: LoginEvent): void {
  if (loginEvents.hasSubscribers) loginEvents.publish(event)
}
