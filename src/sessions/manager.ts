import { type ActiveSession, ActiveSessions, type NearCacheFigures, type NearCachePolicy } from './active-sessions.ts'
import type {
  EndAllOptions,
  EndReason,
  OutagePolicy,
  RefreshTokens,
  Session,
  SessionDraft,
  SessionManager,
  SessionsOf,
  SessionStore,
  StoredRecord,
  UserinfoSource,
} from './contract.ts'
import { endAll } from './end-all.ts'
import { EndWatch } from './end-watch.ts'
import { publish, refuse } from './events.ts'
import { guessEnd } from './hint.ts'
import { endOf, idleTimeoutOf, LONGEST_LIFETIME_MS, touched, touchIntervalMs } from './lifetimes.ts'
import { newSession } from './new-session.ts'
import { OpenStreams } from './open-streams.ts'
import { isUnchanged, SessionRecords, type OpenedRecord, type SessionRecordsOptions } from './records.ts'
import { endOfToken, Refresher, type RefreshPolicy } from './refresh.ts'
import type { RefreshResult } from './renewals.ts'
import type { RunningSessionManager } from './running-manager.ts'
import { hintOf, isRetiredTicket, parseTicket, type Ticket } from './ticket.ts'
import { OwedEnds, Tombstones } from './tombstones.ts'

export interface SessionManagerOptions extends SessionRecordsOptions {
  readonly refresh: RefreshPolicy
  /** `undefined`: the store is asked at each request. */
  readonly nearCache?: NearCachePolicy | undefined
}

/** While a refresh is under way and the old token good, a session is looked at again after this time. */
const LOOK_AGAIN_MS = 500

/** Creates the manager of the sessions in a store. `close` lets what is under way finish. */
export function createSessionManager(options: SessionManagerOptions): RunningSessionManager {
  return new Manager(options)
}

class Manager implements RunningSessionManager {
  readonly #records: SessionRecords
  readonly #policy: RefreshPolicy
  /** The shortest idle time that anybody minds besides the session's own timeout. */
  #observedIdleMs: number | undefined
  readonly #active: ActiveSessions
  readonly #tombstones: Tombstones
  readonly #owedEnds: OwedEnds
  readonly #endWatch: EndWatch
  readonly #streams: OpenStreams
  #refresher: Refresher | undefined

  constructor(options: SessionManagerOptions) {
    this.#records = new SessionRecords(options)
    this.#policy = options.refresh
    this.#active = new ActiveSessions(options.nearCache, options.clock)
    this.#tombstones = new Tombstones(options.clock)
    this.#owedEnds = new OwedEnds(options.clock)
    this.#endWatch = new EndWatch(this.#records, this.#active)
    this.#streams = new OpenStreams({
      records: this.#records,
      active: this.#active,
      tombstones: this.#tombstones,
      graceMs: options.nearCache?.outageGraceMs,
      admit: (...found) => this.#admit(...found),
    })
    options.store.onChange?.((key) => {
      this.#active.noteChange(key)
      this.#streams.look(key)
    })
  }

  onRefresh(tokens: RefreshTokens, userinfo?: UserinfoSource): void {
    this.#refresher = new Refresher(this.#records, { tokens, userinfo }, this.#policy)
  }

  open(text: string, outage: OutagePolicy = 'grace'): Session | undefined | Promise<Session | undefined> {
    const active = this.#active.get(text)
    const ticket = active === undefined ? parseTicket(text) : active.opened.ticket
    if (ticket === undefined) return refuse('malformed')
    if (this.#tombstones.has(ticket.key)) return refuse('ended')
    if (this.#active.isVouchedFor(active) && active !== undefined) return this.#use(active)
    let found: ReturnType<SessionStore['getSession']>
    try {
      found = this.#records.store.getSession(ticket.key, active?.opened.version)
    } catch (cause: unknown) {
      return this.#withoutStore(ticket, outage, cause)
    }
    if (!(found instanceof Promise)) return this.#judge(ticket, found, active)
    return found.then(
      (record) => this.#judge(ticket, record, this.#active.get(text)),
      (cause: unknown) => this.#withoutStore(ticket, outage, cause),
    )
  }

  async create(draft: SessionDraft): Promise<{ readonly ticket: string; readonly session: Session }> {
    const { random, lifetimes, clock } = this.#records
    const { ticket, content } = newSession(draft, { random, lifetimes, now: clock.now() })
    const { session } = content
    const opened = await this.#records.create(ticket, content)
    this.#confirmLater(this.#remember(opened))
    publish({ type: 'created', provider: session.provider })
    this.#records.logger.info({ session_id: session.id, provider: session.provider }, 'session created')
    return { ticket: ticket.text, session }
  }

  async end(text: string, reason: EndReason): Promise<Session | undefined> {
    const ticket = parseTicket(text)
    if (ticket === undefined) return undefined
    const known = this.#active.peek(text)?.opened.content.session
    const until = known?.lifetimeEndsAt ?? this.#records.clock.now() + LONGEST_LIFETIME_MS
    // What was a session once may be one again after a failover.
    const wasSession = known !== undefined || this.#tombstones.isProven(ticket.key)
    const wasEnded = this.#tombstones.has(ticket.key)
    this.#tombstones.add(ticket.key, until, wasSession)
    this.#active.delete(text)
    try {
      const ended = await this.#endInStore(ticket, reason)
      if (ended === undefined && !wasEnded) this.#tombstones.remove(ticket.key, until)
      return ended
    } catch (cause) {
      this.#records.ends.note(ticket.key, reason)
      this.#owedEnds.add(ticket.key, until, () => this.#endInStore(ticket, reason), wasSession)
      throw cause
    }
  }

  whyEnded(text: string): EndReason | undefined {
    const ticket = parseTicket(text)
    if (ticket === undefined) return isRetiredTicket(text) ? 'key_retired' : undefined
    const hint = hintOf(ticket)
    const { ends, clock } = this.#records
    return ends.reasonOf(ticket.key) ?? (hint && guessEnd(hint, clock.now()))
  }

  endAll(of: SessionsOf, reason: EndReason, options?: EndAllOptions): Promise<number> {
    const [records, active, tombstones, owedEnds] = [this.#records, this.#active, this.#tombstones, this.#owedEnds]
    return endAll({ records, active, tombstones, owedEnds }, of, reason, options)
  }

  observeIdle(idleTimeoutMs: number): void {
    this.#observedIdleMs = Math.min(this.#observedIdleMs ?? idleTimeoutMs, idleTimeoutMs)
  }

  get nearCache(): NearCacheFigures | undefined {
    return this.#active.figures
  }

  watch(text: string, close: () => void, outage: OutagePolicy = 'grace'): () => void {
    return this.#streams.add(text, close, outage)
  }

  async close(): Promise<void> {
    this.#streams.stop()
    await this.#owedEnds.close()
    this.#endWatch.stop()
    await this.#refresher?.close()
  }

  async #endInStore(ticket: Ticket, reason: EndReason): Promise<Session | undefined> {
    const opened = await this.#records.read(ticket)
    if (opened === undefined) return undefined
    const { session } = opened.content
    this.#tombstones.add(ticket.key, session.lifetimeEndsAt)
    await this.#records.end(ticket.key, session, reason)
    return session
  }

  #judge(
    ticket: Ticket,
    record: StoredRecord | undefined,
    known: ActiveSession | undefined,
  ): Session | undefined | Promise<Session | undefined> {
    if (record === undefined) {
      this.#active.delete(ticket.text)
      if (this.#tombstones.has(ticket.key)) return refuse('ended')
      if (known !== undefined) this.#records.ends.notice(ticket.key, known.opened.content)
      return refuse(this.#records.ends.reasonOf(ticket.key) === undefined ? 'unknown' : 'ended')
    }
    // It may have been ended while the store was being asked.
    if (this.#tombstones.has(ticket.key)) return refuse('ended')
    const active = this.#admit(ticket, record, known)
    return active === undefined ? record.confirm?.().then(() => undefined) : this.#use(active)
  }

  #admit(ticket: Ticket, record: StoredRecord, known: ActiveSession | undefined): ActiveSession | undefined {
    const isKnown = known !== undefined && isUnchanged(known.opened, record)
    const active = isKnown ? known : this.#open(ticket, record, known)
    if (active !== undefined) this.#active.confirm(active, record.watch)
    return active
  }

  /** The store could not be asked: not knowing is not the same as knowing that there is none. */
  #withoutStore(ticket: Ticket, outage: OutagePolicy, cause: unknown): ReturnType<SessionManager['open']> {
    if (this.#tombstones.has(ticket.key)) return refuse('ended')
    const active = this.#active.peek(ticket.text)
    if (outage === 'deny' || active === undefined || !this.#active.isWithinGrace(active)) throw cause
    return this.#use(active)
  }

  #use(active: ActiveSession): Session | undefined | Promise<Session | undefined> {
    return this.#records.clock.now() < active.checkAt ? active.opened.content.session : this.#check(active)
  }

  #open(ticket: Ticket, record: StoredRecord, known: ActiveSession | undefined): ActiveSession | undefined {
    const opened = this.#records.open(ticket, record, known?.opened.sealKey)
    if (opened === undefined) return undefined
    this.#records.ends.forget(ticket.key)
    return this.#remember(opened)
  }

  /** Something is due. */
  #check(active: ActiveSession): Session | undefined | Promise<Session | undefined> {
    const { opened } = active
    const now = this.#records.clock.now()
    // The store may have kept it longer than it should.
    if (endOf(opened.content, this.#records.lifetimes) <= now) {
      this.#active.delete(opened.ticket.text)
      this.#records.ends.notice(opened.ticket.key, opened.content)
      return refuse('expired')
    }
    if (active.touchAt <= now) void this.#touch(active, now)
    this.#schedule(active)
    if (this.#refresher === undefined || active.checkAt > now) return active.opened.content.session
    const refreshing = this.#refresher.refresh(active.opened)
    if (endOfToken(active.opened) <= now) return refreshing?.then(this.#refreshed) ?? active.opened.content.session
    // In the background: until it is done, the next requests need not look again.
    active.checkAt = Math.min(
      now + LOOK_AGAIN_MS,
      endOfToken(active.opened),
      endOf(opened.content, this.#records.lifetimes),
    )
    void refreshing?.then(this.#refreshed)
    return active.opened.content.session
  }

  readonly #refreshed = (result: RefreshResult): Session | undefined | Promise<undefined> => {
    const { opened } = result
    const { key, text } = opened.ticket
    if (result.kind === 'ended') this.#active.delete(text)
    if (this.#tombstones.has(key)) return refuse('ended')
    if (result.kind === 'ended') return this.#records.ends.explain(key, opened.content).then(() => refuse('ended'))
    const active = this.#active.peek(text)
    // The same one: another instance is at it, or the provider could not be asked. It is looked at again in a while.
    if (active !== undefined && active.opened !== opened && active.opened.version <= opened.version)
      this.#confirmLater(this.#remember(opened, active.touchAt))
    return opened.content.session
  }

  /** Writes "last seen", in the background and only over the version that was opened: it brings nothing back. */
  async #touch(active: ActiveSession, now: number): Promise<void> {
    const { opened } = active
    active.touchAt = now + this.#touchEveryMs(opened)
    const content = { ...opened.content, session: touched(opened.content.session, now) }
    try {
      const written = await this.#records.update(opened, content)
      if (written === undefined || active.opened !== opened) return
      active.opened = written
      this.#schedule(active)
      this.#confirmLater(active)
    } catch (cause) {
      this.#records.logger.debug({ session_id: content.session.id, cause }, 'the last use of a session was not written')
    }
  }

  /** What was written here is read back, so that the store vouches for it also if it goes away before the next request. */
  #confirmLater(active: ActiveSession): void {
    if (!this.#active.isNearCache) return
    const { key, text } = active.opened.ticket
    const confirm = async (): Promise<void> => {
      const record = await this.#records.store.getSession(key)
      if (record !== undefined && isUnchanged(active.opened, record) && this.#active.peek(text) === active)
        this.#active.confirm(active, record.watch)
    }
    confirm().catch((cause: unknown) => this.#records.logger.debug({ cause }, 'a session could not be read back'))
  }

  #touchEveryMs({ content }: OpenedRecord): number {
    const own = touchIntervalMs({ idleTimeoutMs: idleTimeoutOf(content, this.#records.lifetimes) })
    return Math.min(own, touchIntervalMs({ idleTimeoutMs: this.#observedIdleMs }))
  }

  #remember(opened: OpenedRecord, dueAt?: number): ActiveSession {
    const touchAt = dueAt ?? opened.content.session.lastSeenAt + this.#touchEveryMs(opened)
    const active = { opened, checkAt: 0, touchAt, watch: undefined, askedAt: 0, failingSince: undefined }
    this.#schedule(active)
    this.#active.set(active)
    this.#endWatch.begin()
    return active
  }

  #schedule(active: ActiveSession): void {
    const { content } = active.opened
    const refreshAt = this.#refresher?.dueAt(content) ?? Number.POSITIVE_INFINITY
    active.checkAt = Math.min(endOf(content, this.#records.lifetimes), active.touchAt, refreshAt)
  }
}
