import type { UserinfoOutcome, UserinfoSource } from './contract.ts'
import type { OpenedRecord, SessionRecords } from './records.ts'
import type { SessionContent } from './record.ts'
import type { Renewals, RefreshResult } from './renewals.ts'

export interface UserinfoPolicy {
  /** How often the claims of UserInfo are read again; nothing: with the tokens alone. */
  readonly userinfoEveryMs?: number | undefined
}

/** After a failure; oftener only where it is read oftener. */
const RETRY_MS = 60_000
const MAX_RETRY_AFTER_MS = 600_000
/** A token that is younger and refused all the same is not the reason. */
const TOO_YOUNG_TO_BLAME_MS = 60_000

/** Reads the claims of UserInfo again between the refreshes of the tokens, so that who leaves a group is not in it for long. */
export class UserinfoRefresh {
  readonly #records: SessionRecords
  readonly #renewals: Renewals
  readonly #source: UserinfoSource | undefined
  readonly #everyMs: number

  constructor(
    records: SessionRecords,
    renewals: Renewals,
    source: UserinfoSource | undefined,
    { userinfoEveryMs }: UserinfoPolicy,
  ) {
    this.#records = records
    this.#renewals = renewals
    this.#source = source
    this.#everyMs = userinfoEveryMs ?? Number.POSITIVE_INFINITY
  }

  /** `Infinity` where nothing is to be read, or nothing to read it with. */
  dueAt({ session, tokensObtainedAt, userinfo, refresh }: SessionContent): number {
    if (this.#everyMs === Number.POSITIVE_INFINITY || this.#source?.isRead(session.provider) !== true)
      return Number.POSITIVE_INFINITY
    const { refreshToken, accessTokenExpiresAt = Number.POSITIVE_INFINITY } = session.tokens
    if (refreshToken === undefined && accessTokenExpiresAt <= this.#records.clock.now()) return Number.POSITIVE_INFINITY
    // After a failed refresh UserInfo waits too: it may have been what the refresh was for.
    return Math.max(
      (userinfo?.readAt ?? tokensObtainedAt) + this.#everyMs,
      userinfo?.retryAt ?? 0,
      refresh?.retryAt ?? 0,
    )
  }

  /** With the lease in hand. `undefined`: UserInfo does not take the access token, and a refresh may bring one that it takes. */
  async renew(latest: OpenedRecord): Promise<RefreshResult | undefined> {
    const { content, ticket } = latest
    const outcome = (await this.#source?.read(content.session)) ?? { kind: 'failed', detail: 'it is not read any more' }
    if (outcome.kind === 'rejected') {
      await this.#records.end(ticket.key, content.session, 'refresh_rejected', outcome.detail)
      return { kind: 'ended', opened: latest }
    }
    const now = this.#records.clock.now()
    if (outcome.kind === 'failed') return await this.#fail(latest, outcome, now)
    const { claims } = outcome
    return await this.#renewals.write(latest, (base) => ({
      ...base,
      session: { ...base.session, claims },
      userinfo: { readAt: now },
    }))
  }

  /** The claims stay: nobody loses a session, or gains a group, because UserInfo is down. */
  async #fail(
    latest: OpenedRecord,
    { detail, retryAfterMs = 0, isTokenRefused }: Extract<UserinfoOutcome, { kind: 'failed' }>,
    now: number,
  ): Promise<RefreshResult | undefined> {
    const { session, tokensObtainedAt, userinfo } = latest.content
    const mayBlameToken = userinfo?.retryAt === undefined && now - tokensObtainedAt >= TOO_YOUNG_TO_BLAME_MS
    if (isTokenRefused === true && session.tokens.refreshToken !== undefined && mayBlameToken) return undefined
    this.#records.logger.warn(
      { session_id: session.id, provider: session.provider, detail },
      'UserInfo could not be read again; the claims stay as they are',
    )
    const waitMs = Math.max(Math.min(RETRY_MS, this.#everyMs), Math.min(retryAfterMs, MAX_RETRY_AFTER_MS))
    return await this.#renewals.write(latest, (base) => ({
      ...base,
      userinfo: { readAt: base.userinfo?.readAt ?? base.tokensObtainedAt, retryAt: now + waitMs },
    }))
  }
}
