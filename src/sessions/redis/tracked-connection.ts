import { randomBytes } from 'node:crypto'
import type { Logger } from '../../kernel/logger.ts'
import {
  openConnection,
  type RedisConnection,
  type RedisConnectionEvents,
  type RedisConnectionOptions,
} from './connection.ts'
import { NO_MESSAGES, NO_RESP3, NO_TRACKING, type RedisTarget, TRACKING_DENIED, tell } from './diagnose.ts'
import { isResp3Refused, isTrackingDenied, isTrackingRefused } from './handshake.ts'

export interface TrackedConnection {
  readonly connection: RedisConnection
  /** Whether the server tells of changes to what is read over it. */
  readonly isTracking: boolean
}

const PROOF_LIFETIME_MS = 1_000

/**
 * Opens connections that are told of changes where the server can; where it cannot, or what stands between keeps the messages
 * to itself, they are as good for everything else. It is tried anew with each connection, and told once.
 */
export class ConnectionOpener {
  readonly #proofPrefix: string | undefined
  readonly #logger: Logger
  #told: string | undefined

  /** `proofPrefix`: of names with which it may be seen that messages arrive; `undefined`: they are taken to. */
  constructor(proofPrefix: string | undefined, logger: Logger) {
    this.#proofPrefix = proofPrefix
    this.#logger = logger
  }

  async open(
    options: RedisConnectionOptions,
    events: RedisConnectionEvents,
    target: RedisTarget,
  ): Promise<TrackedConnection> {
    if (!options.tracking) return { connection: await this.#openPlain(options, events, target), isTracking: false }
    const proof =
      this.#proofPrefix === undefined ? undefined : this.#proofPrefix + randomBytes(16).toString('base64url')
    const heard = Promise.withResolvers<true>()
    const changed = (key: string | undefined): void => (key === proof ? heard.resolve(true) : events.changed(key))
    try {
      const connection = await openConnection(options, { ...events, changed })
      if (proof === undefined || (await provesItself(connection, proof, heard.promise, options.commandTimeoutMs))) {
        return { connection, isTracking: true }
      }
      this.#tellOnce(NO_MESSAGES, target)
      return { connection, isTracking: false }
    } catch (cause) {
      if (isTrackingRefused(cause)) this.#tellOnce(isTrackingDenied(cause) ? TRACKING_DENIED : NO_TRACKING, target)
      else if (!isResp3Refused(cause)) throw cause
      return { connection: await this.#openPlain(options, events, target), isTracking: false }
    }
  }

  /** Without tracking, and in the older protocol where the server has no other. */
  async #openPlain(
    options: RedisConnectionOptions,
    events: RedisConnectionEvents,
    target: RedisTarget,
  ): Promise<RedisConnection> {
    try {
      return await openConnection({ ...options, tracking: false }, events)
    } catch (cause) {
      if (!isResp3Refused(cause)) throw cause
      const connection = await openConnection({ ...options, tracking: false, protocol: 2 }, events)
      if (options.tracking) this.#tellOnce(NO_RESP3, target)
      return connection
    }
  }

  #tellOnce(sentence: string, target: RedisTarget): void {
    if (this.#told === sentence) return
    this.#told = sentence
    this.#logger.warn({}, `${tell(sentence, target)}; until then the store is asked at each request`)
  }
}

/** Reads a name and writes it: the message about that has to arrive. A server that takes no writes at the moment proves nothing. */
async function provesItself(
  connection: RedisConnection,
  name: string,
  heard: Promise<true>,
  withinMs: number,
): Promise<boolean> {
  try {
    await connection.send(['GET', name])
    await connection.send(['SET', name, '', 'PX', String(PROOF_LIFETIME_MS)])
    await connection.send(['DEL', name])
  } catch {
    await connection.send(['PING'])
    return true
  }
  let timer: NodeJS.Timeout | undefined
  const missed = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), withinMs)
  })
  try {
    return await Promise.race([heard, missed])
  } finally {
    clearTimeout(timer)
  }
}
