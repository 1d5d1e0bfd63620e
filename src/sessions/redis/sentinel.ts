import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../kernel/logger.ts'
import { formatRedisAddress, type RedisAddress } from './address.ts'
import { openConnection, type RedisConnection, type RedisCredentials } from './connection.ts'
import { diagnose, LocateError } from './diagnose.ts'
import type { RedisTls } from './tls.ts'

export interface SentinelOptions {
  /** Name of the master among those that the Sentinels watch. */
  readonly master: string
  readonly addresses: readonly RedisAddress[]
  readonly credentials: RedisCredentials
  readonly tls: RedisTls | undefined
}

export interface SentinelTimeouts {
  readonly connectTimeoutMs: number
  readonly commandTimeoutMs: number
}

/** A Sentinel is near or it is no help: another one is asked beside it. */
const MAX_CONNECT_MS = 500
/** How long the others may take after the first has answered, so that one with old news is outvoted. */
const OTHERS_MS = 50

interface Opinion {
  readonly address: RedisAddress
  /** Grows with each failover: the highest is the latest. */
  readonly epoch: number
}

/**
 * Asks Sentinels where the master is. While none of them answers it is where it was: that they are gone is no reason to give
 * up a master that is there.
 */
export class Sentinels {
  readonly #options: SentinelOptions
  readonly #timeouts: SentinelTimeouts
  readonly #logger: Logger
  readonly #connections = new Map<RedisAddress, RedisConnection>()
  #asking: Promise<Opinion | undefined> | undefined
  #latest: Opinion | undefined
  #areGone = false
  #isClosed = false

  constructor(options: SentinelOptions, timeouts: SentinelTimeouts, logger: Logger) {
    this.#options = options
    this.#timeouts = timeouts
    this.#logger = logger
  }

  /**
   * Address of the master.
   * @throws {LocateError} when no Sentinel has ever told it.
   */
  async locate(): Promise<RedisAddress> {
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined))
    const opinion = await this.#asking
    if (opinion !== undefined) this.#take(opinion)
    if (this.#latest === undefined) throw new LocateError('no Sentinel was asked')
    return this.#latest.address
  }

  close(): void {
    this.#isClosed = true
    for (const connection of this.#connections.values()) connection.destroy()
    this.#connections.clear()
  }

  /** An older opinion than one that was heard before is that of a Sentinel which was cut off. */
  #take(opinion: Opinion): void {
    if (this.#latest !== undefined && opinion.epoch < this.#latest.epoch) return
    const before = this.#latest && formatRedisAddress(this.#latest.address)
    const now = formatRedisAddress(opinion.address)
    if (before !== undefined && before !== now) {
      this.#logger.warn({ before, now }, 'the Sentinels name another master for the session store')
    }
    this.#latest = opinion
  }

  /** The latest of the opinions; nothing when nobody answers and there is one from before. */
  async #ask(): Promise<Opinion | undefined> {
    const opinions: Opinion[] = []
    const failures: unknown[] = []
    const asked = this.#options.addresses.map(async (address) => {
      try {
        opinions.push(await this.#askOne(address))
      } catch (cause) {
        failures.push(cause)
        throw cause
      }
    })
    const first = Promise.any(asked).then(
      () => sleep(OTHERS_MS),
      () => undefined,
    )
    await Promise.race([Promise.allSettled(asked), first])
    const [best] = opinions.toSorted((a, b) => b.epoch - a.epoch)
    this.#noteReach(best !== undefined, failures[0])
    if (best === undefined && this.#latest === undefined) throw failures[0]
    return best
  }

  #noteReach(isReached: boolean, cause: unknown): void {
    if (isReached !== this.#areGone || this.#latest === undefined) return
    this.#areGone = !isReached
    if (isReached) this.#logger.info({}, 'a Redis Sentinel answers again')
    else {
      const detail = cause instanceof Error ? cause.message : String(cause)
      this.#logger.error({ detail }, 'no Redis Sentinel answers: the master that is known stays in use')
    }
  }

  async #askOne(address: RedisAddress): Promise<Opinion> {
    const { master } = this.#options
    try {
      const connection = await this.#connectTo(address)
      const [place, state] = await Promise.all([
        connection.send(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master]),
        connection.send(['SENTINEL', 'MASTER', master]).catch(() => undefined),
      ])
      const [host, port] = Array.isArray(place) ? place.map(String) : []
      if (host === undefined)
        throw new LocateError(tell(address, `it watches no master called "${master}": ${CHECK_NAME}`))
      const epoch = (state as Readonly<Record<string, unknown>> | undefined)?.['config-epoch']
      return { address: { host, port: Number(port) }, epoch: Number(String(epoch ?? 0)) }
    } catch (cause) {
      if (cause instanceof LocateError) throw cause
      // Its sentences are those of any Redis; what it is, and which keys are about it, is told first.
      const target = { address, db: 0, key: 'sentinel.addrs', tls: this.#options.tls !== undefined } as const
      throw new LocateError(
        diagnose(cause, target)
          .replace(/^Redis at/, 'Redis Sentinel at')
          .replaceAll(OF_REDIS, OF_SENTINEL),
      )
    }
  }

  async #connectTo(address: RedisAddress): Promise<RedisConnection> {
    const known = this.#connections.get(address)
    if (known !== undefined) return known
    const { credentials, tls } = this.#options
    const { connectTimeoutMs, commandTimeoutMs } = this.#timeouts
    const connection = await openConnection(
      {
        address,
        credentials,
        tls,
        db: 0,
        connectTimeoutMs: Math.min(connectTimeoutMs, MAX_CONNECT_MS),
        commandTimeoutMs,
        tracking: false,
      },
      { lost: () => void this.#connections.delete(address), changed: () => undefined },
    )
    if (this.#isClosed) connection.destroy()
    else this.#connections.set(address, connection)
    return connection
  }
}

const CHECK_NAME = 'check session_store.redis.sentinel.master'
const OF_REDIS = /session_store\.redis\.(password|username|tls|start_timeout)/g
const OF_SENTINEL = 'session_store.redis.sentinel.$1'

function tell(address: RedisAddress, sentence: string): string {
  return `Redis Sentinel at ${formatRedisAddress(address)}: ${sentence}`
}
