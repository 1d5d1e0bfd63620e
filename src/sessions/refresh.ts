import { LRUCache } from 'lru-cache'
import type { RefreshOutcome, RefreshTokens } from './contract.ts'
import { publish } from './events.ts'
import { refreshDueAt, renewedExpiry } from './lifetimes.ts'
import type { OpenedRecord, SessionRecords } from './records.ts'
import type { SessionContent } from './record.ts'

export interface RefreshPolicy {
  /** How long before its expiry the access token is refreshed. */
  readonly refreshBeforeMs: number
  /** When the provider cannot be asked: `keep` the session until its lifetime, or `end` it with its access token. */
  readonly onRefreshFailure: 'keep' | 'end'
}

/** What became of a session whose tokens were due. */
export type RefreshResult =
  /** Go on with this one: refreshed here or elsewhere, or as it was. */
  | { readonly kind: 'open'; readonly opened: OpenedRecord }
  /** The session is over: the provider refused the refresh token, or somebody ended it meanwhile. */
  | { readonly kind: 'ended'; readonly opened: OpenedRecord }

/** Longer than the calls of one refresh last together. */
const LEASE_MS = 40_000
/** How long a request with no valid token waits for another instance, which may have died with the lease. */
const WAIT_MS = 10_000
/** How often a request with no valid token looks whether the instance that has the lease is done. */
const POLL_MS = 100
const COOLDOWN_MS = 10_000
const MAX_COOLDOWN_MS = 60_000
const MAX_COOLDOWNS = 10_000
const SAVE_AGAIN_MS = 1_000
const SAVE_ATTEMPTS = 60
const MAX_CONFLICTS = 10

/**
 * Refreshes access tokens: one refresh at a time for a session, in this process by its flights and among instances by a lease
 * in the store, so that a refresh token that may be used once is used once.
 */
export class Refresher {
  readonly #records: SessionRecords
  readonly #refreshTokens: RefreshTokens
  readonly #policy: RefreshPolicy
  readonly #flights = new Map<string, Promise<RefreshResult>>()
  /** After a failure the provider is not asked for this session again before `until`. */
  readonly #cooldowns = new LRUCache<string, { readonly until: number; readonly failures: number }>({
    max: MAX_COOLDOWNS,
  })
  /** Refreshed, and not yet in the store because it could not be asked. */
  readonly #unsaved = new Map<string, OpenedRecord>()
  readonly #holder: string
  #closed = false

  constructor(records: SessionRecords, refreshTokens: RefreshTokens, policy: RefreshPolicy) {
    this.#records = records
    this.#refreshTokens = refreshTokens
    this.#policy = policy
    this.#holder = records.random(12).toString('base64url')
  }

  dueAt(content: SessionContent): number {
    return refreshDueAt(content, this.#policy.refreshBeforeMs)
  }

  /** Joins the refresh that is under way for the session, or begins one; `undefined` while it is cooling down. Never rejects. */
  refresh(opened: OpenedRecord): Promise<RefreshResult> | undefined {
    const { key } = opened.ticket
    const flight = this.#flights.get(key)
    if (flight !== undefined) return flight
    const cooldown = this.#cooldowns.get(key)
    if (this.#closed || (cooldown !== undefined && cooldown.until > this.#records.clock.now())) return undefined
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
    await Promise.all(this.#flights.values())
  }

  async #run(opened: OpenedRecord): Promise<RefreshResult> {
    const { store, clock } = this.#records
    const { key } = opened.ticket
    const unsaved = this.#unsaved.get(key)
    if (unsaved !== undefined) return { kind: 'open', opened: unsaved }
    const giveUpAt = clock.now() + WAIT_MS
    while (!(await store.acquireLease(key, this.#holder, LEASE_MS))) {
      // Another instance is at it. A token that is still good is used meanwhile; the result is seen with a later request.
      if (endOfToken(opened) > clock.now()) return { kind: 'open', opened }
      if (clock.now() >= giveUpAt || this.#closed) throw new Error('another instance has not refreshed it in time')
      await new Promise<void>((resolve) => clock.schedule(POLL_MS, resolve))
      const latest = await this.#latest(opened)
      if (latest === undefined) return { kind: 'ended', opened }
      if (this.dueAt(latest.content) > clock.now()) return { kind: 'open', opened: latest }
    }
    try {
      return await this.#refreshAlone(opened)
    } finally {
      if (!this.#unsaved.has(key)) await releaseQuietly(() => store.releaseLease(key, this.#holder))
    }
  }

  /** With the lease in hand: what is in the store now decides, not what this process opened earlier. */
  async #refreshAlone(opened: OpenedRecord): Promise<RefreshResult> {
    const latest = await this.#latest(opened)
    if (latest === undefined) return { kind: 'ended', opened }
    if (this.dueAt(latest.content) > this.#records.clock.now()) return { kind: 'open', opened: latest }
    const outcome = await this.#refreshTokens(latest.content.session, () => true)
    if (outcome.kind === 'withheld') return { kind: 'open', opened: latest }
    const { provider } = latest.content.session
    publish({ type: 'refreshed', provider, outcome: outcome.kind })
    if (outcome.kind === 'rejected') return await this.#end(latest, outcome.detail)
    if (outcome.kind === 'failed') {
      const detail = outcome.error.detail ?? outcome.error.message
      const isOver = endOfToken(latest) <= this.#records.clock.now()
      if (isOver && this.#policy.onRefreshFailure === 'end') return await this.#end(latest, detail)
      this.#coolDown(latest, detail)
      return { kind: 'open', opened: latest }
    }
    this.#cooldowns.delete(latest.ticket.key)
    return await this.#save(latest, this.#refreshed(latest.content, outcome))
  }

  async #end(opened: OpenedRecord, detail: string): Promise<RefreshResult> {
    await this.#records.end(opened.ticket.key, opened.content.session, 'refresh_rejected', detail)
    return { kind: 'ended', opened }
  }

  async #save(used: OpenedRecord, content: SessionContent): Promise<RefreshResult> {
    try {
      return await this.#write(used, content)
    } catch {
      const refreshed = { ...used, content }
      this.#unsaved.set(used.ticket.key, refreshed)
      this.#saveAgain(refreshed, used, SAVE_ATTEMPTS)
      return { kind: 'open', opened: refreshed }
    }
  }

  /** Writes new tokens over whatever version is there, as long as it still has the tokens that they replace. */
  async #write(used: OpenedRecord, content: SessionContent): Promise<RefreshResult> {
    let base = used
    for (let conflict = 0; conflict < MAX_CONFLICTS; conflict++) {
      const { lastSeenAt, longestIdleMs } = base.content.session
      const merged = { ...content, session: { ...content.session, lastSeenAt, longestIdleMs } }
      const written = await this.#records.update(base, merged)
      if (written !== undefined) return { kind: 'open', opened: written }
      const latest = await this.#latest(used)
      if (latest === undefined) return { kind: 'ended', opened: used }
      if (latest.content.tokensObtainedAt !== used.content.tokensObtainedAt) return { kind: 'open', opened: latest }
      base = latest
    }
    throw new Error('the record was written by others each time')
  }

  /** The old refresh token is spent: the new one must reach the store, or the session cannot be refreshed ever again. */
  #saveAgain(refreshed: OpenedRecord, used: OpenedRecord, attemptsLeft: number): void {
    const { key } = used.ticket
    this.#records.clock.schedule(SAVE_AGAIN_MS, () => {
      this.#write(used, refreshed.content).then(
        () => this.#unsaved.delete(key),
        (cause: unknown) => {
          if (attemptsLeft > 1 && !this.#closed) return this.#saveAgain(refreshed, used, attemptsLeft - 1)
          this.#unsaved.delete(key)
          this.#log(
            used,
            cause instanceof Error ? cause.message : String(cause),
            'refreshed tokens could not be stored',
          )
        },
      )
    })
  }

  #refreshed(content: SessionContent, outcome: Extract<RefreshOutcome, { kind: 'refreshed' }>): SessionContent {
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
      tokensObtainedAt: this.#records.clock.now(),
    }
  }

  async #latest(opened: OpenedRecord): Promise<OpenedRecord | undefined> {
    return await this.#records.read(opened.ticket, opened.sealKey)
  }

  #coolDown(opened: OpenedRecord, detail: string): void {
    const { key } = opened.ticket
    const failures = (this.#cooldowns.get(key)?.failures ?? 0) + 1
    const waitMs = Math.min(COOLDOWN_MS * 2 ** (failures - 1), MAX_COOLDOWN_MS)
    this.#cooldowns.set(key, { until: this.#records.clock.now() + waitMs, failures })
    this.#log(opened, detail, 'the access token could not be refreshed; the session goes on without')
  }

  #log({ content: { session } }: OpenedRecord, detail: string, message: string): void {
    this.#records.logger.warn({ session_id: session.id, provider: session.provider, detail }, message)
  }
}

/** When the access token ends; `Infinity` where the provider did not say. */
export function endOfToken({ content }: OpenedRecord): number {
  return content.session.tokens.accessTokenExpiresAt ?? Number.POSITIVE_INFINITY
}

async function releaseQuietly(release: () => unknown): Promise<void> {
  try {
    await release()
  } catch {
    // It runs out by itself.
  }
}
