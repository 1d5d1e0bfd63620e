import type { Clock } from '../../kernel/clock.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { BreakerState } from '../contract.ts'
import { type CredentialsCommandOptions, CredentialsError, runCredentialsCommand } from './credentials-command.ts'
import type { RedisArgument, RedisCredentials, RedisReply } from './connection.ts'
import type { RedisLink } from './link.ts'
import type { WatchedReply } from './link-options.ts'
import { type IsAnswer, type RedisServers, ServersError } from './servers.ts'

export interface CommandedServersDeps {
  readonly clock: Clock
  readonly logger: Logger
}

/** New credentials are asked for when between so many hundredths of their life are over: never by all instances at once. */
const RENEW_FROM = 0.7
const RENEW_TO = 0.8
/** After a run that gave nothing, longer each time. */
const RETRY_FIRST_MS = 1_000
const RETRY_MAX_MS = 60_000
/** After a run whose credentials were refused, longer each time. */
const REFUSED_FIRST_MS = 5_000
const LONGEST_MS = 86_400_000

/** Servers to which we are who a program says, which is asked again before its word ends. */
export class CommandedServers implements RedisServers {
  readonly #options: CredentialsCommandOptions
  readonly #servers: RedisServers
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #closing = new AbortController()
  #running: Promise<void> | undefined
  #isKeptAlive = false
  /** When the program ran last, and when it is to be run next. */
  #ranAt = Number.NEGATIVE_INFINITY
  #dueAt = Number.POSITIVE_INFINITY
  #cancel: (() => void) | undefined
  #hasCredentials = false
  #problem: ServersError | undefined
  /** Runs in a row that gave nothing, and that gave what was refused. */
  #failures = 0
  #refusals = 0
  #refusedAt = Number.NEGATIVE_INFINITY

  /** `create`: makes the servers, which call `refused` when they do not let us in. */
  constructor(
    options: CredentialsCommandOptions,
    create: (refused: () => void) => RedisServers,
    { clock, logger }: CommandedServersDeps,
  ) {
    this.#options = options
    this.#clock = clock
    this.#logger = logger
    this.#servers = create(() => this.#noteRefusal())
  }

  get isClosed(): boolean {
    return this.#servers.isClosed
  }

  async connect(): Promise<readonly RedisLink[]> {
    if (!this.#hasCredentials || this.#dueAt <= this.#clock.now()) await this.#load()
    return await this.#servers.connect()
  }

  disconnect(): void {
    this.#servers.disconnect()
  }

  keepAlive(): void {
    this.#isKeptAlive = true
    this.#servers.keepAlive()
    this.#renewAt(this.#dueAt)
  }

  send(name: string, args: readonly RedisArgument[], isAnswer?: IsAnswer): Promise<RedisReply> {
    return this.#servers.send(name, args, isAnswer)
  }

  read(name: string, args: readonly RedisArgument[], isAnswer?: IsAnswer): Promise<WatchedReply> {
    return this.#servers.read(name, args, isAnswer)
  }

  distrust(name: string): Error {
    return this.#servers.distrust(name)
  }

  ping(): Promise<void> {
    return this.#servers.ping()
  }

  breaker(): BreakerState {
    return this.#servers.breaker()
  }

  useCredentials(credentials: RedisCredentials): Promise<void> {
    return this.#servers.useCredentials(credentials)
  }

  close(): void {
    this.#closing.abort()
    this.#cancel?.()
    this.#servers.close()
  }

  /** @throws {ServersError} */
  async #load(): Promise<void> {
    if (this.#problem !== undefined && this.#clock.now() - this.#ranAt < RETRY_FIRST_MS) throw this.#problem
    try {
      await this.#run()
      this.#problem = undefined
    } catch (cause) {
      this.#problem = cause instanceof CredentialsError ? new ServersError(cause.message) : undefined
      throw this.#problem ?? cause
    }
  }

  /** However many ask for it at once. */
  #run(): Promise<void> {
    this.#running ??= this.#take().finally(() => (this.#running = undefined))
    return this.#running
  }

  async #take(): Promise<void> {
    this.#ranAt = this.#clock.now()
    const { credentials, expiresAt } = await runCredentialsCommand(this.#options, this.#clock, this.#closing.signal)
    if (this.#closing.signal.aborted) return
    const now = this.#clock.now()
    this.#hasCredentials = true
    this.#failures = 0
    const lifetimeMs = expiresAt === undefined ? this.#options.refreshMs / RENEW_TO : expiresAt - now
    this.#dueAt = now + lifetimeMs * between(RENEW_FROM, RENEW_TO)
    await this.#servers.useCredentials(credentials)
  }

  #renewAt(at: number): void {
    this.#dueAt = at
    if (!this.#isKeptAlive || this.#closing.signal.aborted) return
    this.#cancel?.()
    const delayMs = Math.min(Math.max(at - this.#clock.now(), 0), LONGEST_MS)
    this.#cancel = this.#clock.schedule(delayMs, () => {
      if (this.#dueAt > this.#clock.now()) this.#renewAt(this.#dueAt)
      else void this.#renew()
    })
  }

  async #renew(): Promise<void> {
    // While it runs nothing else is due.
    this.#dueAt = Number.POSITIVE_INFINITY
    try {
      await this.#run()
      this.#renewAt(this.#dueAt)
    } catch (cause) {
      if (this.#closing.signal.aborted) return
      const retryMs = Math.min(RETRY_FIRST_MS * 2 ** this.#failures++, RETRY_MAX_MS) * between(0.5, 1)
      this.#logger.warn(
        { detail: cause instanceof CredentialsError ? cause.message : 'unknown', retry_in_ms: Math.round(retryMs) },
        'new credentials for the session store could not be had; those from before stay in use',
      )
      this.#renewAt(this.#clock.now() + retryMs)
    }
  }

  /** What we say of ourselves is not believed: it may have ended before its time. */
  #noteRefusal(): void {
    const now = this.#clock.now()
    if (now - this.#refusedAt > 2 * RETRY_MAX_MS) this.#refusals = 0
    this.#refusedAt = now
    const at = this.#ranAt + Math.min(REFUSED_FIRST_MS * 2 ** this.#refusals, RETRY_MAX_MS)
    if (at >= this.#dueAt) return
    this.#refusals++
    this.#renewAt(at)
  }
}

function between(low: number, high: number): number {
  return low + Math.random() * (high - low)
}
