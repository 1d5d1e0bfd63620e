import type { RedisAddress } from './address.ts'
import type { Secret } from '../../lib/secret.ts'
import { unwrapScriptError } from './reply-error.ts'
import { loadTlsMaterial, type RedisTls } from './tls.ts'

/** Who we are to the server. A user without a password is none. */
export interface RedisCredentials {
  /** `undefined`: the user `default`. */
  readonly username: string | undefined
  readonly password: Secret | undefined
}

export interface RedisConnectionOptions {
  readonly address: RedisAddress
  readonly credentials: RedisCredentials
  /** `undefined`: in the open. */
  readonly tls: RedisTls | undefined
  readonly db: number
  /** For the TCP connection. */
  readonly connectTimeoutMs: number
  /** For each command, and twice this for the handshake. */
  readonly commandTimeoutMs: number
  /** Whether the server is to tell when something that was read over the connection changes. */
  readonly tracking: boolean
  /** RESP; the newer one unless the server has only the older, which knows no tracking. */
  readonly protocol?: 2 | 3
  /** What is published there is told, in the newer protocol, and where the user may subscribe. */
  readonly channel?: string
}

/** What a connection tells by itself. */
export interface RedisConnectionEvents {
  /** Once, when it breaks after it was given out. */
  readonly lost: (cause: unknown) => void
  /** Something that was read over it may have changed; without a key: everything. */
  readonly changed: (key: string | undefined) => void
  /** Something was published on the channel; without a message: from now on it is heard. */
  readonly heard?: ((message: string | undefined) => void) | undefined
}

export type RedisArgument = string | Buffer
export type RedisReply = unknown

/** One TCP connection: ready when it is given out, and never used again once anything has gone wrong on it. */
export interface RedisConnection {
  /** Rejects with what the server or the network said; with `RedisTimeout` when the deadline passed. */
  send(args: readonly RedisArgument[]): Promise<RedisReply>
  /** Commands whose reply is awaited. */
  readonly inFlight: number
  /** Ends it without calling `onLost`; what is in flight rejects with `cause`. */
  destroy(cause?: unknown): void
}

/** No answer in time. The late answer must never meet another question: the connection is gone. */
export class RedisTimeout extends Error {
  override readonly name = 'RedisTimeout'
  readonly stage: 'connect' | 'handshake' | 'command'
  readonly timeoutMs: number

  constructor(stage: RedisTimeout['stage'], timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`)
    this.stage = stage
    this.timeoutMs = timeoutMs
  }
}

type Client = Awaited<ReturnType<typeof createClientFor>>

/**
 * Opens one connection and has it answer a PING.
 * Deadlines run on real time: they are about the network, not about sessions.
 */
export async function openConnection(
  options: RedisConnectionOptions,
  events: RedisConnectionEvents,
): Promise<RedisConnection> {
  const client = await createClientFor(options)
  client.on('invalidate', (key: Buffer | null) => events.changed(key?.toString()))
  const connection = new Connection(client, options.commandTimeoutMs, events.lost)
  await connection.establish(options)
  const { channel, protocol = 3 } = options
  const { heard } = events
  // Nobody waits for it: what is missed until then, or for want of permission, is no fault.
  if (channel !== undefined && heard !== undefined && protocol === 3)
    client
      .subscribe(channel, (message) => heard(String(message)))
      .then(
        () => heard(undefined),
        () => undefined,
      )
  return connection
}

async function createClientFor(options: RedisConnectionOptions) {
  const { address, credentials, tls, db, connectTimeoutMs, tracking, protocol = 3 } = options
  const { createClient, RESP_TYPES } = await import('@redis/client')
  const socket = { host: address.host, port: address.port, connectTimeout: connectTimeoutMs }
  const { username, password } = credentials
  return createClient({
    RESP: protocol,
    socket:
      tls === undefined
        ? { ...socket, reconnectStrategy: false }
        : { ...socket, reconnectStrategy: false, tls: true, ...(await loadTlsMaterial(tls)) },
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: password.reveal() }),
    database: db,
    // Where only the older protocol gets through, CLIENT may not.
    ...(protocol === 3 && { name: 'oathkeeper' }),
    // Its own deadline does not fire for a command that was sent, and costs twice the command.
    commandOptions: { timeout: 0, typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    disableOfflineQueue: true,
    // One command less that may time out in the handshake and shift replies (CVE-2025-29923).
    disableClientInfo: true,
    maintNotifications: 'disabled',
    emitInvalidate: tracking,
  })
}

class Connection implements RedisConnection {
  readonly #client: Client
  readonly #timeoutMs: number
  readonly #onLost: (cause: unknown) => void
  /** When each command in flight was sent; replies come in the same order. */
  #sentAt: number[] = []
  #answered = 0
  #watching = false
  #state: 'opening' | 'ready' | 'gone' = 'opening'
  /** Why it ended, for those who wait. */
  #endedBy: unknown

  constructor(client: Client, timeoutMs: number, onLost: (cause: unknown) => void) {
    this.#client = client
    this.#timeoutMs = timeoutMs
    this.#onLost = onLost
    // Also what cannot be decoded arrives here: nothing that follows on the connection could be trusted.
    client.on('error', (cause: unknown) => this.#lose(cause))
  }

  get inFlight(): number {
    return this.#sentAt.length - this.#answered
  }

  async establish({ connectTimeoutMs }: RedisConnectionOptions): Promise<void> {
    let handshake: NodeJS.Timeout | undefined
    this.#client.once('connect', () => {
      // A client that was destroyed while it connected goes on unless it is told again.
      if (this.#state === 'gone') return this.#client.destroy()
      const timeoutMs = this.#timeoutMs * 2
      handshake = setTimeout(() => this.#lose(new RedisTimeout('handshake', timeoutMs)), timeoutMs)
    })
    try {
      await this.#client.connect()
      await this.#client.sendCommand(['PING'])
      if (this.#state === 'gone') throw this.#endedBy
      this.#state = 'ready'
    } catch (cause) {
      this.#lose(cause)
      const timedOut = this.#endedBy instanceof Error && this.#endedBy.message === 'Connection timeout'
      throw timedOut ? new RedisTimeout('connect', connectTimeoutMs) : this.#endedBy
    } finally {
      clearTimeout(handshake)
    }
  }

  async send(args: readonly RedisArgument[]): Promise<RedisReply> {
    if (this.#state === 'gone') throw this.#endedBy
    this.#sentAt.push(performance.now())
    this.#watch()
    try {
      return await this.#client.sendCommand(args as RedisArgument[])
    } catch (cause) {
      throw this.#endedBy ?? unwrapScriptError(cause)
    } finally {
      this.#settle()
    }
  }

  destroy(cause: unknown = new Error('closed on this side')): void {
    if (this.#state === 'gone') return
    this.#state = 'gone'
    this.#endedBy = cause
    this.#client.destroy()
  }

  #lose(cause: unknown): void {
    const wasReady = this.#state === 'ready'
    this.destroy(cause)
    if (wasReady) this.#onLost(cause)
  }

  #settle(): void {
    this.#answered++
    if (this.#answered < 1024 && this.#answered < this.#sentAt.length) return
    this.#sentAt = this.#sentAt.slice(this.#answered)
    this.#answered = 0
  }

  /** One timer for the oldest command, however many are in flight. */
  #watch(): void {
    const oldest = this.#sentAt[this.#answered]
    if (this.#watching || oldest === undefined) return
    this.#watching = true
    const remainingMs = Math.max(1, oldest + this.#timeoutMs - performance.now())
    setTimeout(() => {
      // After a long block of the event loop the answer may lie unread in the socket: it is read first.
      setImmediate(() => {
        this.#watching = false
        const stillOldest = this.#sentAt[this.#answered]
        if (stillOldest === undefined || this.#state === 'gone') return
        if (performance.now() - stillOldest < this.#timeoutMs) this.#watch()
        else this.#lose(new RedisTimeout('command', this.#timeoutMs))
      })
    }, remainingMs).unref()
  }
}
