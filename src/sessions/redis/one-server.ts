import type { BreakerState } from '../contract.ts'
import type { RedisAddress } from './address.ts'
import type { RedisArgument, RedisCredentials, RedisReply } from './connection.ts'
import { ANOTHER_MASTER, diagnose, LocateError, tell } from './diagnose.ts'
import { RedisLink } from './link.ts'
import type { RedisLinkDeps, RedisLinkOptions, WatchedReply } from './link-options.ts'
import { type Sentinels } from './sentinel.ts'
import { type IsAnswer, isSameAddress, type RedisServers, ServersError } from './servers.ts'

/**
 * How often the Sentinels are asked whether the master is still where it was. For so long one that was replaced without its
 * knowledge may be given what is lost then.
 */
const LOOK_EVERY_MS = 250

/** One server at a time: at a fixed address, or wherever the Sentinels say that the master is. */
export class OneServer implements RedisServers {
  readonly #link: RedisLink
  readonly #sentinels: Sentinels | undefined
  #lookout: NodeJS.Timeout | undefined

  /** `place`: an address, or who is asked for it. */
  constructor(
    place: RedisAddress | Sentinels,
    options: Omit<RedisLinkOptions, 'locate' | 'mastersOnly'>,
    deps: RedisLinkDeps,
  ) {
    this.#sentinels = 'locate' in place ? place : undefined
    const locate = 'locate' in place ? () => place.locate() : () => place
    this.#link = new RedisLink({ ...options, locate, mastersOnly: this.#sentinels !== undefined }, deps)
  }

  get isClosed(): boolean {
    return this.#link.isClosed
  }

  async connect(): Promise<readonly RedisLink[]> {
    try {
      await this.#link.connect()
    } catch (cause) {
      // The error itself stays in here: it may quote what was sent, and with it the password.
      throw new ServersError(diagnose(cause, this.#link.target))
    }
    return [this.#link]
  }

  disconnect(): void {
    this.#link.disconnect()
  }

  keepAlive(): void {
    this.#link.keepAlive()
    if (this.#sentinels === undefined) return
    this.#lookout = setInterval(() => void this.#lookForMaster(), LOOK_EVERY_MS).unref()
  }

  send(_name: string, args: readonly RedisArgument[], isAnswer?: IsAnswer): Promise<RedisReply> {
    return this.#link.send(args, isAnswer)
  }

  read(_name: string, args: readonly RedisArgument[], isAnswer?: IsAnswer): Promise<WatchedReply> {
    return this.#link.read(args, isAnswer)
  }

  distrust(): Error {
    return this.#link.distrust()
  }

  async ping(): Promise<void> {
    await this.#link.send(['PING'])
  }

  breaker(): BreakerState {
    return this.#link.breaker
  }

  async useCredentials(credentials: RedisCredentials): Promise<void> {
    await this.#link.useCredentials(credentials)
  }

  close(): void {
    clearInterval(this.#lookout)
    this.#sentinels?.close()
    this.#link.close()
  }

  /** A master that was replaced may go on as if nothing had happened, and take writes that will be thrown away; or not answer at all. */
  async #lookForMaster(): Promise<void> {
    const { address } = this.#link.target
    if (address === undefined) return
    try {
      const master = await this.#sentinels?.locate()
      if (master === undefined || isSameAddress(master, address) || this.#link.target.address !== address) return
      const cause = new LocateError(tell(ANOTHER_MASTER, this.#link.target))
      if (this.#link.isConnected) this.#link.giveUp(cause)
      else this.#link.lookElsewhere(cause)
    } catch {
      // They have named one before, so this cannot be: what is known stays.
    }
  }
}
