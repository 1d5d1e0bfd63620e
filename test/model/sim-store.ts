import type { Clock } from '../../src/kernel/clock.ts'
import type { EndListener, SessionEnd, SessionIndex, SessionStore, StoredRecord } from '../../src/sessions/contract.ts'
import { RecentEnds } from '../../src/sessions/redis/recent-ends.ts'
import { Readings } from '../../src/sessions/redis/readings.ts'
import { storeUnavailable } from '../../src/sessions/store-error.ts'
import { Wire, type PathFaults, type SimNetwork } from './sim-network.ts'
import type { Command, Found, SimRecord } from './sim-server.ts'
import type { Owner } from './simulation.ts'

/** As `session_store.redis.timeout.command`. */
export const COMMAND_DEADLINE_MS = 250
const HANDSHAKE_DEADLINE_MS = 500
const FIRST_BACKOFF_MS = 20
const MAX_BACKOFF_MS = 500

export interface SimStoreOptions {
  readonly network: SimNetwork
  readonly owner: Owner
  readonly clock: Clock
  readonly faults: PathFaults
  /** Whether the server tells of changes; else nothing that was read is vouched for. */
  readonly tracking: boolean
}

/** What one instance sees of the server: one connection, kept alive for ever, and the steps of the Redis store over it. */
export class SimStore implements SessionStore {
  readonly kind = 'simulated'
  readonly #options: SimStoreOptions
  readonly #readings = new Readings()
  readonly #recentEnds: RecentEnds
  #tellChange: (key: string | undefined) => void = () => undefined
  #tellEnd: EndListener = () => undefined
  #wire: Wire | undefined
  #watch: { lostAt: number | undefined } | undefined
  #backoffMs = 0
  /** When the connection was lost last, and when it was there again. */
  lostAt = Number.NEGATIVE_INFINITY
  backAt = Number.NEGATIVE_INFINITY

  constructor(options: SimStoreOptions) {
    this.#options = options
    this.#recentEnds = new RecentEnds(options.clock)
    this.#connectLater()
  }

  get isConnected(): boolean {
    return this.#wire !== undefined
  }

  onChange(listener: (key: string | undefined) => void): void {
    this.#tellChange = listener
  }

  onEnd(listener: EndListener): void {
    this.#tellEnd = listener
  }

  async start(): Promise<void> {}

  async ping(): Promise<void> {
    await this.#ask({ name: 'ping' })
  }

  async getSession(key: string): Promise<StoredRecord | undefined> {
    const endReading = this.#readings.begin(key)
    const watch = this.#watch
    let isChanged = true
    const { record, end } = await this.#read(key).finally(() => {
      isChanged = endReading()
    })
    if (end !== undefined) this.#tellEnd({ kind: 'found', key, reason: end.reason })
    if (record === undefined || record.expiresAt <= this.#now) return undefined
    const { value, version, expiresAt } = record
    return { value, version, expiresAt, watch: isChanged || watch?.lostAt !== undefined ? undefined : watch }
  }

  async createSession(key: string, value: Uint8Array, expiresAt: number, index: SessionIndex): Promise<boolean> {
    const record = { value, version: 1, expiresAt, index, endsAt: 0 }
    return (await this.#ask({ name: 'create', key, record, lifetimeMs: this.#lifetime(expiresAt) })) === true
  }

  async updateSession(key: string, value: Uint8Array, expiresAt: number, expectedVersion: number): Promise<boolean> {
    const before = await this.#readHead(key)
    if (before === undefined || before.version !== expectedVersion) return false
    const lifetimeMs = this.#lifetime(expiresAt)
    return (await this.#ask({ name: 'update', key, value, expiresAt, lifetimeMs, expectedVersion })) === true
  }

  async deleteSession(key: string, end?: SessionEnd): Promise<boolean> {
    const isDeleted = await this.#delete(key, end)
    if (isDeleted) this.#recentEnds.note(key, end)
    return isDeleted
  }

  async #delete(key: string, end: SessionEnd | undefined): Promise<boolean> {
    const head = await this.#readHead(key)
    const deleted = await this.#ask({ name: 'delete', key, end: head === undefined ? undefined : end })
    return head !== undefined && deleted === true
  }

  async markEnd(key: string, end: SessionEnd): Promise<boolean> {
    return (await this.#ask({ name: 'mark', key, end })) === true
  }

  async findSessions(index: Partial<SessionIndex>): Promise<string[]> {
    const keys = (await this.#ask({ name: 'members', index })) as string[]
    const heads = await Promise.all(keys.map((key) => this.#readHead(key)))
    return keys.filter((_, i) => heads[i] !== undefined)
  }

  async putState(): Promise<void> {
    throw new Error('no login in this model')
  }

  async takeState(): Promise<undefined> {
    throw new Error('no login in this model')
  }

  async acquireLease(key: string, holder: string, ttlMs: number): Promise<boolean> {
    return (await this.#ask({ name: 'lease', key, holder, ttlMs })) === true
  }

  async renewLease(key: string, holder: string, ttlMs: number): Promise<boolean> {
    return (await this.#ask({ name: 'renew', key, holder, ttlMs })) === true
  }

  async putNote(key: string, text: string, expiresAt: number): Promise<void> {
    await this.#ask({ name: 'note', key, text, expiresAt })
  }

  async getNote(key: string): Promise<string | undefined> {
    return (await this.#ask({ name: 'noted', key })) as string | undefined
  }

  async releaseLease(key: string, holder: string): Promise<void> {
    await this.#ask({ name: 'unlease', key, holder })
  }

  async close(): Promise<void> {
    this.abandon()
  }

  /** The process is gone. */
  abandon(): void {
    this.#wire?.abandon()
    this.#wire = undefined
  }

  /** The connection breaks. */
  cut(): void {
    this.#wire?.cut()
  }

  /** Nothing gets through for a while: sooner or later a command, or else a PING, runs into its deadline. */
  noticeStall(): void {
    this.#wire?.heartbeat()
  }

  get #now(): number {
    return this.#options.clock.now()
  }

  async #read(key: string): Promise<Found> {
    return (await this.#ask({ name: 'get', key })) as Found
  }

  async #readHead(key: string): Promise<SimRecord | undefined> {
    const { record } = await this.#read(key)
    return record !== undefined && record.expiresAt > this.#now ? record : undefined
  }

  async #ask(command: Command): Promise<unknown> {
    if (this.#wire === undefined) throw storeUnavailable('there is no connection')
    try {
      return await this.#wire.request(command)
    } catch (cause) {
      throw storeUnavailable(cause instanceof Error ? cause.message : String(cause))
    }
  }

  #lifetime(expiresAt: number): number {
    return Math.max(1, Math.ceil(expiresAt - this.#now))
  }

  #lost(wire: Wire): void {
    if (this.#wire !== wire) return
    this.#wire = undefined
    this.lostAt = this.#options.network.sim.now
    if (this.#watch !== undefined) this.#watch.lostAt = this.#now
    this.#watch = undefined
    this.#backoffMs = 0
    this.#connectLater()
  }

  #connectLater(): void {
    const { network, owner, faults, tracking } = this.#options
    const { sim } = network
    const isReachable = (): boolean => network.state !== 'down' && faults.cutUntil <= sim.now
    const isSilent = (): boolean => network.state === 'hung' || faults.stalledUntil > sim.now
    const connect = (): void => {
      if (isReachable() && !isSilent()) {
        const wire: Wire = new Wire(network, owner, faults, COMMAND_DEADLINE_MS, {
          closed: () => this.#lost(wire),
          ...(tracking ? { changed: (key) => this.#noteChange(key) } : {}),
        })
        this.#wire = wire
        this.backAt = sim.now
        this.#watch = tracking ? { lostAt: undefined } : undefined
        this.#recentEnds.tellAgain((key, end) => this.#delete(key, end))
        return
      }
      this.#backoffMs = Math.min(Math.max(this.#backoffMs * 2, FIRST_BACKOFF_MS), MAX_BACKOFF_MS)
      sim.after(isReachable() ? HANDSHAKE_DEADLINE_MS : 0, owner, () => this.#connectLater())
    }
    sim.after(1 + this.#backoffMs * (0.5 + sim.random.next()), owner, connect)
  }

  #noteChange(key: string | undefined): void {
    this.#readings.noteChange(key)
    this.#tellChange(key)
  }
}
