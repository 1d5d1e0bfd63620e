import { LRUCache } from 'lru-cache'
import type { Clock } from '../kernel/clock.ts'
import type { EndListener, SessionEnd, SessionIndex, SessionStore, StoredRecord } from './contract.ts'
import { BoundedStates } from './memory/bounded-states.ts'
import { KeptEnds } from './memory/kept-ends.ts'
import { MemoryNotes } from './memory/notes.ts'
import { SessionTable } from './memory/session-table.ts'

export interface MemoryStoreOptions {
  /** When as many are held, the one unused for longest goes. */
  readonly maxSessions: number
  /** When as many are held, the oldest of the origin that holds most of them goes. */
  readonly maxStates: number
}

/** How often what is over is swept out; it is refused from the very moment on which it ends. */
const SWEEP_MS = 10_000
const MAX_LEASES = 10_000
/** Instead of a value that is known already. */
const LEFT_OUT = new Uint8Array(0)

interface Lease {
  readonly holder: string
  readonly expiresAt: number
}

/** What a memory store holds at the moment, swept or not. */
export interface MemoryStoreSizes {
  readonly sessions: number
  readonly states: number
  readonly indexEntries: number
}

/** A store in this process: bounded, fast, gone with the process. It answers without a promise. */
export class MemoryStore implements SessionStore {
  readonly kind = 'memory'
  readonly #clock: Clock
  readonly #sessions: SessionTable
  readonly #states: BoundedStates
  readonly #leases: LRUCache<string, Lease>
  readonly #notes: MemoryNotes
  readonly #ends: KeptEnds
  #tellEnd: EndListener | undefined
  #cancelSweep: (() => void) | undefined

  constructor(options: MemoryStoreOptions, clock: Clock) {
    this.#clock = clock
    this.#sessions = new SessionTable(options.maxSessions, SWEEP_MS)
    this.#ends = new KeptEnds(options.maxSessions)
    this.#states = new BoundedStates(options.maxStates, SWEEP_MS)
    this.#leases = new LRUCache({ max: MAX_LEASES })
    this.#notes = new MemoryNotes(clock)
  }

  onEnd(listener: EndListener): void {
    this.#tellEnd = listener
  }

  async start(): Promise<void> {}

  async ping(): Promise<void> {}

  async close(): Promise<void> {
    this.#cancelSweep?.()
    this.#cancelSweep = undefined
  }

  get sizes(): MemoryStoreSizes {
    return {
      sessions: this.#sessions.size,
      states: this.#states.size,
      indexEntries: this.#sessions.indexEntries,
    }
  }

  getSession(key: string, knownVersion?: number): StoredRecord | undefined {
    const id = this.#sessions.find(key)
    const now = this.#clock.now()
    if (id !== undefined && this.#sessions.endOf(id) > now) {
      this.#sessions.use(id)
      const version = this.#sessions.versionOf(id)
      const expiresAt = this.#sessions.endOf(id)
      if (version === knownVersion) return { value: LEFT_OUT, version, expiresAt, isKnown: true }
      return { value: this.#sessions.valueOf(id), version, expiresAt }
    }
    if (id !== undefined) this.#letGo('expired', id)
    const reason = this.#ends.find(key, now)
    if (reason !== undefined) this.#tellEnd?.({ kind: 'found', key, reason })
    return undefined
  }

  createSession(key: string, value: Uint8Array, expiresAt: number, index: SessionIndex): boolean {
    if (this.#live(key) !== undefined || this.#ends.find(key, this.#clock.now()) !== undefined) return false
    const before = this.#sessions.find(key)
    if (before !== undefined) this.#sessions.remove(before)
    const { isFull, oldest } = this.#sessions
    if (isFull && oldest !== undefined) this.#letGo('evicted', oldest)
    this.#sessions.add(key, value, expiresAt, index)
    this.#sweepLater()
    return true
  }

  updateSession(key: string, value: Uint8Array, expiresAt: number, expectedVersion: number): boolean {
    const id = this.#live(key)
    if (id === undefined || this.#sessions.versionOf(id) !== expectedVersion) return false
    this.#sessions.replace(id, value, expiresAt)
    return true
  }

  deleteSession(key: string, end?: SessionEnd): boolean {
    const id = this.#live(key)
    if (id === undefined) return false
    this.#sessions.remove(id)
    if (end !== undefined) this.#ends.add(key, end)
    return true
  }

  markEnd(key: string, end: SessionEnd): boolean {
    const id = this.#sessions.find(key)
    const now = this.#clock.now()
    if (id !== undefined && this.#sessions.endOf(id) <= now) this.#letGo('expired', id)
    else if (id !== undefined) return false
    if (this.#ends.find(key, now) !== undefined) return false
    this.#ends.add(key, end)
    return true
  }

  findSessions({ subject, providerSession }: Partial<SessionIndex>): string[] {
    const sessions = this.#sessions
    if (providerSession === undefined) return this.#keysOf(sessions.ofSubject(subject ?? ''))
    const found = sessions.ofProviderSession(providerSession)
    return this.#keysOf(subject === undefined ? found : found.filter((id) => sessions.hasSubject(id, subject)))
  }

  countSessions(): number {
    this.#sweep()
    const now = this.#clock.now()
    const over = this.#sessions.around(now).filter((id) => this.#sessions.endOf(id) <= now)
    return this.#sessions.size - over.length
  }

  putState(key: string, value: Uint8Array, expiresAt: number, origin: string): void {
    this.#states.put(key, value, expiresAt, origin)
    this.#sweepLater()
  }

  takeState(key: string): Uint8Array | undefined {
    return this.#states.take(key, this.#clock.now())
  }

  acquireLease(name: string, holder: string, ttlMs: number): boolean {
    const now = this.#clock.now()
    const lease = this.#leases.get(name)
    if (lease !== undefined && lease.expiresAt > now) return false
    this.#leases.set(name, { holder, expiresAt: now + ttlMs })
    return true
  }

  renewLease(name: string, holder: string, ttlMs: number): boolean {
    const now = this.#clock.now()
    const lease = this.#leases.get(name)
    if (lease === undefined || lease.holder !== holder || lease.expiresAt <= now) return false
    this.#leases.set(name, { holder, expiresAt: now + ttlMs })
    return true
  }

  releaseLease(name: string, holder: string): void {
    if (this.#leases.get(name)?.holder === holder) this.#leases.delete(name)
  }

  putNote(name: string, text: string, expiresAt: number): void {
    this.#notes.putNote(name, text, expiresAt)
  }

  getNote(name: string): string | undefined {
    return this.#notes.getNote(name)
  }

  /** A look that does not count as a use. */
  #live(key: string): number | undefined {
    const id = this.#sessions.find(key)
    return id !== undefined && this.#sessions.endOf(id) > this.#clock.now() ? id : undefined
  }

  #keysOf(ids: readonly number[]): string[] {
    const now = this.#clock.now()
    return ids.filter((id) => this.#sessions.endOf(id) > now).map((id) => this.#sessions.keyOf(id))
  }

  /** Nobody ended it, and it has to go. */
  #letGo(kind: 'expired' | 'evicted', id: number): void {
    const sessions = this.#sessions
    const news = { kind, key: sessions.keyOf(id), value: sessions.valueOf(id), expiresAt: sessions.endOf(id) }
    sessions.remove(id)
    const end = this.#tellEnd?.(news)
    if (end !== undefined) this.#ends.add(news.key, end)
  }

  #sweep(): void {
    const now = this.#clock.now()
    for (const id of this.#sessions.due(now)) this.#letGo('expired', id)
    this.#states.sweep(now)
  }

  #sweepLater(): void {
    this.#cancelSweep ??= this.#clock.schedule(SWEEP_MS, () => {
      this.#cancelSweep = undefined
      this.#sweep()
      if (this.#sessions.size > 0 || !this.#states.isEmpty) this.#sweepLater()
    })
  }
}
