import type { EndListener, SessionEnd, SessionIndex, SessionStore, StoredRecord } from '../../src/sessions/contract.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { MemoryStore } from '../../src/sessions/memory.ts'
import { Timeline } from './timeline.ts'

interface Expected {
  readonly value: Buffer
  readonly version: number
  readonly expiresAt: number
  readonly index: SessionIndex
}

/** The store in memory, each answer of which is compared with that of a plain map. */
export class CheckedMemory implements SessionStore {
  readonly kind = 'memory'
  readonly #inner: MemoryStore
  readonly #clock: Clock
  readonly #fail: (what: string) => void
  /** The one unused for longest first. */
  readonly #expected = new Map<string, Expected>()
  readonly #timelines = new Map<string, Timeline>()
  onEvicted: (key: string) => void = () => undefined
  onDeleted: (key: string) => void = () => undefined

  constructor(maxSessions: number, clock: Clock, fail: (what: string) => void) {
    this.#inner = new MemoryStore({ maxSessions, maxStates: 10 }, clock)
    this.#clock = clock
    this.#fail = fail
  }

  timeline(key: string): Timeline {
    const known = this.#timelines.get(key)
    if (known !== undefined) return known
    const timeline = new Timeline()
    this.#timelines.set(key, timeline)
    return timeline
  }

  onEnd(listener: EndListener): void {
    this.#inner.onEnd((news) => {
      if (news.kind === 'evicted') {
        if (this.#expected.keys().next().value !== news.key)
          this.#fail('another session is evicted than the one unused for longest')
        this.onEvicted(news.key)
        this.#forget(news.key)
      }
      if (news.kind === 'expired') {
        if (this.#live(news.key) !== undefined) this.#fail('a session that goes on is said to be over')
        this.#forget(news.key)
      }
      return listener(news)
    })
  }

  async start(): Promise<void> {
    await this.#inner.start()
  }

  async ping(): Promise<void> {
    await this.#inner.ping()
  }

  getSession(key: string, knownVersion?: number): StoredRecord | undefined {
    const expected = this.#live(key)
    const record = this.#inner.getSession(key, knownVersion)
    this.#compare('getSession', record !== undefined, expected !== undefined)
    if (record === undefined || expected === undefined) return record
    const isSame = record.isKnown === true ? record.version === knownVersion : expected.value.equals(record.value)
    this.#compare('the record', isSame, true)
    this.#compare('its version', record.version, expected.version)
    this.#compare('its end', record.expiresAt, expected.expiresAt)
    this.#expected.delete(key)
    this.#expected.set(key, expected)
    return record
  }

  createSession(key: string, value: Uint8Array, expiresAt: number, index: SessionIndex): boolean {
    const isTaken = this.#live(key) !== undefined
    const isCreated = this.#inner.createSession(key, value, expiresAt, index)
    this.#compare('createSession', isCreated, !isTaken)
    this.#expected.delete(key)
    this.#put(key, { value: Buffer.from(value), version: 1, expiresAt, index })
    return isCreated
  }

  updateSession(key: string, value: Uint8Array, expiresAt: number, expectedVersion: number): boolean {
    const before = this.#live(key)
    const isWritten = this.#inner.updateSession(key, value, expiresAt, expectedVersion)
    this.#compare('updateSession', isWritten, before?.version === expectedVersion)
    if (before !== undefined && isWritten)
      this.#put(key, { ...before, value: Buffer.from(value), version: before.version + 1, expiresAt })
    return isWritten
  }

  deleteSession(key: string, end?: SessionEnd): boolean {
    const isThere = this.#live(key) !== undefined
    const isDeleted = this.#inner.deleteSession(key, end)
    this.#compare('deleteSession', isDeleted, isThere)
    if (isThere) {
      this.onDeleted(key)
      this.#forget(key)
    }
    return isDeleted
  }

  markEnd(key: string, end: SessionEnd): boolean {
    const isMarked = this.#inner.markEnd(key, end)
    if (isMarked) this.#compare('markEnd', this.#live(key), undefined)
    return isMarked
  }

  findSessions(index: Partial<SessionIndex>): string[] {
    const found = this.#inner.findSessions(index)
    const expected = [...this.#expected].filter(
      ([key, { index: own }]) =>
        this.#live(key) !== undefined &&
        (index.subject === undefined || index.subject === own.subject) &&
        (index.providerSession === undefined || index.providerSession === own.providerSession),
    )
    this.#compare(
      'findSessions',
      found.toSorted().join(),
      expected
        .map(([key]) => key)
        .toSorted()
        .join(),
    )
    return found
  }

  countSessions(): number {
    const count = this.#inner.countSessions()
    this.#compare('countSessions', count, [...this.#expected.keys()].filter((key) => this.#live(key)).length)
    return count
  }

  putState(key: string, value: Uint8Array, expiresAt: number, origin: string): void {
    this.#inner.putState(key, value, expiresAt, origin)
  }

  takeState(key: string): Uint8Array | undefined {
    return this.#inner.takeState(key)
  }

  acquireLease(name: string, holder: string, ttlMs: number): boolean {
    return this.#inner.acquireLease(name, holder, ttlMs)
  }

  renewLease(name: string, holder: string, ttlMs: number): boolean {
    return this.#inner.renewLease(name, holder, ttlMs)
  }

  releaseLease(name: string, holder: string): void {
    this.#inner.releaseLease(name, holder)
  }

  putNote(name: string, text: string, expiresAt: number): void {
    this.#inner.putNote(name, text, expiresAt)
  }

  getNote(name: string): string | undefined {
    return this.#inner.getNote(name)
  }

  async close(): Promise<void> {
    await this.#inner.close()
  }

  #live(key: string): Expected | undefined {
    const expected = this.#expected.get(key)
    return expected !== undefined && expected.expiresAt > this.#clock.now() ? expected : undefined
  }

  #put(key: string, expected: Expected): void {
    this.#expected.set(key, expected)
    this.timeline(key).set(this.#clock.now(), expected.expiresAt)
  }

  #forget(key: string): void {
    this.#expected.delete(key)
    this.timeline(key).end(this.#clock.now())
  }

  #compare(what: string, got: unknown, expected: unknown): void {
    if (got !== expected) this.#fail(`${what} gave ${String(got)} and not ${String(expected)}`)
  }
}
