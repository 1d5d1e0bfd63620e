import { LRUCache } from 'lru-cache'
import type { Clock } from '../kernel/clock.ts'
import type { EndListener, SessionEnd, SessionIndex, SessionStore, StoredRecord } from './contract.ts'
import { BoundedStates } from './memory/bounded-states.ts'
import { ExpiryBuckets } from './memory/expiry-buckets.ts'
import { KeptEnds } from './memory/kept-ends.ts'
import { KeyIndex } from './memory/key-index.ts'
import { MemoryNotes } from './memory/notes.ts'

export interface MemoryStoreOptions {
  /** When as many are held, the one unused for longest goes. */
  readonly maxSessions: number
  /** When as many are held, the oldest of the origin that holds most of them goes. */
  readonly maxStates: number
}

/** How often what is over is swept out; it is refused from the very moment on which it ends. */
const SWEEP_MS = 10_000
const MAX_LEASES = 10_000

interface HeldSession {
  record: StoredRecord
  readonly index: SessionIndex
  bucket: number
}

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
  readonly #sessions: LRUCache<string, HeldSession>
  readonly #states: BoundedStates
  readonly #expiry = new ExpiryBuckets(SWEEP_MS)
  readonly #subjects = new KeyIndex()
  readonly #providerSessions = new KeyIndex()
  readonly #leases: LRUCache<string, Lease>
  readonly #notes: MemoryNotes
  readonly #ends: KeptEnds
  #tellEnd: EndListener | undefined
  #cancelSweep: (() => void) | undefined

  constructor(options: MemoryStoreOptions, clock: Clock) {
    this.#clock = clock
    this.#sessions = new LRUCache({
      max: options.maxSessions,
      dispose: (held, key, why) => {
        this.#unlink(key, held)
        if (why === 'evict') this.#letGo('evicted', key, held)
      },
    })
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
      indexEntries: this.#subjects.size + this.#providerSessions.size,
    }
  }

  getSession(key: string): StoredRecord | undefined {
    const held = this.#sessions.get(key)
    const now = this.#clock.now()
    if (held !== undefined && held.record.expiresAt > now) return held.record
    if (held !== undefined) this.#expire(key, held)
    const reason = this.#ends.find(key, now)
    if (reason !== undefined) this.#tellEnd?.({ kind: 'found', key, reason })
    return undefined
  }

  createSession(key: string, value: Uint8Array, expiresAt: number, index: SessionIndex): boolean {
    if (this.#live(key) !== undefined || this.#ends.find(key, this.#clock.now()) !== undefined) return false
    this.#sessions.delete(key)
    this.#sessions.set(key, {
      record: { value, version: 1, expiresAt },
      index,
      bucket: this.#expiry.add(key, expiresAt),
    })
    this.#subjects.add(index.subject, key)
    if (index.providerSession !== undefined) this.#providerSessions.add(index.providerSession, key)
    this.#sweepLater()
    return true
  }

  updateSession(key: string, value: Uint8Array, expiresAt: number, expectedVersion: number): boolean {
    const held = this.#live(key)
    if (held === undefined || held.record.version !== expectedVersion) return false
    held.record = { value, version: expectedVersion + 1, expiresAt }
    this.#expiry.remove(key, held.bucket)
    held.bucket = this.#expiry.add(key, expiresAt)
    return true
  }

  deleteSession(key: string, end?: SessionEnd): boolean {
    if (this.#live(key) === undefined) return false
    this.#sessions.delete(key)
    if (end !== undefined) this.#ends.add(key, end)
    return true
  }

  markEnd(key: string, end: SessionEnd): boolean {
    const held = this.#sessions.peek(key)
    const now = this.#clock.now()
    if (held !== undefined && held.record.expiresAt <= now) this.#expire(key, held)
    else if (held !== undefined) return false
    if (this.#ends.find(key, now) !== undefined) return false
    this.#ends.add(key, end)
    return true
  }

  findSessions(index: Partial<SessionIndex>): string[] {
    const { subject, providerSession } = index
    const keys =
      providerSession === undefined ? this.#subjects.find(subject ?? '') : this.#providerSessions.find(providerSession)
    return keys.filter((key) => {
      const held = this.#live(key)
      return held !== undefined && (subject === undefined || held.index.subject === subject)
    })
  }

  countSessions(): number {
    this.#sweep()
    let over = 0
    for (const key of this.#expiry.keysAround(this.#clock.now())) if (this.#live(key) === undefined) over++
    return this.#sessions.size - over
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
  #live(key: string): HeldSession | undefined {
    const held = this.#sessions.peek(key)
    return held !== undefined && held.record.expiresAt > this.#clock.now() ? held : undefined
  }

  #expire(key: string, held: HeldSession): void {
    this.#sessions.delete(key)
    this.#letGo('expired', key, held)
  }

  #letGo(kind: 'expired' | 'evicted', key: string, { record }: HeldSession): void {
    const end = this.#tellEnd?.({ kind, key, value: record.value, expiresAt: record.expiresAt })
    if (end !== undefined) this.#ends.add(key, end)
  }

  #unlink(key: string, held: HeldSession): void {
    this.#expiry.remove(key, held.bucket)
    this.#subjects.remove(held.index.subject, key)
    if (held.index.providerSession !== undefined) this.#providerSessions.remove(held.index.providerSession, key)
  }

  #sweep(): void {
    const now = this.#clock.now()
    for (const keys of this.#expiry.takeDue(now)) {
      for (const key of keys) {
        const held = this.#sessions.peek(key)
        if (held !== undefined) this.#expire(key, held)
      }
    }
    this.#states.sweep(now)
  }

  #sweepLater(): void {
    this.#cancelSweep ??= this.#clock.schedule(SWEEP_MS, () => {
      this.#cancelSweep = undefined
      this.#sweep()
      if (!this.#expiry.isEmpty || !this.#states.isEmpty) this.#sweepLater()
    })
  }
}
