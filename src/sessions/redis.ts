import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import type {
  BreakerState,
  EndListener,
  SessionEnd,
  SessionIndex,
  SessionStore,
  StoredRecord,
  StoreWatch,
} from './contract.ts'
import { publish } from './events.ts'
import { countMembers, lookAtEach, readMembers } from './redis/indexes.ts'
import { hashOf, Keyspace } from './redis/keyspace.ts'
import type { WatchedReply } from './redis/link-options.ts'
import { MessageLags } from './redis/message-lags.ts'
import type { RedisStoreOptions } from './redis/options.ts'
import { Readings } from './redis/readings.ts'
import { RecentEnds } from './redis/recent-ends.ts'
import { runStep } from './redis/run-step.ts'
import {
  CREATE_SESSION,
  DELETE_SESSION,
  MARK_END,
  RELEASE_LEASE,
  RENEW_LEASE,
  UPDATE_SESSION,
  type RedisScript,
} from './redis/scripts.ts'
import type { RedisArgument, RedisCredentials, RedisReply } from './redis/connection.ts'
import { createServers } from './redis/create-servers.ts'
import { isWrongType, type RedisServers } from './redis/servers.ts'
import { startServers } from './redis/start.ts'
import { takeForkRecord } from './redis/fork-records.ts'
import { decodeEnd, encodeEnd } from './redis/stored-end.ts'
import {
  decodeHead,
  decodeNote,
  encodeNote,
  encodeRecord,
  encodeTime,
  encodeVersion,
  HEAD_BYTES,
  type StoredHead,
} from './redis/stored-value.ts'
import { MAX_RECORD_BYTES } from './record.ts'

export type { RedisStoreOptions }

/** More than a record may have: what is longer is cut by the server and is none of ours. */
const MAX_VALUE_BYTES = HEAD_BYTES + MAX_RECORD_BYTES
const MAX_NOTE_BYTES = 1024
/** So many sessions of one person are looked up at once. */
const FIND_CHUNK = 500

/**
 * Creates a store in Redis. Keys, all of which expire: `<session_prefix><key>` holds a record, `<state_prefix><key>` a login
 * state, `<session_prefix>subject:<hash>` and `<session_prefix>sid:<hash>` the keys of a person's and of a provider session's
 * records, `<session_prefix>subject:all` those of all, `<session_prefix>lease:<key>` who refreshes a session, `<session_prefix>note:<hash>` what a provider announced.
 */
export function createRedisStore(options: RedisStoreOptions, clock: Clock, logger: Logger): RedisSessionStore {
  return new RedisStore(options, clock, logger)
}

export interface RedisSessionStore extends SessionStore {
  /** Takes changed credentials, without a gap where the server takes them too. */
  useCredentials(credentials: RedisCredentials): Promise<void>
  /** Reads and removes, in one atomic step, what the fork keeps under this id. None of our own keys can be named so. */
  takeForkRecord(id: string): Promise<Uint8Array | undefined>
}

class RedisStore implements RedisSessionStore {
  readonly kind = 'redis'
  hearsOfEnds = false
  readonly #options: RedisStoreOptions
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #servers: RedisServers
  readonly #keys: Keyspace
  readonly #readings = new Readings()
  readonly #lags = new MessageLags()
  readonly #recentEnds: RecentEnds
  #tellChange: (key: string | undefined) => void = () => undefined
  #tellEnd: EndListener = () => undefined

  constructor(options: RedisStoreOptions, clock: Clock, logger: Logger) {
    this.#options = options
    this.#clock = clock
    this.#logger = logger
    const { sessionPrefix, statePrefix, servers } = options
    this.#keys = new Keyspace({ sessionPrefix, statePrefix, isCluster: servers.kind === 'cluster' })
    this.#recentEnds = new RecentEnds(clock)
    const connected = (): void => this.#recentEnds.tellAgain((key, end) => this.#delete(key, end))
    // All that is published are the keys of sessions that were logged out.
    const heard = (key: string | undefined): void => {
      if (key === undefined) this.hearsOfEnds = true
      else this.#tellEnd({ kind: 'told', key, reason: 'logout' })
    }
    const changed = (name: string | undefined): void => this.#noteChange(name)
    this.#servers = createServers(options, { clock, logger, connected, heard, changed })
  }

  onChange(listener: (key: string | undefined) => void): void {
    this.#tellChange = listener
  }

  onEnd(listener: EndListener): void {
    this.#tellEnd = listener
  }

  async useCredentials(credentials: RedisCredentials): Promise<void> {
    await this.#servers.useCredentials(credentials)
  }

  async start(): Promise<void> {
    await startServers(this.#servers, this, this.#options.startTimeoutMs, this.#clock, this.#logger)
  }

  async ping(): Promise<void> {
    await this.#servers.ping()
  }

  async close(): Promise<void> {
    this.#recentEnds.close()
    this.#servers.close()
  }

  async getSession(key: string): Promise<StoredRecord | undefined> {
    const name = this.#keys.session(key)
    const endReading = this.#readings.begin(name)
    let isChanged = true
    const {
      reply: value,
      watch,
      confirm,
    } = await this.#read(name, MAX_VALUE_BYTES).finally(() => {
      isChanged = endReading()
    })
    const head = value === undefined ? undefined : decodeHead(value)
    // That somebody has no session is not believed to a connection on which answers have shifted.
    if (head === undefined) await confirm?.()
    if (value === undefined || value.length === 0) return undefined
    if (head === undefined || value.length > MAX_VALUE_BYTES) {
      const end = decodeEnd(value)
      if (end === undefined) this.#tellUnreadable(name)
      else if (end.until > this.#clock.now()) this.#tellEnd({ kind: 'found', key, reason: end.reason })
      return undefined
    }
    const { version, expiresAt } = head
    if (expiresAt <= this.#clock.now()) return undefined
    return { value: value.subarray(HEAD_BYTES), version, expiresAt, watch: isChanged ? undefined : watch, confirm }
  }

  async createSession(key: string, value: Uint8Array, expiresAt: number, index: SessionIndex): Promise<boolean> {
    const { subject, providerSession } = index
    const head: StoredHead = {
      version: 1,
      expiresAt,
      subject: hashOf(subject),
      providerSession: providerSession === undefined ? undefined : hashOf(providerSession),
    }
    const now = this.#clock.now()
    const ends = String(Math.ceil(expiresAt))
    const args = [encodeRecord(head, value), this.#lifetime(expiresAt), key, ends, String(now), encodeTime(now)]
    return (await this.#run(CREATE_SESSION, this.#keys.ofStep(key, head), args)) === 1
  }

  async updateSession(key: string, value: Uint8Array, expiresAt: number, expectedVersion: number): Promise<boolean> {
    const { head: before, watch } = await this.#readHead(key)
    if (before === undefined || before.version !== expectedVersion) return false
    const head = { ...before, version: expectedVersion + 1, expiresAt }
    const ends = String(Math.ceil(expiresAt))
    const record = [encodeVersion(expectedVersion), encodeRecord(head, value), this.#lifetime(expiresAt)]
    const args = [...record, key, ends, String(this.#clock.now())]
    return await this.#write(key, watch, () => this.#run(UPDATE_SESSION, this.#keys.ofStep(key, before), args))
  }

  async deleteSession(key: string, end?: SessionEnd): Promise<boolean> {
    const isDeleted = await this.#delete(key, end)
    if (isDeleted) this.#recentEnds.note(key, end)
    return isDeleted
  }

  async markEnd(key: string, end: SessionEnd): Promise<boolean> {
    const args = [encodeEnd(end), this.#lifetime(end.until), encodeTime(this.#clock.now())]
    return (await this.#run(MARK_END, [this.#keys.session(key)], args)) === 1
  }

  async findSessions({ subject, providerSession }: Partial<SessionIndex>): Promise<string[]> {
    const subjectHash = subject === undefined ? undefined : hashOf(subject)
    const indexes = this.#keys.indexesOf(subjectHash, providerSession)
    const keys = await readMembers(this.#servers, indexes, this.#clock.now())
    const heads = await lookAtEach(keys, FIND_CHUNK, async (key) => (await this.#readHead(key)).head)
    return keys.filter((_, i) => heads[i] !== undefined && (subjectHash ?? heads[i].subject) === heads[i].subject)
  }

  async countSessions(): Promise<number> {
    return await countMembers(this.#servers, this.#keys.indexesOfAll(), this.#clock.now())
  }

  breaker(): BreakerState {
    return this.#servers.breaker()
  }

  async putState(key: string, value: Uint8Array, expiresAt: number): Promise<void> {
    const name = this.#keys.state(key)
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
    await this.#servers.send(name, ['SET', name, bytes, 'PX', this.#lifetime(expiresAt)])
  }

  async takeState(key: string): Promise<Uint8Array | undefined> {
    return (await this.#bytes(['GETDEL', this.#keys.state(key)])).reply
  }

  async takeForkRecord(id: string): Promise<Uint8Array | undefined> {
    return await takeForkRecord(this.#servers, id, this.#keys.session(id))
  }

  async acquireLease(name: string, holder: string, ttlMs: number): Promise<boolean> {
    const lease = this.#keys.lease(name)
    const taken = await this.#servers.send(lease, ['SET', lease, holder, 'NX', 'PX', String(Math.ceil(ttlMs))])
    return taken === 'OK'
  }

  async renewLease(name: string, holder: string, ttlMs: number): Promise<boolean> {
    return (await this.#run(RENEW_LEASE, [this.#keys.lease(name)], [holder, String(Math.ceil(ttlMs))])) === 1
  }

  async releaseLease(name: string, holder: string): Promise<void> {
    await this.#run(RELEASE_LEASE, [this.#keys.lease(name)], [holder])
  }

  async putNote(name: string, text: string, expiresAt: number): Promise<void> {
    const key = this.#keys.note(name)
    await this.#servers.send(key, ['SET', key, encodeNote(text, expiresAt), 'PX', this.#lifetime(expiresAt)])
  }

  async getNote(name: string): Promise<string | undefined> {
    const { reply } = await this.#read(this.#keys.note(name), MAX_NOTE_BYTES)
    const note = reply === undefined ? undefined : decodeNote(reply)
    return note !== undefined && note.expiresAt > this.#clock.now() ? note.text : undefined
  }

  async #delete(key: string, end: SessionEnd | undefined): Promise<boolean> {
    const { head, watch } = await this.#readHead(key)
    const word = end === undefined ? [] : [encodeEnd(end), this.#lifetime(end.until)]
    // What is over leaves nothing but itself to be removed.
    const args = head === undefined ? [key, ''] : [key, this.#keys.channel, ...word]
    const run = (): Promise<RedisReply> => this.#run(DELETE_SESSION, this.#keys.ofStep(key, head), args)
    return (await this.#write(key, watch, run)) && head !== undefined
  }

  #run(script: RedisScript, keys: readonly [string, ...string[]], args: readonly RedisArgument[]): Promise<RedisReply> {
    return runStep(this.#servers, script, keys, args)
  }

  #write(key: string, watch: StoreWatch | undefined, run: () => Promise<RedisReply>): Promise<boolean> {
    return this.#lags.measure(this.#keys.session(key), watch, async () => (await run()) === 1)
  }

  async #readHead(key: string): Promise<{ head: StoredHead | undefined; watch: StoreWatch | undefined }> {
    const { reply: value, watch } = await this.#read(this.#keys.session(key), HEAD_BYTES)
    const head = value === undefined ? undefined : decodeHead(value)
    return { head: head !== undefined && head.expiresAt > this.#clock.now() ? head : undefined, watch }
  }

  /** One byte more than `limit` tells that there are more. */
  async #read(name: string, limit: number): Promise<WatchedReply<Buffer | undefined>> {
    return await this.#bytes(['GETRANGE', name, '0', String(limit)])
  }

  async #bytes(command: readonly [string, string, ...string[]]): Promise<WatchedReply<Buffer | undefined>> {
    try {
      const { reply, ...rest } = await this.#servers.read(command[1], command, isWrongType)
      if (Buffer.isBuffer(reply)) return { reply, ...rest }
      if (reply === null) return { reply: undefined, ...rest }
      throw this.#servers.distrust(command[1])
    } catch (cause) {
      if (!isWrongType(cause)) throw cause
      this.#tellUnreadable(command[1])
      return { reply: undefined, watch: undefined }
    }
  }

  #noteChange(name: string | undefined): void {
    this.#readings.noteChange(name)
    this.#lags.noteChange(name)
    this.#tellChange(name === undefined ? undefined : this.#keys.sessionKeyOf(name))
  }

  #tellUnreadable(key: string): void {
    publish({ type: 'unreadable' })
    this.#logger.warn({ key }, 'a value in Redis is none of ours, or of another release; it is left as it is')
  }

  /** Relative to our clock: a server whose clock is wrong by minutes still keeps a login for its ten. */
  #lifetime(expiresAt: number): string {
    return String(Math.max(1, Math.ceil(expiresAt - this.#clock.now())))
  }
}
