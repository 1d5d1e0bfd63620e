import { LRUCache } from 'lru-cache'
import type { RefreshOutcome, RefreshTokens, UserinfoSource } from './contract.ts'
import { publish } from './events.ts'
import { Lease } from './lease.ts'
import { refreshDueAt, renewedExpiry } from './lifetimes.ts'
import type { OpenedRecord, SessionRecords } from './records.ts'
import type { SessionContent } from './record.ts'
import { hasSameTokens, Renewals, type RefreshResult } from './renewals.ts'
import { Spenders } from './spenders.ts'
import { Stopwatch } from './stopwatch.ts'
import { UserinfoRefresh, type UserinfoPolicy } from './userinfo-refresh.ts'

export interface RefreshPolicy extends UserinfoPolicy {
  /** How long before its expiry the access token is refreshed. */
  readonly refreshBeforeMs: number
  /** When the provider cannot be asked: `keep` the session until its lifetime, or `end` it with its access token. */
  readonly onRefreshFailure: 'keep' | 'end'
}

/** Where tokens and claims are renewed. */
export interface RefreshSources {
  readonly tokens: RefreshTokens
  readonly userinfo: UserinfoSource | undefined
}

/** How long a request with no valid token waits for another instance. Longer than one that died has the lease. */
const WAIT_MS = 10_000
const POLL_MS = 100
/** So often the record may be written by others between a look at it and the claim, or the lease be lost before the token is sent. */
const MAX_TRIES = 10
/** How long another instance that may have been told yes is given to write it. */
const REJECTION_WAIT_MS = 2_000
/** After a failure of the provider; doubled with each further one. */
const RETRY_MS = 10_000
const MAX_RETRY_MS = 60_000
/** A provider that wants to be left alone for longer is asked all the same. */
const MAX_RETRY_AFTER_MS = 600_000
/** After a failure that could not be noted in the record. */
const COOLDOWN_MS = 10_000
const MAX_COOLDOWNS = 10_000

/**
 * Renews tokens and claims: one refresh at a time for a session, in this process by its flights and among instances by a lease
 * in the store. Before a refresh token is spent the record says who does it; the version of the record is the fence, which one of many
 * passes. So a refresh token that may be used once is used once.
 */
export class Refresher {
  readonly #records: SessionRecords
  readonly #refreshTokens: RefreshTokens
  readonly #policy: RefreshPolicy
  readonly #renewals: Renewals
  readonly #userinfo: UserinfoRefresh
  readonly #flights = new Map<string, Promise<RefreshResult>>()
  /** Until then nothing is tried for a session. */
  readonly #cooldowns = new LRUCache<string, number>({ max: MAX_COOLDOWNS })
  /** Begins the name of each lease that this process takes. */
  readonly #name: string
  #leases = 0
  readonly #sleeping = new Set<() => void>()
  #closed = false

  constructor(records: SessionRecords, sources: RefreshSources, policy: RefreshPolicy) {
    this.#records = records
    this.#refreshTokens = sources.tokens
    this.#policy = policy
    this.#renewals = new Renewals(records)
    this.#userinfo = new UserinfoRefresh(records, this.#renewals, sources.userinfo, policy)
    this.#name = `${records.random(12).toString('base64url')}.`
  }

  /** When something is to be renewed: the tokens, or the claims alone. */
  dueAt(content: SessionContent): number {
    return Math.min(this.#tokensDueAt(content), this.#userinfo.dueAt(content))
  }

  #tokensDueAt(content: SessionContent): number {
    return refreshDueAt(content, this.#policy.refreshBeforeMs)
  }

  /** Joins the refresh that is under way for the session, or begins one; `undefined` while it is cooling down. Never rejects. */
  refresh(opened: OpenedRecord): Promise<RefreshResult> | undefined {
    const { key } = opened.ticket
    const flight = this.#flights.get(key)
    if (flight !== undefined) return flight
    if (this.#closed || (this.#cooldowns.get(key) ?? 0) > this.#records.clock.now()) return undefined
    const begun = this.#run(opened)
      .catch((cause: unknown) => {
        this.#coolDown(opened, cause instanceof Error ? cause.message : String(cause))
        return { kind: 'open', opened } as const
      })
      .finally(() => this.#flights.delete(key))
    this.#flights.set(key, begun)
    return begun
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const wake of this.#sleeping) wake()
    await Promise.all(this.#flights.values())
    await this.#renewals.close()
  }

  async #run(opened: OpenedRecord): Promise<RefreshResult> {
    const { clock } = this.#records
    const { key } = opened.ticket
    const unsaved = this.#renewals.unsaved(key)
    if (unsaved !== undefined) return { kind: 'open', opened: unsaved.opened }
    const waiting = new Stopwatch(clock)
    const spenders = new Spenders(clock, this.#name)
    let lease: Lease | undefined
    let tries = 0
    /** UserInfo does not take its access token. */
    let refused: OpenedRecord | undefined
    try {
      for (;;) {
        if (lease?.isSafe !== true) {
          await lease?.release()
          lease = await Lease.take(this.#records, key, `${this.#name}${++this.#leases}`)
        }
        // Another instance is at it. A token that is still good is used meanwhile; the result is seen with a later request.
        if (lease === undefined && endOfToken(opened) > clock.now()) return { kind: 'open', opened }
        const latest = await this.#latest(opened)
        if (latest === undefined) return { kind: 'ended', opened }
        // What is in the store decides, not what this process opened earlier.
        const areTokensDue =
          this.#tokensDueAt(latest.content) <= clock.now() || (refused !== undefined && hasSameTokens(refused, latest))
        if (!areTokensDue && this.dueAt(latest.content) > clock.now()) return { kind: 'open', opened: latest }
        if (lease !== undefined && !areTokensDue) {
          const result = await this.#userinfo.renew(latest)
          if (result !== undefined) return result
          refused = latest
          continue
        }
        // Looked at without the lease too: the time for which its holder is waited for runs from now on.
        const mayFollow = spenders.mayFollow(latest.content)
        if (lease !== undefined && mayFollow && !this.#closed && tries++ < MAX_TRIES) {
          const result = await this.#spend(latest, lease)
          if (result !== undefined) return result
          continue
        }
        if (waiting.elapsedMs >= WAIT_MS || this.#closed) {
          throw new Error('another instance has not refreshed it in time')
        }
        await this.#pause()
      }
    } finally {
      await this.#giveBack(lease, key)
    }
  }

  /** Until new tokens are in the store nobody else is to refresh. */
  async #giveBack(lease: Lease | undefined, key: string): Promise<void> {
    const unsaved = this.#renewals.unsaved(key)
    if (unsaved === undefined) await lease?.release()
    else void unsaved.settled.then(() => lease?.release())
  }

  /** `undefined`: it was another's to do, after all; nothing was spent. */
  async #spend(latest: OpenedRecord, lease: Lease): Promise<RefreshResult | undefined> {
    const { refresh } = latest.content
    // One that left its name there has spent the token, as far as anybody knows.
    const failures = (refresh?.failures ?? 0) + (refresh?.spender === undefined ? 0 : 1)
    const claim = { spender: lease.holder, failures, retryAt: 0 }
    const claimed = await this.#records.update(latest, { ...latest.content, refresh: claim })
    if (claimed === undefined) return undefined
    const outcome = await this.#refreshTokens(claimed.content.session, () => lease.isSafe && !this.#closed)
    if (outcome.kind === 'withheld') {
      await this.#leave(claimed, lease, { failures, retryAt: 0 })
      return undefined
    }
    publish({ type: 'refreshed', provider: claimed.content.session.provider, outcome: outcome.kind })
    if (outcome.kind === 'rejected') {
      return await this.#endUnlessRenewed(
        claimed,
        lease,
        outcome.detail,
        refresh?.spender === undefined ? 0 : REJECTION_WAIT_MS,
      )
    }
    if (outcome.kind === 'failed') return await this.#fail(claimed, lease, outcome)
    const obtainedAt = this.#records.clock.now()
    return await this.#renewals.save(claimed, (content) => renewed(content, outcome, obtainedAt))
  }

  /**
   * Ends the session because of tokens that are still there: another instance may have new ones, or be about to write them. `waitMs`: for
   * how long it is given time to, where there was one.
   */
  async #endUnlessRenewed(
    claimed: OpenedRecord,
    lease: Lease,
    detail: string,
    waitMs: number,
  ): Promise<RefreshResult | undefined> {
    const waiting = new Stopwatch(this.#records.clock)
    for (;;) {
      const latest = await this.#latest(claimed)
      if (latest === undefined) return { kind: 'ended', opened: claimed }
      if (!hasSameTokens(latest, claimed)) {
        this.#log(claimed, detail, 'the session would have ended here; another instance has new tokens, which are kept')
        return { kind: 'open', opened: latest }
      }
      if (latest.content.refresh?.spender !== lease.holder) return undefined
      const { failures } = latest.content.refresh
      if (waiting.elapsedMs >= waitMs || this.#closed)
        return await this.#end(latest, failures === 0 ? detail : `${detail}, after ${failures} without an answer`)
      await this.#pause()
    }
  }

  async #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#sleeping.add(resolve)
    const cancel = this.#records.clock.schedule(POLL_MS, resolve)
    await promise
    cancel()
    this.#sleeping.delete(resolve)
  }

  async #fail(
    claimed: OpenedRecord,
    lease: Lease,
    { error, retryAfterMs = 0 }: Extract<RefreshOutcome, { kind: 'failed' }>,
  ): Promise<RefreshResult | undefined> {
    const detail = error.detail ?? error.message
    const now = this.#records.clock.now()
    const endsWithToken = this.#policy.onRefreshFailure === 'end'
    if (endsWithToken && endOfToken(claimed) <= now) return await this.#endUnlessRenewed(claimed, lease, detail, 0)
    const { failures = 0 } = claimed.content.refresh ?? {}
    const waitMs = Math.max(
      Math.min(RETRY_MS * 2 ** failures, MAX_RETRY_MS),
      Math.min(retryAfterMs, MAX_RETRY_AFTER_MS),
    )
    const retryAt = endsWithToken ? Math.min(now + waitMs, endOfToken(claimed)) : now + waitMs
    this.#log(claimed, detail, 'the access token could not be refreshed; the session goes on without')
    return await this.#leave(claimed, lease, { failures: failures + 1, retryAt })
  }

  /** The refresh is over and has brought nothing: the next one needs not wait for it. */
  async #leave(
    claimed: OpenedRecord,
    { holder }: Lease,
    refresh: NonNullable<SessionContent['refresh']>,
  ): Promise<RefreshResult> {
    const change = (content: SessionContent) =>
      content.refresh?.spender === holder ? { ...content, refresh } : undefined
    return await this.#renewals.write(claimed, change)
  }

  async #end(opened: OpenedRecord, detail: string): Promise<RefreshResult> {
    await this.#records.end(opened.ticket.key, opened.content.session, 'refresh_rejected', detail)
    return { kind: 'ended', opened }
  }

  async #latest(opened: OpenedRecord): Promise<OpenedRecord | undefined> {
    return await this.#records.read(opened.ticket, opened.sealKey)
  }

  #coolDown(opened: OpenedRecord, detail: string): void {
    this.#cooldowns.set(opened.ticket.key, this.#records.clock.now() + COOLDOWN_MS)
    this.#log(opened, detail, 'a session could not be refreshed; it goes on as it is')
  }

  #log({ content: { session } }: OpenedRecord, detail: string, message: string): void {
    this.#records.logger.warn({ session_id: session.id, provider: session.provider, detail }, message)
  }
}

/** When the access token ends; `Infinity` where the provider did not say. */
export function endOfToken({ content }: OpenedRecord): number {
  return content.session.tokens.accessTokenExpiresAt ?? Number.POSITIVE_INFINITY
}

function renewed(
  content: SessionContent,
  outcome: Extract<RefreshOutcome, { kind: 'refreshed' }>,
  tokensObtainedAt: number,
): SessionContent {
  const { session } = content
  const tokens = { ...outcome.tokens, refreshToken: outcome.tokens.refreshToken ?? session.tokens.refreshToken }
  return {
    ...content,
    session: {
      ...session,
      tokens,
      claims: outcome.claims ?? session.claims,
      expiresAt: renewedExpiry(session, outcome.expiresAt),
    },
    tokensObtainedAt,
    refresh: undefined,
    userinfo: outcome.hasUserinfo === true ? { readAt: tokensObtainedAt } : content.userinfo,
  }
}
