import { Agent, type Dispatcher, ProxyAgent } from 'undici'
import type { ProxyFor } from './proxy-environment.ts'

export interface DispatchersOptions {
  readonly timeoutMs: number
  /** Certificates in PEM that are trusted instead of the system's. */
  readonly ca: string | undefined
  /** Open connections for each origin. */
  readonly connections: number
  readonly maxHeaderBytes: number
  readonly proxyFor: ProxyFor | undefined
}

/** The pools of one caller: one for what is asked directly, one for each proxy. */
export class Dispatchers {
  readonly #options: DispatchersOptions
  readonly #direct: Agent
  readonly #proxies = new Map<string, Dispatcher>()

  constructor(options: DispatchersOptions) {
    this.#options = options
    const { timeoutMs, ca, connections, maxHeaderBytes } = options
    this.#direct = new Agent({
      connections,
      allowH2: false,
      maxHeaderSize: maxHeaderBytes,
      connect: { timeout: timeoutMs, ...(ca !== undefined && { ca }) },
    })
  }

  /** The pool that calls of an origin go through. */
  for(origin: string): Dispatcher {
    const proxy = this.#options.proxyFor?.(origin)
    if (proxy === undefined) return this.#direct
    let through = this.#proxies.get(proxy)
    if (through === undefined) {
      through = this.#open(proxy)
      this.#proxies.set(proxy, through)
    }
    return through
  }

  async destroy(): Promise<void> {
    await Promise.all([this.#direct, ...this.#proxies.values()].map((pool) => pool.destroy()))
  }

  #open(proxy: string): Dispatcher {
    const { timeoutMs, ca, connections, maxHeaderBytes } = this.#options
    const agent = new ProxyAgent({
      uri: proxy,
      connections,
      allowH2: false,
      maxHeaderSize: maxHeaderBytes,
      connectTimeout: timeoutMs,
      requestTls: { timeout: timeoutMs, ...(ca !== undefined && { ca }) },
    })
    return agent.compose((dispatch) => (options, handler) => {
      const { headers, ...rest } = options
      return dispatch({ ...rest, ...(headers != null && { headers: byName(headers) }) }, handler)
    })
  }
}

/** What speaks to a proxy wants headers by name, where it puts its own beside them. */
function byName(
  headers: NonNullable<Dispatcher.DispatchOptions['headers']>,
): NonNullable<Dispatcher.DispatchOptions['headers']> {
  if (!Array.isArray(headers)) return headers
  const named = new Map<string, string[]>()
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = String(headers[i])
    named.set(name, [...(named.get(name) ?? []), String(headers[i + 1])])
  }
  return Object.fromEntries(named)
}
