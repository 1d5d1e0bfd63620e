import type { IncomingMessage } from 'node:http'
import type { Logger } from '../../kernel/logger.ts'
import type { TraceSpan } from '../../lib/trace.ts'
import { createExport, type ExportOptions } from './export.ts'
import { OtelSpan } from './span.ts'
import { remoteParent } from './trace-context.ts'

/** Where traces go, and of which requests. */
export interface TracingOptions extends ExportOptions {
  /** Share of the requests that begin a trace here, 0 to 1. A caller's own decision goes before. */
  readonly samplingRatio: number
}

/** Makes spans of requests. */
export interface Tracing {
  /** Begins the span of a request; nothing for those about our own health. */
  begin(service: 'proxy' | 'api', request: IncomingMessage): TraceSpan | undefined
  /** Sends what is left. */
  close(): Promise<void>
}

const NOT_TRACED = /^\/(?:admin\/)?(?:health|metrics)/
const MAX_ATTRIBUTE_CHARS = 1_024
const CLOSE_MS = 5_000

/**
 * Loads OpenTelemetry and begins to export.
 * @throws {Error} with a sentence that says what to install.
 */
export async function createTracing(options: TracingOptions, version: string, logger: Logger): Promise<Tracing> {
  const { api, sdk, exporter, resource } = await createExport(options, version, logger)
  const provider = new sdk.TracerProvider({
    resource,
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(options.samplingRatio) }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter })],
    spanLimits: { attributeValueLengthLimit: MAX_ATTRIBUTE_CHARS },
  })
  const tracer = provider.getTracer('oathkeeper', version)
  return {
    begin(service, { url = '', method = '', headers, socket }) {
      if (NOT_TRACED.test(url)) return undefined
      const { traceparent, tracestate } = headers
      const parent = remoteParent(api, traceparent, tracestate)
      const end = url.indexOf('?')
      const attributes = {
        'http.request.method': method,
        // Never the query: it may hold a secret.
        'url.path': end === -1 ? url : url.slice(0, end),
        'network.peer.address': socket.remoteAddress ?? '',
      }
      const span = tracer.startSpan(service, { kind: api.SpanKind.SERVER, attributes }, parent)
      return new OtelSpan(span, { api, tracer })
    },
    async close() {
      // A collector that is away must not keep the process from ending.
      const { promise: patience, resolve } = Promise.withResolvers<undefined>()
      const timer = setTimeout(() => resolve(undefined), CLOSE_MS)
      await Promise.race([provider.shutdown().catch(() => undefined), patience])
      clearTimeout(timer)
    },
  }
}
