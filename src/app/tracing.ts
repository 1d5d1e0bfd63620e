import type { Config } from '../config/config.ts'
import type { Logger } from '../kernel/logger.ts'
import { packageVersion } from '../lib/package-version.ts'
import type { Tracing, TracingOptions } from '../observability/tracing/tracing.ts'

const DEFAULT_COLLECTOR = 'localhost:4318'
const DEFAULT_ZIPKIN = 'http://localhost:9411/api/v2/spans'

/** Begins to trace where that is configured. What it cannot do is told, and costs no more than the traces. */
export async function openTracing({ tracing }: Config, logger: Logger): Promise<Tracing | undefined> {
  const options = tracingOptions(tracing)
  if (options === undefined) return undefined
  try {
    const { createTracing } = await import('../observability/tracing/tracing.ts')
    return await createTracing(options, packageVersion(), logger)
  } catch (cause: unknown) {
    logger.error({}, `tracing: ${cause instanceof Error ? cause.message : String(cause)}; no traces are sent`)
    return undefined
  }
}

function tracingOptions(tracing: Config['tracing']): TracingOptions | undefined {
  const { provider, serviceName, deploymentEnvironment, otlp, zipkin } = tracing
  const common = { serviceName, deploymentEnvironment }
  if (provider === 'otel') {
    const url = `${otlp.insecure ? 'http' : 'https'}://${otlp.serverUrl ?? DEFAULT_COLLECTOR}/v1/traces`
    const target = { protocol: 'otlp', url, authorization: otlp.authorizationHeader } as const
    return { ...common, target, samplingRatio: ratio(otlp.samplingRatio) }
  }
  if (provider === 'zipkin') {
    const target = { protocol: 'zipkin', url: zipkin.serverUrl ?? DEFAULT_ZIPKIN } as const
    return { ...common, target, samplingRatio: ratio(zipkin.samplingRatio) }
  }
  return undefined
}

/** Differs from Oathkeeper: not set is everything, and not nothing. */
function ratio(configured: number | undefined): number {
  return Math.min(1, Math.max(0, configured ?? 1))
}
