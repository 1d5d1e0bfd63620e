import type { Span, Tracer } from '@opentelemetry/api'
import type { TraceSpan } from '../../lib/trace.ts'
import type { OtelApi } from './packages.ts'
import { traceHeaders } from './trace-context.ts'

/** A span of OpenTelemetry, as the rest of the product knows it. */
export class OtelSpan implements TraceSpan {
  readonly traceId: string
  readonly spanId: string
  readonly #span: Span
  readonly #otel: { readonly api: OtelApi; readonly tracer: Tracer }

  constructor(span: Span, otel: { readonly api: OtelApi; readonly tracer: Tracer }) {
    const { traceId, spanId } = span.spanContext()
    this.traceId = traceId
    this.spanId = spanId
    this.#span = span
    this.#otel = otel
  }

  get headers(): readonly string[] {
    return traceHeaders(this.#span.spanContext())
  }

  child(name: string): TraceSpan {
    const { api, tracer } = this.#otel
    const within = api.trace.setSpan(api.ROOT_CONTEXT, this.#span)
    return new OtelSpan(tracer.startSpan(name, { kind: api.SpanKind.CLIENT }, within), this.#otel)
  }

  set(name: string, value: string | number | boolean): void {
    this.#span.setAttribute(name, value)
  }

  end(failure?: string): void {
    if (failure !== undefined) this.#span.setStatus({ code: this.#otel.api.SpanStatusCode.ERROR, message: failure })
    this.#span.end()
  }
}
