import { AsyncLocalStorage } from 'node:async_hooks'

/** One step of a trace: a request to us, or a call of ours while it is served. */
export interface TraceSpan {
  readonly traceId: string
  readonly spanId: string
  /** Name, value, …: headers that carry the trace on to the next server (W3C Trace Context). */
  readonly headers: readonly string[]
  /** A call that belongs to this step. */
  child(name: string): TraceSpan
  set(name: string, value: string | number | boolean): void
  /** @param failure why it failed, if it did; never a secret */
  end(failure?: string): void
}

const spans = new AsyncLocalStorage<TraceSpan>()
/** While nobody traces, nobody looks into the storage. */
let isTracing = false

/** Runs within a span: what it begins, now or later, knows it. */
export function runInSpan<Result>(span: TraceSpan, run: () => Result): Result {
  isTracing = true
  return spans.run(span, run)
}

/** The span that the caller runs in; nothing while there is none. */
export function currentSpan(): TraceSpan | undefined {
  return isTracing ? spans.getStore() : undefined
}

/** The headers with those of the span in place of the ones that carry a trace already. */
export function withTraceHeaders(flat: readonly string[], span: TraceSpan): string[] {
  const out: string[] = []
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as string
    if (!/^trace(?:parent|state)$/i.test(name)) out.push(name, flat[i + 1] as string)
  }
  out.push(...span.headers)
  return out
}
