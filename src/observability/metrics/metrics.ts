import { Registry } from 'prom-client'
import type { Decision } from '../../kernel/gate.ts'
import { createDecisionMetrics } from './decision-metrics.ts'
import { countEvents } from './event-metrics.ts'
import { processMetrics } from './process-metrics.ts'
import { createRequestMetrics, type RecordRequest, type RequestMetricsOptions } from './request-metrics.ts'
import { addStateMetrics, type ProductState } from './state-metrics.ts'

/** What the product counts and measures. */
export interface Metrics {
  /** Counts the requests of one listener. */
  recorder(service: 'oathkeeper-proxy' | 'oathkeeper-api'): RecordRequest
  recordDecision(decision: Decision): void
  /** What is asked at each scrape; until then it is left out. */
  observe(version: string, state: ProductState): void
  /** Everything, in Prometheus' text format. */
  text(): Promise<string>
  /** Listens to no events any more. */
  close(): void
}

export function createMetrics(options: RequestMetricsOptions): Metrics {
  const prefix = options.metricNamePrefix
  const requests = createRequestMetrics(options)
  const decisions = createDecisionMetrics(prefix)
  const registry = new Registry()
  const close = countEvents(registry, prefix)
  // From the start: figures such as processor time are counted from here on.
  const ofProcess = processMetrics()
  return {
    recorder: (service) => requests.recorder(service),
    recordDecision: (decision) => decisions.record(decision),
    observe: (version, state) => addStateMetrics(registry, prefix, version, state),
    async text() {
      const others = await Promise.all([registry.metrics(), ofProcess.metrics()])
      return [requests.text(), decisions.text(), ...others].join('')
    },
    close,
  }
}
