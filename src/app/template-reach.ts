import { lookup } from 'node:dns/promises'
import type { Config } from '../config/config.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import type { TemplateEnvironment } from '../template/sprig/environment.ts'

const LOOK_UP_EVERY_MS = 30_000
/** A start waits this long for names that are slow to be found. */
const START_WAIT_MS = 5_000

export interface TemplateReachOptions {
  readonly env: NodeJS.ProcessEnv
  readonly clock: Clock
  readonly logger: Logger
  /** All addresses of a host. Default: as the system finds them. */
  readonly lookUp?: (host: string) => Promise<readonly string[]>
}

/**
 * What templates may reach by `templates.environment`. A template is rendered at once, so that hosts are looked up beside the
 * requests, again and again; the addresses found last are kept while a look-up fails.
 */
export class TemplateReach {
  readonly #options: TemplateReachOptions
  readonly #lookUp: (host: string) => Promise<readonly string[]>
  readonly #addresses = new Map<string, readonly string[]>()
  readonly #failing = new Set<string>()
  #hosts: ReadonlySet<string> = new Set()
  #cancel: (() => void) | undefined

  constructor(options: TemplateReachOptions) {
    this.#options = options
    this.#lookUp = options.lookUp ?? lookUpAll
  }

  /** What templates compiled under this configuration may reach. */
  of({ environment: { variables, hosts } }: Config['templates']): TemplateEnvironment {
    const { env } = this.#options
    const names = new Set(variables)
    const known = new Set(hosts)
    return {
      ...(names.size > 0 && {
        readVariable(name: string): string {
          if (!names.has('*') && !names.has(name))
            throw new Error('the variable is not among templates.environment.variables')
          return env[name] ?? ''
        },
      }),
      ...(known.size > 0 && {
        resolveHost: (name: string): string => {
          if (!known.has(name)) throw new Error('the host is not among templates.environment.hosts')
          return this.#addressOf(name)
        },
      }),
    }
  }

  /** Looks up the hosts of this configuration from now on; resolves when each was asked for once, or after 5 seconds. */
  async follow({ environment: { hosts } }: Config['templates']): Promise<void> {
    this.#cancel?.()
    this.#hosts = new Set(hosts)
    for (const host of this.#addresses.keys()) if (!this.#hosts.has(host)) this.#addresses.delete(host)
    if (this.#hosts.size === 0) return
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const cancel = this.#options.clock.schedule(START_WAIT_MS, resolve)
    await Promise.race([this.#lookUpHosts(), late])
    cancel()
  }

  close(): void {
    this.#cancel?.()
    this.#hosts = new Set()
  }

  #addressOf(host: string): string {
    const addresses = this.#addresses.get(host) ?? []
    const address = addresses[Math.floor(Math.random() * addresses.length)]
    if (address === undefined) throw new Error('no address of the host has been found yet')
    return address
  }

  async #lookUpHosts(): Promise<void> {
    const hosts = this.#hosts
    await Promise.all(Array.from(hosts, (host) => this.#lookUpHost(host)))
    if (this.#hosts === hosts && hosts.size > 0) {
      this.#cancel = this.#options.clock.schedule(LOOK_UP_EVERY_MS, () => void this.#lookUpHosts())
    }
  }

  async #lookUpHost(host: string): Promise<void> {
    try {
      const addresses = await this.#lookUp(host)
      if (!this.#hosts.has(host)) return
      this.#addresses.set(host, addresses)
      this.#failing.delete(host)
    } catch (cause: unknown) {
      if (this.#failing.has(host)) return
      this.#failing.add(host)
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown cause'
      this.#options.logger.warn(
        { host },
        `templates.environment.hosts: the host cannot be looked up (${code}); tried again`,
      )
    }
  }
}

async function lookUpAll(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true })
  return found.map(({ address }) => address)
}
