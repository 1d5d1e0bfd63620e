import type { Decision } from '../kernel/gate.ts'
import type { Log } from './log.ts'

/** Writes one entry for each decision. */
export type DecisionLog = (decision: Decision, tookMs: number) => void

/** Creates the decision log: one line a decision, without query, headers or any credential. */
export function createDecisionLog(log: Log, traceId?: () => string | undefined): DecisionLog {
  return (decision, tookMs) => {
    const { exchange } = decision
    const { request, at } = exchange
    if (decision.granted) {
      if (!log.isEnabled('info')) return
      log.batch(
        'info',
        {
          granted: true,
          rule_id: exchange.ruleId,
          subject: exchange.subject,
          session_id: exchange.sessionId,
          http_method: request.method,
          http_host: request.host,
          http_path: request.path,
          status: decision.reply?.status ?? (request.front === 'decision' ? 200 : undefined),
          remote: request.clientAddress,
          request_id: request.requestId,
          trace_id: traceId?.(),
          took_ms: round(tookMs),
        },
        'Access request granted',
      )
      return
    }
    const { error, reply } = decision
    const isOurFault = error.status >= 500
    const level = isOurFault ? 'error' : 'info'
    if (!log.isEnabled(level)) return
    log.batch(
      level,
      {
        granted: false,
        rule_id: exchange.ruleId,
        subject: exchange.subject,
        session_id: exchange.sessionId,
        reason_id: at?.reasonId,
        ...(at === undefined ? {} : { [`${at.kind}_handler`]: at.handler }),
        error_code: error.code,
        error: isOurFault ? error : error.message,
        http_method: request.method,
        http_host: request.host,
        http_path: request.path,
        status: reply.status,
        remote: request.clientAddress,
        request_id: request.requestId,
        trace_id: traceId?.(),
        took_ms: round(tookMs),
      },
      'Access request denied',
    )
  }
}

/** To whole microseconds: more digits say nothing. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
