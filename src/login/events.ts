import { channel } from 'node:diagnostics_channel'
import type { ErrorCode } from '../kernel/catalogue.ts'
import type { FailureKind } from './failure.ts'
import type { LoginStage } from './stage.ts'

/** How a login, or a logout that a provider told of, went; for metrics and audit. Costs nothing while nobody listens. */
export type LoginEvent =
  /** The browser was sent to the provider. */
  | { readonly type: 'begun'; readonly provider: string }
  | { readonly type: 'completed'; readonly provider: string }
  /** `provider` is missing where it never became clear which one it was about. */
  | {
      readonly type: 'failed'
      readonly provider: string | undefined
      readonly stage: LoginStage
      readonly reason: FailureKind | ErrorCode
    }
  /** The provider told of a logout, and what became of it. */
  | {
      readonly type: 'backchannel_logout'
      readonly provider: string
      readonly outcome: 'completed' | 'repeated' | 'refused' | 'failed'
    }

/** Publishes each `LoginEvent` to whoever subscribed. */
export const loginEvents = channel('oathkeeper:login')

export function publish(event: LoginEvent): void {
  if (loginEvents.hasSubscribers) loginEvents.publish(event)
}
