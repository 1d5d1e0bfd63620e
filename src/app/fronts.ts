import type { AddressInfo } from 'node:net'
import type { Config } from '../config/config.ts'
import type { Clock } from '../kernel/clock.ts'
import type { CleanupStack } from '../lib/cleanup-stack.ts'
import type { Log } from '../observability/log.ts'
import { createMetrics } from '../observability/metrics/metrics.ts'
import { createGate } from '../pipeline/gate.ts'
import type { Core } from './core.ts'
import { createDecisionObserver } from './decision-observer.ts'
import { createGrpcListener } from './grpc-listener.ts'
import { createApiListener, createProxyListener, healthSources, listen } from './listeners.ts'
import { serveMetrics } from './metrics.ts'
import { createRequestObserver } from './request-observer.ts'
import { openTracing } from './tracing.ts'

/** Where it listens. */
export interface Addresses {
  readonly proxy: AddressInfo
  readonly api: AddressInfo
  /** Nothing when it is not enabled. */
  readonly grpc: AddressInfo | undefined
  /** Nothing when its port is taken. */
  readonly metrics: AddressInfo | undefined
}

/** How long requests under way may take to finish when the process is told to stop; Oathkeeper's figure. */
export const STOP_GRACE_MS = 5_000

/**
 * Opens the listeners, which ask the core.
 * @param undo what closes them again
 * @throws {StartError} an address cannot be had.
 */
export async function openFronts(
  core: Core,
  config: Config,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  undo: CleanupStack,
): Promise<Addresses> {
  const { sessions, rules, reloader, keys } = core
  const metrics = undo.adopt(createMetrics(config.serve.prometheus), (counting) => counting.close())
  const tracing = undo.adopt(await openTracing(config, log), (opened) => opened?.close())
  const gate = createGate({
    current: () => ({ matcher: rules.matcher, fallback: reloader.current.fallback }),
    onDecision: createDecisionObserver(log, metrics, tracing !== undefined),
  })
  const observing = { metrics, log, isOwnCookie: (name: string) => reloader.current.signIn.isOwnCookie(name) }
  const deps = {
    gate,
    sessions: sessions.manager,
    signIn: () => reloader.current.signIn,
    cors: () => reloader.current.cors,
    answered: {
      proxy: createRequestObserver('oathkeeper-proxy', config, observing),
      api: createRequestObserver('oathkeeper-api', config, observing),
    },
    tracing,
    rules,
    health: healthSources(rules, sessions.store),
    keys,
    clock,
    logger: log,
  }
  const proxy = createProxyListener(config, deps)
  const api = createApiListener(config, deps)
  const grpc = createGrpcListener(config, deps)
  const serving = await serveMetrics(config, metrics, { rules, reloader, sessions }, { clock, logger: log })
  undo.defer(() => serving.listener.close(0))
  const listeners = [proxy, api, ...(grpc === undefined ? [] : [grpc])]
  undo.defer(async () => void (await Promise.all(listeners.map((listener) => listener.close(STOP_GRACE_MS)))))
  return {
    proxy: await listen('proxy', proxy, config, log),
    api: await listen('api', api, config, log),
    grpc: grpc && (await listen('grpc', grpc, config, log)),
    metrics: serving.address,
  }
}
