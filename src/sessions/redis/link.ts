import type { Logger } from '../../kernel/logger.ts'
import type { BreakerState } from '../contract.ts'
import { storeUnavailable } from '../store-error.ts'
import type { RedisAddress } from './address.ts'
import { Backoff } from './backoff.ts'
import {
  RedisTimeout,
  type RedisArgument,
  type RedisConnection,
  type RedisCredentials,
  type RedisReply,
} from './connection.ts'
import { diagnose, type RedisTarget } from './diagnose.ts'
import { confirmOrder, distrust } from './confirm-order.ts'
import { checkMaster } from './handshake.ts'
import type { RedisLinkDeps, RedisLinkOptions, WatchedReply } from './link-options.ts'
import { presentCredentials } from './present-credentials.ts'
import { isAuthRefused } from './reply-error.ts'
import { ConnectionOpener, type TrackedConnection } from './tracked-connection.ts'

/** More commands than that at once are refused: a slow server is not made slower. */
const MAX_IN_FLIGHT = 4096
/**
 * How often a connection is tried, so that one that died unnoticed is replaced before somebody needs it, and so that nobody
 * waits longer than this and a deadline for changes that it does not tell.
 */
const HEARTBEAT_MS = 250
/** A connection whose server turned out to be a replica, or to have forgotten us, is given up at most so often. */
const RECYCLE_EVERY_MS = 1_000

/**
 * Keeps one connection to a server alive for ever. While there is none, every command fails at once, so that a server that
 * hangs costs one deadline and not one for each request.
 */
export class RedisLink {
  readonly #options: RedisLinkOptions
  #credentials: RedisCredentials
  readonly #deps: RedisLinkDeps
  readonly #logger: Logger
  #address: RedisAddress | undefined
  #connection: RedisConnection | undefined
  readonly #opener: ConnectionOpener
  /** Of the connection that is open, where it tracks. */
  #watch: { lostAt: number | undefined } | undefined
  #lastCause: unknown
  #downSince: number | undefined
  /** Whether the connection has been of use to anybody. */
  #hasAnswered = false
  readonly #backoff = new Backoff()
  #lastRecycle = 0
  /** Ends the attempt to connect that is being made. */
  #abandon: ((cause: Error) => void) | undefined
  #isElsewhere = false
  #closed = false
  #keptAlive = false
  readonly #heartbeat: NodeJS.Timeout

  constructor(options: RedisLinkOptions, deps: RedisLinkDeps) {
    this.#options = options
    this.#credentials = options.credentials
    this.#opener = new ConnectionOpener(options.proofPrefix, deps.logger)
    this.#deps = deps
    this.#logger = deps.logger
    this.#heartbeat = setInterval(() => {
      // What goes wrong is seen and mended by the connection's own deadline, which runs already while something is in flight.
      if (this.#connection?.inFlight === 0) this.#connection.send(['PING']).catch(() => undefined)
    }, HEARTBEAT_MS).unref()
  }

  /** The server that was tried last; without an address when none was found yet. */
  get target(): RedisTarget {
    const { db, key, tls } = this.#options
    return { address: this.#address, db, key, tls: tls !== undefined }
  }

  get isConnected(): boolean {
    return this.#connection !== undefined
  }

  get breaker(): BreakerState {
    if (this.isConnected) return 'closed'
    return this.#backoff.isWaiting ? 'open' : 'half_open'
  }

  /** Connects once. Rejects with what went wrong. */
  async connect(): Promise<void> {
    const address = await this.#options.locate()
    this.#address = address
    const credentials = this.#credentials
    const { connection, isTracking } = await this.#open(address).catch((cause: unknown) => {
      if (isAuthRefused(cause)) this.#deps.refused?.()
      throw cause
    })
    if (this.#closed) return connection.destroy()
    this.#connection = connection
    this.#hasAnswered = false
    this.#watch = isTracking ? { lostAt: undefined } : undefined
    if (credentials !== this.#credentials) await this.useCredentials(this.#credentials)
    this.#deps.connected?.()
  }

  /** Until it is there, or the server is known to be elsewhere. */
  async #open(address: RedisAddress): Promise<TrackedConnection> {
    const { promise: abandoned, reject } = Promise.withResolvers<never>()
    this.#abandon = reject
    const opening = this.#openAt(address)
    try {
      return await Promise.race([opening, abandoned])
    } catch (cause) {
      opening.then(
        ({ connection }) => connection.destroy(),
        () => undefined,
      )
      throw cause
    } finally {
      this.#abandon = undefined
    }
  }

  async #openAt(address: RedisAddress): Promise<TrackedConnection> {
    let opened: TrackedConnection | undefined
    const events = {
      // One that breaks before it is in use is told of by the attempt that opens it.
      lost: (cause: unknown) => {
        if (opened !== undefined && opened.connection === this.#connection) this.#lost(cause)
      },
      changed: this.#deps.changed,
      heard: this.#deps.heard,
    }
    const options = { ...this.#options, address, credentials: this.#credentials }
    opened = await this.#opener.open(options, events, this.target)
    if (this.#options.mastersOnly) await checkMaster(opened.connection)
    return opened
  }

  /** Connects now if that is possible, and else as soon as it is; for ever. */
  async begin(): Promise<void> {
    try {
      await this.connect()
    } catch (cause) {
      this.#lastCause = cause
    }
    this.keepAlive()
  }

  /** From now on a connection that breaks is replaced, for ever. */
  keepAlive(): void {
    this.#keptAlive = true
    if (this.#connection === undefined) this.#lost(this.#lastCause)
  }

  /** From now on it is these; the connection that is open takes them too, and stays as it is where they are refused. */
  async useCredentials(credentials: RedisCredentials): Promise<void> {
    this.#credentials = credentials
    const connection = this.#connection
    if (connection === undefined) return this.#backoff.cutShort()
    const refusal = await presentCredentials(connection, credentials, this.target, this.#logger)
    if (isAuthRefused(refusal)) this.#deps.refused?.()
  }

  get credentials(): RedisCredentials {
    return this.#credentials
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** Gives up the connection without another attempt; `connect` may be called again. */
  disconnect(): void {
    this.#connection?.destroy()
    this.#drop()
  }

  /** Sends a command as it is and gives the server's own error. */
  async sendRaw(args: readonly RedisArgument[]): Promise<RedisReply> {
    if (this.#connection === undefined) throw this.#lastCause
    return await this.#connection.send(args)
  }

  /**
   * Sends a command.
   * @throws {GateError} ERR_SESSION_STORE_UNAVAILABLE, unless `isAnswer` says that the server's error is an answer.
   */
  async send(args: readonly RedisArgument[], isAnswer?: (cause: unknown) => boolean): Promise<RedisReply> {
    const connection = this.#connection
    if (connection === undefined) throw storeUnavailable(diagnose(this.#lastCause, this.target))
    if (connection.inFlight >= MAX_IN_FLIGHT) throw storeUnavailable('too many commands are waiting for Redis')
    try {
      const reply = await connection.send(args)
      this.#hasAnswered = true
      return reply
    } catch (cause) {
      if (isAnswer?.(cause) === true) throw cause
      if (cause instanceof Error && /^(READONLY|MASTERDOWN|NOAUTH)/.test(cause.message))
        this.#recycle(connection, cause)
      throw storeUnavailable(diagnose(cause, this.target))
    }
  }

  /** Sends a command about a slot that is on its way to this server, by which it was sent here. */
  async sendAsking(args: readonly RedisArgument[], isAnswer?: (cause: unknown) => boolean): Promise<RedisReply> {
    // Both are on their way before anything else can be; what goes wrong with the first goes wrong with the second.
    this.#connection?.send(['ASKING']).catch(() => undefined)
    return await this.send(args, isAnswer)
  }

  /** Sends a command that reads. */
  async read(args: readonly RedisArgument[], isAnswer?: (cause: unknown) => boolean): Promise<WatchedReply> {
    const [connection, watch] = [this.#connection, this.#watch]
    const reply = await this.send(args, isAnswer)
    const confirm = (): Promise<void> => confirmOrder(this, () => connection === this.#connection)
    return { reply, watch: watch?.lostAt === undefined ? watch : undefined, confirm }
  }

  /** A reply was none to what was asked: whatever follows on this connection could be somebody else's. */
  distrust(): Error {
    return distrust(this)
  }

  /** Ends the connection; the next one goes to where the server is by then. */
  giveUp(cause: Error): void {
    const connection = this.#connection
    if (connection === undefined) return
    connection.destroy(cause)
    this.#lost(cause)
  }

  /** Whoever is being waited for, or the wait for the next attempt, is given up: the server is elsewhere. */
  lookElsewhere(cause: Error): void {
    if (this.#abandon === undefined) return this.#backoff.cutShort()
    this.#isElsewhere = true
    this.#abandon(cause)
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#heartbeat)
    this.disconnect()
    this.#backoff.cutShort()
  }

  /** What was read over it is vouched for no longer. */
  #drop(): void {
    this.#connection = undefined
    if (this.#watch !== undefined) this.#watch.lostAt = this.#deps.clock.now()
    this.#watch = undefined
  }

  #lost(cause: unknown): void {
    this.#drop()
    this.#lastCause = cause
    if (this.#closed || !this.#keptAlive) return
    this.#downSince ??= performance.now()
    this.#logger.error(
      { detail: diagnose(cause, this.target) },
      'session store is down; connecting again until it is back',
    )
    this.#deps.lost?.()
    void this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    // A server that was merely restarted is back at once; one that hangs is given time, and more each time that it only greets.
    if (!(this.#lastCause instanceof RedisTimeout)) this.#backoff.reset()
    else if (this.#hasAnswered) this.#backoff.reset('first')
    else this.#backoff.grow()
    while (!this.#closed) {
      await this.#backoff.wait()
      if (this.#closed) return
      try {
        await this.connect()
        break
      } catch (cause) {
        this.#noteFailure(cause)
        if (this.#isElsewhere) this.#backoff.reset()
        else this.#backoff.grow()
        this.#isElsewhere = false
      }
    }
    const downForMs = Math.round(performance.now() - (this.#downSince ?? 0))
    this.#downSince = undefined
    if (!this.#closed) this.#logger.info({ down_for_ms: downForMs }, 'session store is back')
  }

  /** Tells the operator when the reason is another one than before, such as a password that was changed. */
  #noteFailure(cause: unknown): void {
    const detail = diagnose(cause, this.target)
    if (detail !== diagnose(this.#lastCause, this.target)) this.#logger.error({ detail }, 'session store is still down')
    this.#lastCause = cause
  }

  /** The role of a server may have moved elsewhere, or it may know us again: a new connection finds out. */
  #recycle(connection: RedisConnection, cause: Error): void {
    const now = performance.now()
    if (connection !== this.#connection || now - this.#lastRecycle < RECYCLE_EVERY_MS) return
    this.#lastRecycle = now
    this.giveUp(cause)
  }
}
