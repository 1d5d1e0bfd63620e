import { LRUCache } from 'lru-cache'
import type { Clock } from '../kernel/clock.ts'
import type { StoreWatch } from './contract.ts'
import type { OpenedRecord } from './records.ts'

/** How opened sessions are kept, and when the store need not be asked for them. */
export interface NearCachePolicy {
  /** When as many are kept, the one unused for longest goes. */
  readonly maxSessions: number
  /** After this time the store is asked, whoever vouches. */
  readonly maxAgeMs: number
  /** How long a session goes on that the store vouched for when it went away. */
  readonly outageGraceMs: number
}

/** A session in use: what was opened, when something is due, and whether the store vouches that it is unchanged. */
export interface ActiveSession {
  opened: OpenedRecord
  /** Before this moment nothing is due: neither the end, nor a touch, nor a refresh. */
  checkAt: number
  touchAt: number
  /** Of the store, over what it gave last; `undefined` once it told of a change. */
  watch: StoreWatch | undefined
  /** When the store answered last. */
  askedAt: number
  /** Since when the store, whose watch is kept, has not answered. */
  failingSince: number | undefined
}

/** What the near cache has done since the start, and how many sessions it holds. */
export interface NearCacheFigures {
  readonly sessions: number
  /** Requests for which the store was not asked. */
  readonly hits: number
  /** Requests for which it was. */
  readonly misses: number
  /** Of the misses, those that went on although it could not be asked. */
  readonly graces: number
  /** Times that the store told of a change to something that is held here, or to anything. */
  readonly invalidations: number
  /** Sessions that had to go because others came. */
  readonly evictions: number
}

/** How many opened sessions are remembered without a near cache, so that an unchanged record is not unsealed again. */
const MAX_OPENED = 20_000

/**
 * The sessions that this process has opened, by ticket. Where the store watches what it gave, they are a near cache: the store
 * need not be asked again while it vouches for a record.
 */
export class ActiveSessions {
  #hits = 0
  #misses = 0
  #graces = 0
  #invalidations = 0
  #evictions = 0
  readonly #clock: Clock
  readonly #maxAgeMs: number
  readonly #outageGraceMs: number
  readonly #sessions: LRUCache<string, ActiveSession>
  /** Ticket by key of the record. */
  readonly #tickets = new Map<string, string>()

  /** `policy`: `undefined` switches the near cache off. */
  constructor(policy: NearCachePolicy | undefined, clock: Clock) {
    this.#clock = clock
    this.#maxAgeMs = policy?.maxAgeMs ?? 0
    this.#outageGraceMs = policy?.outageGraceMs ?? 0
    this.#sessions = new LRUCache({
      max: policy?.maxSessions ?? MAX_OPENED,
      dispose: ({ opened }, _, reason) => {
        this.#tickets.delete(opened.ticket.key)
        if (reason === 'evict') this.#evictions++
      },
    })
  }

  get isNearCache(): boolean {
    return this.#maxAgeMs > 0
  }

  /** `undefined` when there is none. */
  get figures(): NearCacheFigures | undefined {
    if (!this.isNearCache) return undefined
    return {
      sessions: this.#sessions.size,
      hits: this.#hits,
      misses: this.#misses,
      graces: this.#graces,
      invalidations: this.#invalidations,
      evictions: this.#evictions,
    }
  }

  get(ticket: string): ActiveSession | undefined {
    return this.#sessions.get(ticket)
  }

  /** A look that does not count as a use. */
  peek(ticket: string): ActiveSession | undefined {
    return this.#sessions.peek(ticket)
  }

  set(active: ActiveSession): void {
    const { text, key } = active.opened.ticket
    this.#sessions.set(text, active)
    this.#tickets.set(key, text)
  }

  delete(ticket: string): void {
    this.#sessions.delete(ticket)
  }

  deleteKey(key: string): void {
    const ticket = this.#tickets.get(key)
    if (ticket !== undefined) this.#sessions.delete(ticket)
  }

  *opened(): Iterable<OpenedRecord> {
    for (const { opened } of this.#sessions.values()) yield opened
  }

  /** The store has just given the record of `active`, and vouches for it if there is a `watch`. */
  confirm(active: ActiveSession, watch: StoreWatch | undefined): void {
    active.watch = watch
    active.askedAt = this.#clock.now()
    active.failingSince = undefined
  }

  /**
   * Whether the session may go on although the store could not be asked: for the grace, when it was unchanged up to the outage.
   * What had changed before, or was never vouched for, may not.
   */
  isWithinGrace(active: ActiveSession): boolean {
    const { watch } = active
    if (watch === undefined) return false
    const now = this.#clock.now()
    const since = watch.lostAt ?? (active.failingSince ??= now)
    const isWithin = now - since < this.#outageGraceMs
    if (isWithin) this.#graces++
    return isWithin
  }

  /** Whether the record is unchanged as far as anybody can know, so that the store need not be asked. Asked once for each request. */
  isVouchedFor(active: ActiveSession | undefined): boolean {
    const watch = active?.watch
    if (
      active === undefined ||
      watch === undefined ||
      watch.lostAt !== undefined ||
      this.#clock.now() - active.askedAt >= this.#maxAgeMs
    ) {
      this.#misses++
      return false
    }
    this.#hits++
    return true
  }

  /** The record of `key` may have changed or be gone; without a key: any. */
  noteChange(key: string | undefined): void {
    if (key === undefined) {
      this.#invalidations++
      for (const active of this.#sessions.values()) active.watch = undefined
      return
    }
    const ticket = this.#tickets.get(key)
    const active = ticket === undefined ? undefined : this.#sessions.peek(ticket)
    if (active === undefined) return
    this.#invalidations++
    active.watch = undefined
  }
}
