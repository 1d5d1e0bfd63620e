import type { RefreshTokens, UserinfoSource } from './renewal-contract.ts'

export type { RefreshOutcome, RefreshTokens, UserinfoOutcome, UserinfoSource } from './renewal-contract.ts'

/** What a store keeps under a key. The store does not know what the bytes are. */
export interface StoredRecord {
  readonly value: Uint8Array
  /** Grows with each write; what compare-and-set compares. */
  readonly version: number
  /** Milliseconds since the epoch; from then on the record does not exist. */
  readonly expiresAt: number
  /** The value is left out: a store whose versions are never given twice need not give what is at `knownVersion` again. */
  readonly isKnown?: boolean
  /** Vouches for what was read; absent where the store cannot, or could not this time. */
  readonly watch?: StoreWatch | undefined
  /** For a record that does not open: rejects when it may not be the answer to what was asked, so that nobody is signed out by it. */
  readonly confirm?: (() => Promise<void>) | undefined
}

/** The store's word that it tells of every change to what was read (`onChange`). One stands for all that one connection read. */
export interface StoreWatch {
  /** Since when the word is no longer kept, in milliseconds since the epoch; `undefined` while it is. */
  readonly lostAt: number | undefined
}

/** `closed`: the store is asked. `open`: it is away, and every call fails at once. `half_open`: so too, and it is just being tried again. */
export type BreakerState = 'closed' | 'open' | 'half_open'

/** Where a session record can be found besides its key. */
export interface SessionIndex {
  /** `issuer` and `sub` of the person, joined by the caller. */
  readonly subject: string
  /** `issuer` and `sid` of the provider's session, when the provider names one. */
  readonly providerSession?: string
}

/** What is kept of a session that has ended, so that every instance can tell the person why. */
export interface SessionEnd {
  readonly reason: EndReason
  /** How long it is kept: milliseconds since the epoch. */
  readonly until: number
}

/** What a store learns of ends by itself. */
export type EndNews =
  /** `getSession` found no record and word of its end, and tells before it answers; or another instance has told of it just now. */
  | { readonly kind: 'found' | 'told'; readonly key: string; readonly reason: EndReason }
  /** It let go of a record that was over, or for want of room. */
  | {
      readonly kind: 'expired' | 'evicted'
      readonly key: string
      readonly value: Uint8Array
      readonly expiresAt: number
    }

/** Answers with the word to leave under the key, if any. */
export type EndListener = (news: EndNews) => SessionEnd | undefined

/** An answer at once where the store is in this process, a promise of one where it has to be asked. */
export type MaybePromise<T> = T | Promise<T>

/**
 * Keeps sessions and login states. "Not there" is `undefined`; "could not ask" is a rejection (or a throw) with
 * ERR_SESSION_STORE_UNAVAILABLE: the two are never mixed up. Every call has the store's own deadline.
 * Keys are hashes: the store never sees what a browser holds.
 */
export interface SessionStore {
  /** `memory`, `redis`, or the plugin's name; for logs and health. */
  readonly kind: string
  /**
   * Has `listener` called with the key of each watched record that may have changed or be gone; without a key it may be any.
   * Called once, before the first session is read; absent where the store tells of no changes.
   */
  onChange?(listener: (key: string | undefined) => void): void
  /** Connects and tests itself. Rejects with an Error whose sentence says what to check and never holds the password. */
  start(): Promise<void>
  /** Asks the back end whether it is there; for readiness. */
  ping(): Promise<void>
  /** `knownVersion`: see `isKnown`. */
  getSession(key: string, knownVersion?: number): MaybePromise<StoredRecord | undefined>
  /** Creates the record, at version 1; false when the key exists already. */
  createSession(key: string, value: Uint8Array, expiresAt: number, index: SessionIndex): MaybePromise<boolean>
  /** Writes only if the stored version is `expectedVersion`; false when it is another or the record is gone. */
  updateSession(key: string, value: Uint8Array, expiresAt: number, expectedVersion: number): MaybePromise<boolean>
  /**
   * True when there was one. A later `updateSession` of the same key never brings it back. With `end`, word of it stays under the
   * key, left in the same step and gone by itself; where there was no record, nothing is left. A store may ignore `end`.
   */
  deleteSession(key: string, end?: SessionEnd): MaybePromise<boolean>
  /**
   * Leaves word of an end that nobody told the store of; false when there is a record or such word already, so that of many who
   * noticed it one is answered true. Absent where no word is kept.
   */
  markEnd?(key: string, end: SessionEnd): MaybePromise<boolean>
  /** Has `listener` called with what the store learns of ends. Called once, before the first session is read. */
  onEnd?(listener: EndListener): void
  /** Whether it hears of whatever other instances end, so that a session of which it heard nothing was ended by nobody. */
  readonly hearsOfEnds?: boolean
  /** Keys of the live sessions of a subject (`subject`) or of one provider session (`providerSession`); of both, what is in both. */
  findSessions(index: Partial<SessionIndex>): MaybePromise<string[]>
  /** How many sessions are live; absent where only a look at each could tell. */
  countSessions?(): MaybePromise<number>
  /** Whether it is asked at all; absent where it always is. */
  breaker?(): BreakerState
  /** `origin` groups states for the limit on how many one address may hold. */
  putState(key: string, value: Uint8Array, expiresAt: number, origin: string): MaybePromise<void>
  /** Reads and removes in one atomic step: of several callers one at most gets the value. */
  takeState(key: string): MaybePromise<Uint8Array | undefined>
  /** Gives `holder` the lease `name` for `ttlMs`, unless somebody has it: so that one instance at a time does a thing. */
  acquireLease(name: string, holder: string, ttlMs: number): MaybePromise<boolean>
  /**
   * Has the lease end `ttlMs` from now, if `holder` still has it; says so. A store without it gives leases that last as long as
   * they were taken for.
   */
  renewLease?(name: string, holder: string, ttlMs: number): MaybePromise<boolean>
  /** Gives it back; does nothing when `holder` has it no longer. */
  releaseLease(name: string, holder: string): MaybePromise<void>
  /** Keeps a short text under `name` for all instances, in place of what was kept there. */
  putNote(name: string, text: string, expiresAt: number): MaybePromise<void>
  /** What is kept under `name`; it stays there. */
  getNote(name: string): MaybePromise<string | undefined>
  close(): Promise<void>
}

/** A session, opened: what the pipeline and the login work with. */
export interface Session {
  /** Public id: safe in logs and pages, useless as a credential. */
  readonly id: string
  readonly subject: string
  /** `login.providers[].id`. */
  readonly provider: string
  readonly issuer: string
  /** Claims of the ID token, joined by those of UserInfo where that is asked. */
  readonly claims: Readonly<Record<string, unknown>>
  readonly tokens: SessionTokens
  /** Milliseconds since the epoch, as all times here. */
  readonly createdAt: number
  /** Never after `lifetimeEndsAt`; before it where the provider said so. */
  readonly expiresAt: number
  /** When its lifetime is over, which nothing makes longer. */
  readonly lifetimeEndsAt: number
  readonly lastSeenAt: number
  /** The longest time that it was not used, until `lastSeenAt`. */
  readonly longestIdleMs: number
  /** The person asked to stay signed in. */
  readonly isRemembered: boolean
  readonly authTime: number | undefined
  readonly acr: string | undefined
  readonly amr: readonly string[] | undefined
  /** The provider's session id. */
  readonly sid: string | undefined
}

export interface SessionTokens {
  readonly accessToken: string
  readonly idToken: string
  readonly refreshToken: string | undefined
  /** When the access token ends; nothing when the provider did not say. */
  readonly accessTokenExpiresAt: number | undefined
  readonly scope: string | undefined
}

export type SessionDraft = Pick<
  Session,
  'subject' | 'provider' | 'issuer' | 'claims' | 'tokens' | 'authTime' | 'acr' | 'amr' | 'sid'
> & {
  /** Client address and user agent, for the operator's list; outside the seal. */
  readonly address: string
  readonly userAgent: string
  readonly isRemembered?: boolean | undefined
  /** Instead of `session.lifetime`. */
  readonly lifetimeMs?: number | undefined
  /** Instead of `session.idle_timeout`. */
  readonly idleTimeout?: IdleTimeout | undefined
  /** Not later than this, whatever its lifetime is. A refresh may make it later. */
  readonly expiresAt?: number | undefined
}

/** Milliseconds without use after which a session ends, or `off`. */
export type IdleTimeout = number | 'off'

/** What holds for a session that is known here while the store cannot be asked: it goes on for the grace, or is not let in. */
export type OutagePolicy = 'grace' | 'deny'

/** Every reason for which a session ends, as it stands in logs, metrics, stores and pages. */
export const END_REASONS = [
  'logout',
  'idle',
  'absolute',
  'revoked',
  'backchannel',
  'refresh_rejected',
  'superseded',
  'store_lost',
  'evicted',
  'key_retired',
] as const

/** Why a session ended. */
export type EndReason = (typeof END_REASONS)[number]

/** Sessions for people who know neither tickets' insides nor the store. */
export interface SessionManager {
  /**
   * The session that the ticket opens, or `undefined` when there is none (unknown, malformed, ended, expired).
   * Answers at once where it can. Rejects (or throws) with ERR_SESSION_STORE_UNAVAILABLE when the store cannot be asked.
   * Starts a refresh of the access token ahead of its expiry, once however many ask, and touches the idle timeout.
   * `outage`: what then holds for a session that is known here; `grace` by default.
   */
  open(ticket: string, outage?: OutagePolicy): Session | undefined | Promise<Session | undefined>
  /** Begins a session under a new id. `ticket` is for the cookie and nothing else. */
  create(draft: SessionDraft): Promise<{ readonly ticket: string; readonly session: Session }>
  /** Ends it for every instance; gives what it was, for the provider's logout. The ticket is refused here even if the store fails. */
  end(ticket: string, reason: EndReason): Promise<Session | undefined>
  /**
   * Ends every session that is meant, for every instance, whoever has the tickets; says how many there were. When the store
   * fails, also part-way, it rejects: what was ended stays ended, what is known here is refused here, and the rest is ended
   * as soon as the store can be told.
   */
  endAll(of: SessionsOf, reason: EndReason, options?: EndAllOptions): Promise<number>
  /** Why a ticket that has just opened nothing does so; nothing when there never was such a session, as far as anybody knows. */
  whyEnded(ticket: string): EndReason | undefined
  /** Has `lastSeenAt` and `longestIdleMs` be exact enough for somebody who minds an idle time of this length. */
  observeIdle(idleTimeoutMs: number): void
  /**
   * Has `close` called, once, when the session is over, whoever ended it and wherever: within a second. While the store cannot be
   * asked that is after the grace, or at once where `outage` is `deny`. It is no use of the session. The function that comes
   * back forgets it.
   */
  watch(ticket: string, close: () => void, outage?: OutagePolicy): () => void
  /** Set once, before the first request. */
  onRefresh(refresh: RefreshTokens, userinfo?: UserinfoSource): void
}

/** Which sessions are meant: those of a person, those of one session at the provider, or what is both. */
export type SessionsOf =
  | { readonly issuer: string; readonly subject: string; readonly sid?: string | undefined }
  | { readonly issuer: string; readonly subject?: string | undefined; readonly sid: string }

export interface EndAllOptions {
  /** Sessions that began later stay. */
  readonly createdUntil?: number
}

/** A logout that a provider tells of, by a token that has been verified. */
export interface ProviderLogout {
  readonly of: SessionsOf
  /** `jti` of the token. */
  readonly tokenId: string
  readonly issuedAt: number
}

/** A login that is about to be let in. */
export interface ArrivingLogin {
  readonly issuer: string
  readonly subject: string
  readonly sid: string | undefined
  /** When the browser was sent to the provider. */
  readonly startedAt: number
  /** When the provider says that it was, or nothing. */
  readonly issuedAt: number | undefined
}

/** Logouts that providers have told of; all instances know of them. */
export interface ProviderLogouts {
  /**
   * Ends the sessions that it is about, and says how many there were; `repeated` when it was done before. Rejects with
   * ERR_SESSION_STORE_UNAVAILABLE when it could not be done, or not wholly: the provider should tell of it again.
   */
  complete(logout: ProviderLogout): Promise<number | 'repeated'>
  /** Whether a login was over before it came here. To be asked after its session is in the store. */
  hasOvertaken(login: ArrivingLogin): Promise<boolean>
}

/** Login attempts under way: kept once, taken once. */
export interface LoginStates {
  /** `value` is JSON-serialisable; sealed with a key derived from `secret`, which only the browser holds. */
  put(id: string, secret: string, value: unknown, expiresAt: number, origin: string): Promise<void>
  /** One caller at most gets it; `undefined` when it is gone, expired, or the secret does not open it. */
  take(id: string, secret: string): Promise<unknown>
}
