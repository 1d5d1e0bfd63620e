import type { Clock } from '../kernel/clock.ts'
import { GateError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { EndReason, MaybePromise, SessionIndex, SessionsOf, SessionStore, StoredRecord } from './contract.ts'
import { Ends, type EndedSession } from './ends.ts'
import { publish } from './events.ts'
import { endOf, type Lifetimes } from './lifetimes.ts'
import { createRandomPool, type RandomBytes } from './random.ts'
import { decodeRecord, encodeRecord, isRetired, type SessionContent } from './record.ts'
import { deriveSealKey, type SealKey } from './seal.ts'
import { publicSessionId, type Ticket } from './ticket.ts'

/** A session that this process has opened: what it says, and which version of the record said so. */
export interface OpenedRecord {
  readonly ticket: Ticket
  readonly sealKey: SealKey
  readonly version: number
  /** Of the record's seal, which is another with each write. */
  readonly mark: number
  readonly content: SessionContent
}

export interface SessionRecordsOptions {
  readonly store: SessionStore
  readonly clock: Clock
  readonly logger: Logger
  readonly lifetimes: Lifetimes
  readonly random?: RandomBytes
}

/** Sessions in a store: sealed on the way in, opened on the way out. */
export class SessionRecords {
  readonly store: SessionStore
  readonly clock: Clock
  readonly logger: Logger
  readonly lifetimes: Lifetimes
  readonly random: RandomBytes
  readonly ends: Ends

  constructor(options: SessionRecordsOptions) {
    this.store = options.store
    this.clock = options.clock
    this.logger = options.logger
    this.lifetimes = options.lifetimes
    this.random = options.random ?? createRandomPool()
    this.ends = new Ends(options)
  }

  /** Opens what the store gave; `undefined` when the ticket does not open it. The record stays as it is. */
  open(ticket: Ticket, record: StoredRecord, sealKey: SealKey = sealKeyOf(ticket)): OpenedRecord | undefined {
    const content = decodeRecord(ticket.key, sealKey, record.value)
    const { version, value } = record
    if (content !== undefined) return { ticket, sealKey, version, mark: markOf(value), content }
    if (isRetired(record.value)) {
      this.#retire(ticket.key)
      return undefined
    }
    publish({ type: 'unreadable' })
    this.logger.warn(
      { session_id: publicSessionId(ticket.key), bytes: record.value.length },
      'session record is corrupt, of another format, or sealed for another ticket; it is left as it is',
    )
    return undefined
  }

  /** Asks the store anew. */
  async read(ticket: Ticket, sealKey?: SealKey): Promise<OpenedRecord | undefined> {
    const record = await this.store.getSession(ticket.key)
    if (record === undefined) return undefined
    const opened = this.open(ticket, record, sealKey)
    if (opened === undefined) await record.confirm?.()
    return opened
  }

  async create(ticket: Ticket, content: SessionContent): Promise<OpenedRecord> {
    const sealKey = sealKeyOf(ticket)
    const value = this.#encode(ticket, sealKey, content)
    const expiresAt = endOf(content, this.lifetimes)
    if (!(await this.store.createSession(ticket.key, value, expiresAt, indexOf(content)))) {
      throw new GateError('ERR_INTERNAL', { detail: 'a new session id was taken already: check the random generator' })
    }
    return { ticket, sealKey, version: 1, mark: markOf(value), content }
  }

  /** Writes `content` over the version that was opened; `undefined` when the record is another by now, or gone. */
  update(opened: OpenedRecord, content: SessionContent): MaybePromise<OpenedRecord | undefined> {
    const { ticket, sealKey, version } = opened
    const value = this.#encode(ticket, sealKey, content)
    const expiresAt = endOf(content, this.lifetimes)
    const written = this.store.updateSession(ticket.key, value, expiresAt, version)
    const next = { ticket, sealKey, version: version + 1, mark: markOf(value), content }
    if (typeof written === 'boolean') return written ? next : undefined
    return written.then((done) => (done ? next : undefined))
  }

  /** Deletes the record; what ended is told once, by the instance that deleted it. */
  async end(key: string, session: EndedSession, reason: EndReason, detail?: string): Promise<void> {
    await this.ends.end(key, session, reason, detail)
  }

  /** Nobody can open it any more, this release and later ones. */
  #retire(key: string): void {
    this.ends.note(key, 'key_retired')
    this.ends.end(key, { id: publicSessionId(key), provider: '' }, 'key_retired').catch((cause: unknown) => {
      this.logger.debug({ cause }, 'a session of a retired format could not be ended')
    })
  }

  #encode(ticket: Ticket, sealKey: SealKey, content: SessionContent): Uint8Array {
    try {
      return encodeRecord(ticket.key, sealKey, content, this.random)
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause
      throw new GateError('ERR_LOGIN_FAILED', {
        cause,
        detail: `the claims are too large or too deep: ${cause.message}`,
      })
    }
  }
}

/**
 * Whether the store still has what was opened. The version alone does not tell: a failover may throw a write away, and the next one
 * then has its number.
 */
export function isUnchanged({ version, mark }: OpenedRecord, record: StoredRecord): boolean {
  return version === record.version && (record.isKnown === true || mark === markOf(record.value))
}

/** The last four bytes. */
function markOf(value: Uint8Array): number {
  const end = value.length
  return (
    ((value[end - 4] ?? 0) << 24) | ((value[end - 3] ?? 0) << 16) | ((value[end - 2] ?? 0) << 8) | (value[end - 1] ?? 0)
  )
}

function sealKeyOf(ticket: Ticket): SealKey {
  return deriveSealKey(ticket.secret, 'session record v1')
}

/** Where a session is filed. */
function indexOf({ session }: SessionContent): SessionIndex {
  const { issuer, subject, sid } = session
  return { subject: pair(issuer, subject), ...(sid !== undefined && { providerSession: pair(issuer, sid) }) }
}

/** Where sessions that are meant are filed. */
export function indexOfAll({ issuer, subject, sid }: SessionsOf): Partial<SessionIndex> {
  return {
    ...(subject !== undefined && { subject: pair(issuer, subject) }),
    ...(sid !== undefined && { providerSession: pair(issuer, sid) }),
  }
}

/** Structured, so that no issuer and subject can be cut elsewhere into another pair. */
function pair(issuer: string, name: string): string {
  return JSON.stringify([issuer, name])
}
