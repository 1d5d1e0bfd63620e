import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../kernel/logger.ts'
import { formatRedisAddress, type RedisAddress } from './address.ts'
import { openConnection, type RedisConnection, type RedisCredentials } from './connection.ts'
import { diagnose, LocateError } from './diagnose.ts'
import { isSameAddress } from './servers.ts'
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
  readonly #connections = new Map<RedisAddress, Promise<RedisConnection>>()
  #asking: Promise<readonly Opinion[]> | undefined
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
    this.#weigh(await this.#asking)
    if (this.#latest === undefined) throw new LocateError('no Sentinel was asked')
    return this.#latest.address
  }

  close(): void {
    this.#isClosed = true
    for (const connecting of this.#connections.values()) connecting.then(destroy, () => undefined)
    this.#connections.clear()
  }

  /**
   * The one that has seen most failovers is believed. One that has seen fewer than were heard of before was cut off; unless
   * most say so, who were set up anew and count from the beginning.
   */
  #weigh(opinions: readonly Opinion[]): void {
    const best = this.#bestOf(opinions)
    const before = this.#latest
    if (best === undefined) return
    if (before !== undefined && best.epoch < before.epoch && !this.#isHeldByMost(best, opinions)) return
    this.#latest = best
    if (before === undefined || isSameAddress(before.address, best.address)) return
    const names = { before: formatRedisAddress(before.address), now: formatRedisAddress(best.address) }
    this.#logger.warn(names, 'the Sentinels name another master for the session store')
  }

  /** Of those that count the same the one that is believed already: some may give a name for the address that others give. */
  #bestOf(opinions: readonly Opinion[]): Opinion | undefined {
    const epoch = Math.max(...opinions.map((opinion) => opinion.epoch))
    const best = opinions.filter((opinion) => opinion.epoch === epoch)
    const known = this.#latest?.address
    return best.find(({ address }) => known !== undefined && isSameAddress(address, known)) ?? best[0]
  }

  #isHeldByMost({ address }: Opinion, opinions: readonly Opinion[]): boolean {
    const holders = opinions.filter((opinion) => isSameAddress(opinion.address, address))
    return holders.length * 2 > this.#options.addresses.length
  }

  /** What those say who answer in time; nothing when nobody does and a master is known from before. */
  async #ask(): Promise<readonly Opinion[]> {
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
    this.#noteReach(opinions.length > 0, failures[0])
    if (opinions.length === 0 && this.#latest === undefined) throw failures[0]
    return opinions
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
      const place = await connection.send(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master])
      const [host, port] = Array.isArray(place) ? place.map(String) : []
      if (host === undefined)
        throw new LocateError(tell(address, `it watches no master called "${master}": ${CHECK_NAME}`))
      const named = { host, port: Number(port) }
      const known = this.#latest
      // What is known already needs no other word for it.
      if (known !== undefined && isSameAddress(known.address, named)) return known
      const state = await connection.send(['SENTINEL', 'MASTER', master]).catch(() => undefined)
      const epoch = (state as Readonly<Record<string, unknown>> | undefined)?.['config-epoch']
      return { address: named, epoch: Number(String(epoch ?? 0)) }
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

  #connectTo(address: RedisAddress): Promise<RedisConnection> {
    const known = this.#connections.get(address)
    if (known !== undefined) return known
    const { credentials, tls } = this.#options
    const { connectTimeoutMs, commandTimeoutMs } = this.#timeouts
    const forget = () => {
      if (this.#connections.get(address) === connecting) this.#connections.delete(address)
    }
    const connecting = openConnection(
      {
        address,
        credentials,
        tls,
        db: 0,
        connectTimeoutMs: Math.min(connectTimeoutMs, MAX_CONNECT_MS),
        commandTimeoutMs,
        tracking: false,
      },
      { lost: forget, changed: () => undefined },
    )
    if (this.#isClosed) connecting.then(destroy, () => undefined)
    else this.#connections.set(address, connecting)
    connecting.catch(forget)
    return connecting
  }
}

function destroy(connection: RedisConnection): void {
  connection.destroy()
}

const CHECK_NAME = 'check session_store.redis.sentinel.master'
const OF_REDIS = /session_store\.redis\.(password|username|tls|start_timeout)/g
const OF_SENTINEL = 'session_store.redis.sentinel.$1'

function tell(address: RedisAddress, sentence: string): string {
  return `Redis Sentinel at ${formatRedisAddress(address)}: ${sentence}`
}
