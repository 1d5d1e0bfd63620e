import type { TraceSpan } from '../lib/trace.ts'
import { type IncomingMessage, ServerResponse } from 'node:http'

/** Told of a request that is over: the status is 499 when the client went away before there was an answer. */
export type AnswerObserver = (answer: Answer, status: number) => void

/** The answer to a request, with what the listener itself has to say beside whoever writes it. */
export class Answer extends ServerResponse<IncomingMessage> {
  /** Name, value, name, value, …: headers that go out in front of those that the answer is written with. */
  added: readonly string[] | undefined = undefined
  /** By `performance.now()`; 0 while nobody observes. */
  startedAt = 0
  observer: AnswerObserver | undefined = undefined
  /** While requests are traced. */
  span: TraceSpan | undefined = undefined

  /** @param flat name, value, name, value, …; answers are written in no other form. */
  override writeHead(status: number, flat?: unknown): this {
    const own = flat as string[] | undefined
    return super.writeHead(status, this.added === undefined ? own : [...this.added, ...(own ?? [])])
  }

  /** For the end of the request, however it came; tells the observer once. */
  conclude(status: number): void {
    const { observer, span } = this
    this.observer = undefined
    this.span = undefined
    observer?.(this, status)
    span?.set('http.response.status_code', status)
    span?.end(status >= 500 ? `status ${status}` : undefined)
  }

  /** Leaves out an added header, because what the answer says by that name replaces it. */
  dropAdded(lowerName: string): void {
    const { added } = this
    if (added === undefined) return
    this.added = added.filter((_, i) => (added[i - (i % 2)] as string).toLowerCase() !== lowerName)
  }
}
