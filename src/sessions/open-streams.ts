import { setImmediate as turn } from 'node:timers/promises'
import type { ActiveSession, ActiveSessions } from './active-sessions.ts'
import type { OutagePolicy, StoredRecord } from './contract.ts'
import { publish, type StreamEnd } from './events.ts'
import { endOf } from './lifetimes.ts'
import type { SessionRecords } from './records.ts'
import { parseTicket, type Ticket } from './ticket.ts'
import type { Tombstones } from './tombstones.ts'

export interface OpenStreamsParts {
  readonly records: SessionRecords
  readonly active: ActiveSessions
  readonly tombstones: Tombstones
  /** For how long streams go on while the store cannot be asked; by default half a minute. */
  readonly graceMs: number | undefined
  /** Opens what the store gave, or confirms what is known of it; nothing when it opens nothing. */
  readonly admit: (ticket: Ticket, record: StoredRecord, known: ActiveSession | undefined) => ActiveSession | undefined
}

interface Stream {
  readonly close: () => void
  readonly outage: OutagePolicy
}

/** A session that somebody has streams of. */
interface StreamingSession {
  readonly ticket: Ticket
  readonly streams: Set<Stream>
  /** Since when the store has not said whether it lives. */
  failingSince: number | undefined
  isAsking: boolean
}

/** How often sessions are looked at. */
const EVERY_MS = 500
const GRACE_MS = 30_000
/** The store is asked about so many at once. */
const CHUNK = 200
const AT_ONCE = 1000

/**
 * Streams that are open for sessions, and must not outlive them. Ends that become known here close them at once; for all others
 * each session is looked at twice a second: for nothing where the store vouches for it, else by asking. None of it is a use.
 */
export class OpenStreams {
  readonly #parts: OpenStreamsParts
  readonly #graceMs: number
  /** By key of the record. */
  readonly #sessions = new Map<string, StreamingSession>()
  #cancel: (() => void) | undefined
  #isStopped = false

  constructor(parts: OpenStreamsParts) {
    this.#parts = parts
    this.#graceMs = parts.graceMs ?? GRACE_MS
    parts.records.ends.onNote((key) => this.#close(this.#sessions.get(key), 'session_ended'))
  }

  /** Looks at once whether the session is over already. The function that comes back is for a stream that is over by itself. */
  add(text: string, close: () => void, outage: OutagePolicy): () => void {
    const ticket = parseTicket(text)
    if (ticket === undefined || this.#isStopped) return () => undefined
    const stream = { close, outage }
    const known = this.#sessions.get(ticket.key)
    const session = known ?? { ticket, streams: new Set<Stream>(), failingSince: undefined, isAsking: false }
    session.streams.add(stream)
    if (known === undefined) this.#sessions.set(ticket.key, session)
    publish({ type: 'stream', change: 'opened' })
    // Not before the caller knows how to forget it.
    queueMicrotask(() => void this.#look(session))
    this.#lookLater()
    return () => {
      if (!session.streams.delete(stream)) return
      publish({ type: 'stream', change: 'gone' })
      this.#forgetEmpty(session)
    }
  }

  /** Something has happened to the record of this key; without a key the next look tells. */
  look(key: string | undefined): void {
    const session = key === undefined ? undefined : this.#sessions.get(key)
    if (session !== undefined) void this.#look(session)
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel?.()
    this.#sessions.clear()
  }

  #lookLater(): void {
    if (this.#isStopped || this.#sessions.size === 0) return
    this.#cancel ??= this.#parts.records.clock.schedule(EVERY_MS, () => {
      void this.#lookAtAll().finally(() => {
        this.#cancel = undefined
        this.#lookLater()
      })
    })
  }

  async #lookAtAll(): Promise<void> {
    let asked: Promise<void>[] = []
    let looks = 0
    for (const session of this.#sessions.values()) {
      const asking = this.#look(session)
      if (asking !== undefined) asked.push(asking)
      // Requests come in between, however many there are.
      if (++looks % AT_ONCE === 0) await turn()
      if (asked.length < CHUNK) continue
      await Promise.all(asked)
      asked = []
    }
    await Promise.all(asked)
  }

  /** A promise only where the store has to be asked. Never rejects. */
  #look(session: StreamingSession): Promise<void> | undefined {
    const { records, active: sessions, tombstones } = this.#parts
    const { ticket } = session
    if (session.isAsking || session.streams.size === 0) return undefined
    if (tombstones.has(ticket.key)) {
      this.#close(session, 'session_ended')
      return undefined
    }
    const active = sessions.peek(ticket.text)
    if (active !== undefined && sessions.isVouchedFor(active)) {
      this.#judge(session, active)
      return undefined
    }
    try {
      const found = records.store.getSession(ticket.key)
      if (found instanceof Promise) return this.#await(session, found)
      this.#conclude(session, found)
    } catch (cause: unknown) {
      this.#withoutStore(session, cause)
    }
    return undefined
  }

  async #await(session: StreamingSession, found: Promise<StoredRecord | undefined>): Promise<void> {
    session.isAsking = true
    try {
      this.#conclude(session, await found)
    } catch (cause: unknown) {
      this.#withoutStore(session, cause)
    } finally {
      session.isAsking = false
    }
  }

  #conclude(session: StreamingSession, record: StoredRecord | undefined): void {
    const { active, admit, records, tombstones } = this.#parts
    const { ticket } = session
    const known = active.peek(ticket.text)
    session.failingSince = undefined
    if (record === undefined && known !== undefined) {
      active.delete(ticket.text)
      records.ends.notice(ticket.key, known.opened.content)
    }
    const isOver = record === undefined || tombstones.has(ticket.key)
    this.#judge(session, isOver ? undefined : admit(ticket, record, known))
  }

  #judge(session: StreamingSession, active: ActiveSession | undefined): void {
    const { records, active: sessions } = this.#parts
    if (active !== undefined && endOf(active.opened.content, records.lifetimes) > records.clock.now()) return
    if (active !== undefined) {
      sessions.delete(session.ticket.text)
      records.ends.notice(session.ticket.key, active.opened.content)
    }
    this.#close(session, 'session_ended')
  }

  /** Not knowing is not the same as knowing that it is over; but not for longer than requests would be let in. */
  #withoutStore(session: StreamingSession, cause: unknown): void {
    const { clock, logger } = this.#parts.records
    const now = clock.now()
    session.failingSince ??= now
    logger.debug({ cause }, 'the session store could not say whether a session with open streams lives')
    this.#close(session, 'store_unavailable', now - session.failingSince >= this.#graceMs ? undefined : 'deny')
  }

  /** @param only those of this policy; by default all */
  #close(session: StreamingSession | undefined, change: StreamEnd, only?: OutagePolicy): void {
    if (session === undefined) return
    const closing = [...session.streams].filter(({ outage }) => only === undefined || outage === only)
    for (const stream of closing) {
      session.streams.delete(stream)
      publish({ type: 'stream', change })
      stream.close()
    }
    this.#forgetEmpty(session)
  }

  #forgetEmpty(session: StreamingSession): void {
    const { key } = session.ticket
    if (session.streams.size === 0 && this.#sessions.get(key) === session) this.#sessions.delete(key)
  }
}
