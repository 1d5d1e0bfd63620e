import type { Config } from '../config/config.ts'
import type { AnswerObserver } from '../http/answer.ts'
import type { Log } from '../observability/log.ts'
import type { Metrics } from '../observability/metrics/metrics.ts'
import { createRequestLog } from '../observability/request-log.ts'

export interface RequestObserverDeps {
  readonly metrics: Metrics
  readonly log: Log
  /** By the configuration in force. */
  readonly isOwnCookie: (name: string) => boolean
}

/** Tells metrics and log of the requests of one listener. */
export function createRequestObserver(
  service: Parameters<Metrics['recorder']>[0],
  { log: options }: Config,
  { metrics, log, isOwnCookie }: RequestObserverDeps,
): AnswerObserver {
  const record = metrics.recorder(service)
  const count: AnswerObserver = ({ req, startedAt }, status) =>
    record(req.method ?? '', req.url ?? '', status, (performance.now() - startedAt) / 1000)
  if (!log.isEnabled('debug')) return count
  const write = createRequestLog(log, service, { ...options, isOwnCookie })
  return (answer, status) => {
    count(answer, status)
    write(answer.req, status, performance.now() - answer.startedAt)
  }
}
