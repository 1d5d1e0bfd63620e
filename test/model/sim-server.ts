import type { SessionEnd, SessionIndex } from '../../src/sessions/contract.ts'
import type { Simulation } from './simulation.ts'
import { Timeline } from './timeline.ts'

/** What the server holds of a session. */
export interface SimRecord {
  readonly value: Uint8Array
  readonly version: number
  readonly expiresAt: number
  readonly index: SessionIndex
  /** When the server itself drops it. */
  readonly endsAt: number
}

/** What lies under the key of a session. */
export interface Found {
  readonly record: SimRecord | undefined
  /** Word of its end. */
  readonly end: SessionEnd | undefined
}

/** One thing that the server does as one. */
export type Command =
  | { readonly name: 'ping' }
  | { readonly name: 'get'; readonly key: string }
  | { readonly name: 'create'; readonly key: string; readonly record: SimRecord; readonly lifetimeMs: number }
  | {
      readonly name: 'update'
      readonly key: string
      readonly value: Uint8Array
      readonly expiresAt: number
      readonly lifetimeMs: number
      readonly expectedVersion: number
    }
  | { readonly name: 'delete'; readonly key: string; readonly end: SessionEnd | undefined }
  | { readonly name: 'mark'; readonly key: string; readonly end: SessionEnd }
  | { readonly name: 'members'; readonly index: Partial<SessionIndex> }
  | { readonly name: 'lease'; readonly key: string; readonly holder: string; readonly ttlMs: number }
  | { readonly name: 'renew'; readonly key: string; readonly holder: string; readonly ttlMs: number }
  | { readonly name: 'note'; readonly key: string; readonly text: string; readonly expiresAt: number }
  | { readonly name: 'noted'; readonly key: string }
  | { readonly name: 'unlease'; readonly key: string; readonly holder: string }

/** Who may be told of changes. */
export interface Watcher {
  invalidate(key: string | undefined): void
}

/** What the world outside wants to know, as it happens. */
export type OnKey = (key: string) => void

const WRITES = new Set<Command['name']>(['create', 'update', 'delete', 'mark', 'lease', 'renew', 'unlease', 'note'])
/** How far back a failover may throw the data. */
const KEPT_WRITES = 64
const KEPT_MS = 3_000

/**
 * A server with the semantics that matter of Redis: each command is done as one, what was read over a connection is watched once,
 * keys end by themselves, and a failover forgets the last writes.
 */
export class SimServer {
  readonly #sim: Simulation
  readonly records = new Map<string, SimRecord>()
  readonly leases = new Map<string, { readonly holder: string; readonly endsAt: number }>()
  readonly #ends = new Map<string, SessionEnd>()
  readonly #notes = new Map<string, { readonly text: string; readonly endsAt: number }>()
  /** When each record was there: what is true, whoever knows it. */
  readonly timelines = new Map<string, Timeline>()
  /** By key, who is told of its next change. */
  readonly #watchers = new Map<string, Set<Watcher>>()
  /** Who is told when everything is gone. */
  readonly #tracking = new Set<Watcher>()
  #undo: { readonly at: number; readonly key: string; readonly run: () => void }[] = []
  onDeleted: OnKey = () => undefined
  onUpdated: OnKey = () => undefined

  constructor(sim: Simulation) {
    this.#sim = sim
  }

  static isWrite(command: Command): boolean {
    return WRITES.has(command.name)
  }

  live(key: string): SimRecord | undefined {
    const record = this.records.get(key)
    return record !== undefined && record.endsAt > this.#sim.now ? record : undefined
  }

  timeline(key: string): Timeline {
    const known = this.timelines.get(key)
    if (known !== undefined) return known
    const timeline = new Timeline()
    this.timelines.set(key, timeline)
    return timeline
  }

  execute(command: Command, watcher: Watcher | undefined): unknown {
    switch (command.name) {
      case 'ping':
        return 'PONG'
      case 'get':
        if (watcher !== undefined) this.#watch(command.key, watcher)
        return { record: this.live(command.key), end: this.#endOf(command.key) } satisfies Found
      case 'create':
        if (this.live(command.key) !== undefined || this.#endOf(command.key) !== undefined) return false
        return this.#write(command.key, { ...command.record, endsAt: this.#sim.now + command.lifetimeMs })
      case 'update': {
        const before = this.live(command.key)
        if (before?.version !== command.expectedVersion) return false
        const { value, expiresAt } = command
        const endsAt = this.#sim.now + command.lifetimeMs
        this.#write(command.key, { ...before, value, expiresAt, version: before.version + 1, endsAt })
        this.onUpdated(command.key)
        return true
      }
      case 'delete':
        return this.#delete(command.key, command.end)
      case 'mark':
        if (this.live(command.key) !== undefined || this.#endOf(command.key) !== undefined) return false
        this.#mark(command.key, command.end)
        return true
      case 'members':
        return [...this.records.keys()].filter((key) => isFiledIn(this.live(key), command.index))
      case 'lease':
        return this.#lease(command.key, command.holder, command.ttlMs)
      case 'renew': {
        const isHeld = this.#leaseOf(command.key)?.holder === command.holder
        if (isHeld) this.#setLease(command.key, { holder: command.holder, endsAt: this.#sim.now + command.ttlMs })
        return isHeld
      }
      case 'note':
        this.#notes.set(command.key, { text: command.text, endsAt: command.expiresAt })
        return undefined
      case 'noted': {
        const note = this.#notes.get(command.key)
        return note !== undefined && note.endsAt > this.#sim.now ? note.text : undefined
      }
      case 'unlease':
        if (this.leases.get(command.key)?.holder === command.holder) this.#setLease(command.key, undefined)
        return undefined
    }
  }

  track(watcher: Watcher): void {
    this.#tracking.add(watcher)
  }

  /** Nobody is left to be told: the connection is gone. */
  forget(watcher: Watcher): void {
    this.#tracking.delete(watcher)
    for (const watchers of this.#watchers.values()) watchers.delete(watcher)
  }

  /** Everything is gone; those who watch are told so, where they still can be. */
  empty(): void {
    const now = this.#sim.now
    for (const key of this.records.keys()) this.timeline(key).end(now)
    this.records.clear()
    this.leases.clear()
    this.#ends.clear()
    this.#notes.clear()
    this.#undo = []
    this.#watchers.clear()
    for (const watcher of this.#tracking) watcher.invalidate(undefined)
  }

  /** A replica takes over that has not seen the last writes. Gives the keys that they were about. */
  failOver(lostWrites: number): Set<string> {
    const since = this.#sim.now - KEPT_MS
    const lost = this.#undo.filter(({ at }) => at >= since).slice(-lostWrites)
    for (const { run } of lost.toReversed()) run()
    this.#undo = []
    this.#watchers.clear()
    return new Set(lost.map(({ key }) => key))
  }

  #write(key: string, record: SimRecord): true {
    const before = this.live(key)
    this.#remember(key, () => this.#restore(key, before))
    this.records.set(key, record)
    this.timeline(key).extend(this.#sim.now, record.endsAt)
    this.#tell(key)
    return true
  }

  #delete(key: string, end: SessionEnd | undefined): boolean {
    const before = this.live(key)
    if (before === undefined) return false
    this.#remember(key, () => this.#restore(key, before))
    this.records.delete(key)
    if (end !== undefined) this.#ends.set(key, end)
    this.timeline(key).end(this.#sim.now)
    this.onDeleted(key)
    this.#tell(key)
    return true
  }

  #mark(key: string, end: SessionEnd): void {
    const before = this.live(key)
    this.#remember(key, () => this.#restore(key, before))
    this.records.delete(key)
    this.#ends.set(key, end)
    this.#tell(key)
  }

  #endOf(key: string): SessionEnd | undefined {
    const end = this.#ends.get(key)
    return end !== undefined && end.until > this.#sim.now ? end : undefined
  }

  #restore(key: string, record: SimRecord | undefined): void {
    const now = this.#sim.now
    this.#ends.delete(key)
    if (record === undefined || record.endsAt <= now) {
      this.records.delete(key)
      this.timeline(key).end(now)
      return
    }
    this.records.set(key, record)
    this.timeline(key).set(now, record.endsAt)
  }

  #lease(key: string, holder: string, ttlMs: number): boolean {
    if (this.#leaseOf(key) !== undefined) return false
    this.#setLease(key, { holder, endsAt: this.#sim.now + ttlMs })
    return true
  }

  #leaseOf(key: string): { readonly holder: string } | undefined {
    const lease = this.leases.get(key)
    return lease !== undefined && lease.endsAt > this.#sim.now ? lease : undefined
  }

  #setLease(key: string, lease: { holder: string; endsAt: number } | undefined): void {
    const before = this.leases.get(key)
    this.#remember(key, () => {
      if (before === undefined) this.leases.delete(key)
      else this.leases.set(key, before)
    })
    if (lease === undefined) this.leases.delete(key)
    else this.leases.set(key, lease)
  }

  #remember(key: string, run: () => void): void {
    this.#undo.push({ at: this.#sim.now, key, run })
    if (this.#undo.length > KEPT_WRITES) this.#undo.shift()
  }

  #watch(key: string, watcher: Watcher): void {
    const watchers = this.#watchers.get(key)
    if (watchers === undefined) this.#watchers.set(key, new Set([watcher]))
    else watchers.add(watcher)
  }

  #tell(key: string): void {
    const watchers = this.#watchers.get(key)
    this.#watchers.delete(key)
    for (const watcher of watchers ?? []) watcher.invalidate(key)
  }
}

function isFiledIn(record: SimRecord | undefined, { subject, providerSession }: Partial<SessionIndex>): boolean {
  if (record === undefined) return false
  if (subject !== undefined && record.index.subject !== subject) return false
  return providerSession === undefined || record.index.providerSession === providerSession
}
