import type { AddressInfo } from 'node:net'
import { createMetricsListener } from '../admin/metrics-listener.ts'
import type { Config } from '../config/config.ts'
import type { HttpServer } from '../http/server.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import { packageVersion } from '../lib/package-version.ts'
import { tellListening } from '../observability/listener.ts'
import type { Metrics } from '../observability/metrics/metrics.ts'
import type { Plan } from '../pipeline/plan.ts'
import type { RuleRepository } from '../rules/repository.ts'
import type { Sessions } from './sessions.ts'
import type { Reloader } from './reloader.ts'

export interface MetricsServing {
  readonly listener: HttpServer
  /** Nothing when the address could not be had. */
  readonly address: AddressInfo | undefined
}

/** What is asked at each scrape. */
export interface MetricsSubjects {
  readonly rules: RuleRepository<Plan>
  readonly reloader: Reloader
  readonly sessions: Pick<Sessions, 'store' | 'manager'>
}

/**
 * Serves the metrics. A port that is taken is told and nothing more, as in Oathkeeper: requests matter more than figures
 * about them.
 */
export async function serveMetrics(
  { serve }: Config,
  metrics: Metrics,
  { rules, reloader, sessions }: MetricsSubjects,
  deps: { readonly clock: Clock; readonly logger: Logger },
): Promise<MetricsServing> {
  metrics.observe(packageVersion(), {
    countRules: () => rules.list().length,
    countMistakes: () => new Set(rules.ruleProblems().map(({ source, ruleId }) => `${source} ${ruleId}`)).size,
    sources: () => rules.sources(),
    isConfigRefused: () => reloader.isRefused,
    sessions: { store: sessions.store, nearCache: () => sessions.manager.nearCache },
  })
  const listener = createMetricsListener(serve.prometheus, { text: () => metrics.text(), ...deps })
  try {
    const address = await listener.listen()
    tellListening(deps.logger, 'metrics', address, false)
    return { listener, address }
  } catch (cause: unknown) {
    metrics.close()
    const { host, port } = serve.prometheus
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown cause'
    deps.logger.error(
      {},
      `serve.prometheus: ${host === '' ? '*' : host}:${port} cannot be listened on (${code}): no metrics are served`,
    )
    return { listener, address: undefined }
  }
}
