import type { Clock } from '../../kernel/clock.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { StoreWatch } from '../contract.ts'
import { storeUnavailable } from '../store-error.ts'
import {
  openConnection,
  RedisTimeout,
  type RedisArgument,
  type RedisConnection,
  type RedisConnectionOptions,
  type RedisCredentials,
  type RedisReply,
} from './connection.ts'
import { diagnose, NO_TRACKING, type RedisTarget, tell } from './diagnose.ts'

export interface RedisLinkOptions extends RedisConnectionOptions {
  /** Key of the configuration that says where the server is. */
  readonly key: RedisTarget['key']
}

export interface RedisLinkDeps {
  readonly clock: Clock
  readonly logger: Logger
  /** Something that was read and is watched may have changed; without a key: everything. */
  readonly changed: (key: string | undefined) => void
}

/** What was read, and who vouches for it. */
export interface WatchedReply<Reply = RedisReply> {
  readonly reply: Reply
  readonly watch: StoreWatch | undefined
}

/** More commands than that at once are refused: a slow server is not made slower. */
const MAX_IN_FLIGHT = 4096
const FIRST_RETRY_MS = 50
const MAX_RETRY_MS = 500
/**
 * How often a connection is tried, so that one that died unnoticed is replaced before somebody needs it, and so that nobody
 * waits longer than this and a deadline for changes that it does not tell.
 */
const HEARTBEAT_MS = 1_000
/** A connection whose server turned out to be a replica is given up at most so often. */
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
  readonly target: RedisTarget
  #connection: RedisConnection | undefined
  #tracking: boolean
  /** Of the connection that is open, where it tracks. */
  #watch: { lostAt: number | undefined } | undefined
  #lastCause: unknown
  #downSince: number | undefined
  /** Whether the connection has been of use to anybody. */
  #hasAnswered = false
  #retryMs = 0
  #lastRecycle = 0
  #closed = false
  #keptAlive = false
  #wakeUp: (() => void) | undefined
  readonly #heartbeat: NodeJS.Timeout

  constructor(options: RedisLinkOptions, deps: RedisLinkDeps) {
    this.#options = options
    this.#credentials = options.credentials
    this.#tracking = options.tracking
    this.#deps = deps
    this.#logger = deps.logger
    this.target = { address: options.address, db: options.db, key: options.key, tls: options.tls !== undefined }
    this.#heartbeat = setInterval(() => {
      // What goes wrong is seen and mended by the connection's own deadline.
      this.#connection?.send(['PING']).catch(() => undefined)
    }, HEARTBEAT_MS).unref()
  }

  /** Connects once. Rejects with what went wrong. */
  async connect(): Promise<void> {
    const connection = await this.#open()
    if (this.#closed) return connection.destroy()
    this.#connection = connection
    this.#hasAnswered = false
    this.#watch = this.#tracking ? { lostAt: undefined } : undefined
  }

  async #open(): Promise<RedisConnection> {
    const events = { lost: (cause: unknown) => this.#lost(cause), changed: this.#deps.changed }
    const options = { ...this.#options, credentials: this.#credentials, tracking: this.#tracking }
    try {
      return await openConnection(options, events)
    } catch (cause) {
      if (!this.#tracking || !isTrackingDenied(cause)) throw cause
      this.#tracking = false
      this.#logger.warn({}, `${tell(NO_TRACKING, this.target)}; until then the store is asked at each request`)
      return await this.#open()
    }
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
    const { username = 'default', password } = credentials
    if (connection === undefined) return this.#wakeUp?.()
    if (password === undefined) return
    try {
      await connection.send(['AUTH', username, password.reveal()])
      this.#logger.info({}, 'the changed credentials of the session store are in use')
    } catch (cause) {
      this.#logger.error(
        { detail: diagnose(cause, this.target) },
        'the changed credentials of the session store are refused; its connection stays as it is while it lasts',
      )
    }
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** Gives up the connection without another attempt; `connect` may be called again. */
  disconnect(): void {
    this.#connection?.destroy()
    this.#drop()
  }

  /** Whether the server would let somebody in without the password that is configured here. */
  async isOpenToAll(): Promise<boolean> {
    const { username, password } = this.#credentials
    if (password === undefined || (username !== undefined && username !== 'default')) return false
    try {
      await this.sendRaw(['AUTH', password.reveal()])
      return false
    } catch (cause) {
      return cause instanceof Error && cause.message.includes('without any password configured')
    }
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
      if (cause instanceof Error && /^(READONLY|MASTERDOWN)/.test(cause.message)) this.#recycle(connection, cause)
      throw storeUnavailable(diagnose(cause, this.target))
    }
  }

  /** Sends a command that reads. */
  async read(args: readonly RedisArgument[], isAnswer?: (cause: unknown) => boolean): Promise<WatchedReply> {
    const watch = this.#watch
    return { reply: await this.send(args, isAnswer), watch: watch?.lostAt === undefined ? watch : undefined }
  }

  /** A reply was none to what was asked: whatever follows on this connection could be somebody else's. */
  distrust(): Error {
    const cause = new Error('a reply of another kind than was asked for')
    const connection = this.#connection
    connection?.destroy(cause)
    if (connection !== undefined) this.#lost(cause)
    return storeUnavailable(`${cause.message}; the connection to Redis is given up`)
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#heartbeat)
    this.disconnect()
    this.#wakeUp?.()
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
    void this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    // A server that was merely restarted is back at once; one that hangs is given time, and more each time that it only greets.
    if (!(this.#lastCause instanceof RedisTimeout)) this.#retryMs = 0
    else this.#retryMs = this.#hasAnswered ? FIRST_RETRY_MS : longer(this.#retryMs)
    while (!this.#closed) {
      // Jitter, so that many instances do not come all at once.
      await this.#sleep(this.#retryMs / 2 + Math.random() * this.#retryMs)
      if (this.#closed) return
      try {
        await this.connect()
        break
      } catch (cause) {
        this.#noteFailure(cause)
        this.#retryMs = longer(this.#retryMs)
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

  /** The role of a server may have moved elsewhere: a new connection finds out. */
  #recycle(connection: RedisConnection, cause: Error): void {
    const now = performance.now()
    if (connection !== this.#connection || now - this.#lastRecycle < RECYCLE_EVERY_MS) return
    this.#lastRecycle = now
    connection.destroy(cause)
    this.#lost(cause)
  }

  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function longer(waitMs: number): number {
  return Math.min(Math.max(waitMs * 2, FIRST_RETRY_MS), MAX_RETRY_MS)
}

/** Redis 7 names the subcommand, 6.2 only the command. */
function isTrackingDenied(cause: unknown): boolean {
  return cause instanceof Error && /^NOPERM.*'client(\|tracking)?'/i.test(cause.message)
}
