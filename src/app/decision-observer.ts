import type { GateOptions } from '../pipeline/gate.ts'
import { currentSpan } from '../lib/trace.ts'
import { createDecisionLog } from '../observability/decision-log.ts'
import type { Log } from '../observability/log.ts'
import type { Metrics } from '../observability/metrics/metrics.ts'

/** Tells log, metrics and traces of each decision. */
export function createDecisionObserver(
  log: Log,
  metrics: Metrics,
  isTracing: boolean,
): NonNullable<GateOptions['onDecision']> {
  const logDecision = createDecisionLog(log, isTracing ? () => currentSpan()?.traceId : undefined)
  if (!isTracing) {
    return (decision, tookMs) => {
      metrics.recordDecision(decision)
      logDecision(decision, tookMs)
    }
  }
  return (decision, tookMs) => {
    metrics.recordDecision(decision)
    logDecision(decision, tookMs)
    const span = currentSpan()
    span?.set('oathkeeper.rule_id', decision.exchange.ruleId)
    span?.set('oathkeeper.outcome', decision.granted ? 'granted' : decision.error.code)
  }
}
