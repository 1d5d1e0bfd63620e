import type { Context, SpanContext } from '@opentelemetry/api'
import type { OtelApi } from './packages.ts'

/** Version, trace, span and flags. A later version may have more behind them. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const MAX_TRACESTATE_CHARS = 512

/**
 * The span of the caller, as far as its headers tell of one.
 * @see [Trace Context §3.2](https://www.w3.org/TR/trace-context/#traceparent-header)
 */
export function remoteParent(
  api: OtelApi,
  traceparent: string | string[] | undefined,
  tracestate: string | string[] | undefined,
): Context {
  const found = typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent) : null
  if (found === null || (found[0].startsWith('00') && found[4] !== undefined)) return api.ROOT_CONTEXT
  const [, traceId = '', spanId = '', flags = '00'] = found
  const state = [tracestate ?? []].flat().join(',')
  const context: SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & api.TraceFlags.SAMPLED,
    isRemote: true,
    ...(state !== '' && state.length <= MAX_TRACESTATE_CHARS && { traceState: api.createTraceState(state) }),
  }
  return api.trace.setSpanContext(api.ROOT_CONTEXT, context)
}

/** The headers that carry a span on. */
export function traceHeaders({ traceId, spanId, traceFlags, traceState }: SpanContext): string[] {
  const parent = ['traceparent', `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`]
  const state = traceState?.serialize() ?? ''
  return state === '' ? parent : [...parent, 'tracestate', state]
}
