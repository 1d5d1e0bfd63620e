import { LRUCache } from 'lru-cache'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import {
  END_REASONS,
  type EndNews,
  type EndReason,
  type Session,
  type SessionEnd,
  type SessionStore,
} from './contract.ts'
import { publish } from './events.ts'
import { endOf, type Lifetimes } from './lifetimes.ts'
import { readMetadata, type SessionContent } from './record.ts'
import { publicSessionId } from './ticket.ts'

/** How long people are told why a session ended, at most. */
const MAX_TOLD_MS = 24 * 3_600_000
/** And at least, also where it would be over by now. */
const MIN_TOLD_MS = 3_600_000
const MAX_REASONS = 50_000
/** A store that is full lets go of one session for each new one: that is told once in this time, with their number. */
const TELL_EVICTED_EVERY_MS = 10_000

/** What there is to say about a session that has ended. */
export type EndedSession = Pick<Session, 'id' | 'provider'> & Partial<Pick<Session, 'expiresAt'>>

export interface EndsDeps {
  readonly store: SessionStore
  readonly clock: Clock
  readonly logger: Logger
  readonly lifetimes: Lifetimes
}

/**
 * Why sessions ended. Each end is logged and counted once, by whoever brought it about in the store or was the first to leave
 * word of it there; and only if it is certain, whatever a browser says.
 */
export class Ends {
  readonly #deps: EndsDeps
  /** By key of the record. */
  readonly #reasons = new LRUCache<string, EndReason>({ max: MAX_REASONS })
  #listener: ((key: string) => void) | undefined
  #evicted = 0
  #tellEvictedAt = 0

  constructor(deps: EndsDeps) {
    this.#deps = deps
    deps.store.onEnd?.((news) => this.#hear(news))
  }

  /** Why the session ended whose record has this key, as far as it is known here. */
  reasonOf(key: string): EndReason | undefined {
    return this.#reasons.get(key)
  }

  /** For a session that is known to be over here, whether or not the store knows. */
  note(key: string, reason: EndReason): void {
    this.#reasons.set(key, reason)
    this.#listener?.(key)
  }

  /** Has `listener` called with the key of each session that is known from then on to be over. */
  onNote(listener: (key: string) => void): void {
    this.#listener = listener
  }

  /** For one that turned out not to be over. */
  forget(key: string): void {
    if (this.#reasons.size > 0) this.#reasons.delete(key)
  }

  /** Deletes the record and leaves word of it: after a logout nothing, since nobody has to be told. */
  async end(key: string, session: EndedSession, reason: EndReason, detail?: string): Promise<void> {
    const word = reason === 'logout' ? undefined : this.#wordOf(reason, session.expiresAt)
    if (!(await this.#deps.store.deleteSession(key, word))) return
    this.note(key, reason)
    this.#tell(session, reason, detail)
  }

  /** A session that was open here is over, or the store does not have it and nobody has said why. */
  notice(key: string, content: SessionContent): void {
    if (this.#reasons.has(key)) return
    const { clock, lifetimes, logger } = this.#deps
    const reason = endOf(content, lifetimes) > clock.now() ? 'store_lost' : reasonOfTime(content, lifetimes)
    this.note(key, reason)
    this.#leaveWord(key, content.session, reason).catch((cause: unknown) => {
      logger.debug({ session_id: content.session.id, reason, cause }, 'the store was not told why a session is over')
    })
  }

  /** A session that was open here is over; sees to it that it is known why, if anybody knows. Never rejects. */
  async explain(key: string, content: SessionContent): Promise<void> {
    if (this.#reasons.has(key)) return
    try {
      if ((await this.#deps.store.getSession(key)) === undefined) this.notice(key, content)
    } catch (cause) {
      this.#deps.logger.debug({ session_id: content.session.id, cause }, 'why a session is over could not be asked')
    }
  }

  async #leaveWord(key: string, session: Session, reason: 'idle' | 'absolute' | 'store_lost'): Promise<void> {
    const { store } = this.#deps
    const word = this.#wordOf(reason, session.expiresAt)
    // What is over may still be there; what was lost may have come back, and then it is none of ours to end.
    const isFirst =
      (reason !== 'store_lost' && (await store.deleteSession(key, word))) ||
      ((await store.markEnd?.(key, word)) ?? true)
    if (isFirst) this.#tell(session, reason)
  }

  #hear(news: EndNews): SessionEnd | undefined {
    const { key } = news
    if ('reason' in news) {
      // A store of somebody else's may say anything, and what it says gets into pages and headers.
      if (END_REASONS.includes(news.reason)) this.note(key, news.reason)
      return undefined
    }
    const metadata = readMetadata(news.value)
    if (metadata === undefined) return undefined
    const isIdle = news.expiresAt < metadata.expiresAt
    const reason = news.kind === 'evicted' ? 'evicted' : isIdle ? 'idle' : 'absolute'
    this.note(key, reason)
    this.#tell({ id: publicSessionId(key), provider: metadata.provider }, reason)
    return this.#wordOf(reason, metadata.expiresAt)
  }

  #wordOf(reason: EndReason, expiresAt = Number.POSITIVE_INFINITY): SessionEnd {
    const now = this.#deps.clock.now()
    return { reason, until: Math.min(Math.max(expiresAt, now + MIN_TOLD_MS), now + MAX_TOLD_MS) }
  }

  #tell({ id, provider }: EndedSession, reason: EndReason, detail?: string): void {
    const { clock, logger } = this.#deps
    publish({ type: 'ended', provider, reason })
    const entry = { session_id: id, provider, reason, ...(detail === undefined ? {} : { detail }) }
    if (reason !== 'evicted') return logger.info(entry, 'session ended')
    const count = ++this.#evicted
    if (clock.now() < this.#tellEvictedAt) return
    this.#tellEvictedAt = clock.now() + TELL_EVICTED_EVERY_MS
    this.#evicted = 0
    logger.warn({ ...entry, count }, 'session ended')
  }
}

/** Of one that is over: by its age, or because nobody used it. */
function reasonOfTime(content: SessionContent, lifetimes: Lifetimes): 'idle' | 'absolute' {
  return endOf(content, lifetimes) < content.session.expiresAt ? 'idle' : 'absolute'
}
