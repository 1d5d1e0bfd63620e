import type { TestContext } from 'node:test'
import { GateError } from '../../src/kernel/errors.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { Exchange } from '../../src/kernel/exchange.ts'
import type { Decision, Gate, UpstreamTarget } from '../../src/kernel/gate.ts'
import { type Logger, silentLogger } from '../../src/kernel/logger.ts'
import type { RequestView } from '../../src/kernel/request.ts'
import type { LocalRoutes, ProxyOptions, WatchSession } from '../../src/proxy/contract.ts'
import type { ForwardingEnd } from '../../src/proxy/forwarding.ts'
import { createProxy } from '../../src/proxy/proxy.ts'
import { type RawUpstream, startRawUpstream } from './raw-upstream.ts'

export interface TestProxy {
  readonly port: number
  readonly upstream: RawUpstream
  /** What the gate was asked. */
  readonly seen: RequestView[]
  readonly ended: ForwardingEnd[]
  /** What was logged as unforeseen. */
  readonly crashes: unknown[]
  close(graceMs?: number): Promise<void>
}

export interface TestProxyOptions {
  readonly options?: Partial<Omit<ProxyOptions, 'upstream' | 'timeouts'>> & {
    readonly upstream?: Partial<ProxyOptions['upstream']>
    readonly timeouts?: Partial<ProxyOptions['timeouts']>
  }
  /** Headers of the pipeline. */
  readonly headers?: Readonly<Record<string, string>>
  readonly target?: Partial<UpstreamTarget>
  /** Instead of granting everything. */
  readonly decide?: (view: RequestView, grant: () => Decision) => Decision | Promise<Decision>
  readonly local?: LocalRoutes
  /** With it every request is one that a session has let in. */
  readonly watchSession?: WatchSession
  readonly upstream?: RawUpstream
}

export const DEFAULT_OPTIONS: ProxyOptions = {
  host: '127.0.0.1',
  port: 0,
  tls: undefined,
  timeouts: { readMs: 5_000, writeMs: 120_000, idleMs: 120_000 },
  maxHeaderSize: 16_384,
  maxBodySize: undefined,
  trustedProxies: [],
  strictPaths: false,
  trailingSlash: 'keep',
  stripRequestHeaders: [],
  isOwnCookie: (name) => name === 'oathkeeper' || name.startsWith('oathkeeper-login-'),
  upgradeOrigins: undefined,
  publicOrigin: () => undefined,
  upstream: {
    maxConnections: 64,
    maxWaiting: 64,
    connectTimeoutMs: 2_000,
    headersTimeoutMs: 30_000,
    bodyTimeoutMs: 30_000,
    keepAliveMs: 4_000,
    maxHeaderSize: 65_536,
  },
}

export function deny(view: RequestView, error = new GateError('ERR_CREDENTIALS_INVALID')): Decision {
  const reply = { status: error.status, headers: [['Content-Type', 'text/plain']] as const, body: error.code }
  return { granted: false, exchange: new Exchange(view, 'test', []), error, reply }
}

/** The real proxy in front of a raw upstream, with a gate that grants unless the test says otherwise. */
export async function startTestProxy(t: TestContext, test: TestProxyOptions = {}): Promise<TestProxy> {
  const upstream = test.upstream ?? (await startRawUpstream())
  const seen: RequestView[] = []
  const ended: ForwardingEnd[] = []
  const crashes: unknown[] = []
  const logger: Logger = { ...silentLogger, error: (fields) => crashes.push(fields['err']) }
  const gate: Gate = {
    decide(view) {
      seen.push(view)
      const grant = (): Decision => {
        const exchange = new Exchange(view, 'test', [])
        for (const [name, value] of Object.entries(test.headers ?? {})) exchange.headers.set(name, [value])
        if (test.watchSession !== undefined) {
          exchange.sessionId = 'public-id'
          exchange.sessionTicket = 'ticket'
        }
        const target: UpstreamTarget = {
          origin: upstream.origin,
          host: upstream.host,
          basePath: '',
          preserveHost: false,
          stripPath: '',
          ...test.target,
        }
        return { granted: true, exchange, upstream: target.origin === '' ? undefined : target }
      }
      return test.decide === undefined ? grant() : test.decide(view, grant)
    },
    refuse: (exchange, error) => deny(exchange.request, error),
  }
  const proxy = createProxy(
    {
      ...DEFAULT_OPTIONS,
      ...test.options,
      timeouts: { ...DEFAULT_OPTIONS.timeouts, ...test.options?.timeouts },
      upstream: { ...DEFAULT_OPTIONS.upstream, ...test.options?.upstream },
    },
    {
      gate,
      clock: systemClock,
      logger,
      onFinished: (end) => ended.push(end),
      watchSession: test.watchSession,
      ...(test.local === undefined ? {} : { local: test.local }),
    },
  )
  const { port } = await proxy.listen()
  let closed: Promise<void> | undefined
  const close = (graceMs = 0): Promise<void> => (closed ??= proxy.close(graceMs).then(() => upstream.close()))
  t.after(() => close())
  return { port, upstream, seen, ended, crashes, close }
}
