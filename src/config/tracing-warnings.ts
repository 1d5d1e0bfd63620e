import type { KeyProblem } from './issues.ts'
import type { TracingConfig } from './schema/tracing.ts'

/** What is accepted in `tracing` and does not do what it did in Oathkeeper. */
export function tracingWarnings({ provider }: TracingConfig): KeyProblem[] {
  if (provider !== 'jaeger') return []
  const message =
    'sends no traces: Jaeger has no agents any more and takes OTLP instead; set it to otel, and tracing.providers.otlp.server_url to port 4318 of Jaeger'
  return [{ path: ['tracing', 'provider'], message }]
}
