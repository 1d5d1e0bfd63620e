import type { GateError } from '../kernel/errors.ts'
import type { Session, SessionTokens } from './contract.ts'

/**
 * What a refresh at the provider gave. `rejected`: the provider refused the refresh token. `failed`: it could not be asked, or what it
 * said is of no use. `withheld`: the refresh token was not sent, because that was not allowed any more.
 */
export type RefreshOutcome =
  | {
      readonly kind: 'refreshed'
      readonly tokens: SessionTokens
      readonly claims: Readonly<Record<string, unknown>> | undefined
      /** They are those of UserInfo too, read just now. */
      readonly hasUserinfo?: boolean
      /** Until when the provider lets the session last from now on; nothing where it did not say. */
      readonly expiresAt?: number | undefined
    }
  | { readonly kind: 'rejected'; readonly detail: string }
  /** `retryAfterMs`: how long the provider wants to be left alone, where it said so. */
  | { readonly kind: 'failed'; readonly error: GateError; readonly retryAfterMs?: number | undefined }
  | { readonly kind: 'withheld' }

/**
 * What login gives to the manager: asks the provider for new tokens. Never throws. `maySend` is asked in the turn in which the refresh
 * token leaves: until then it may have become another's to send.
 */
export type RefreshTokens = (session: Session, maySend: () => boolean) => Promise<RefreshOutcome>

/**
 * What UserInfo gave. `rejected`: it speaks of somebody else. `failed`: it could not be read; `isTokenRefused`: because it does not take
 * the access token.
 */
export type UserinfoOutcome =
  | { readonly kind: 'read'; readonly claims: Readonly<Record<string, unknown>> }
  | { readonly kind: 'rejected'; readonly detail: string }
  | {
      readonly kind: 'failed'
      readonly detail: string
      readonly retryAfterMs?: number | undefined
      readonly isTokenRefused?: boolean
    }

/** What login gives to the manager for claims that are read again between refreshes. */
export interface UserinfoSource {
  /** Whether the claims of a provider's sessions come from UserInfo. */
  isRead(provider: string): boolean
  /** Joined as at the login. Never throws. */
  read(session: Session): Promise<UserinfoOutcome>
}
