import { STATUS_CODES } from 'node:http'
import type { Reply } from '../kernel/reply.ts'

/** A request that is answered by the listener itself, before any rule. */
export interface Refusal {
  readonly status: number
  /** For the client; empty for an answer without a body. */
  readonly message: string
  readonly headers?: readonly (readonly [name: string, value: string])[]
  /** Whether nothing more is read from the connection. */
  readonly close: boolean
}

/** The refusal as a document in the shape of Oathkeeper's errors. */
export function refusalReply(refusal: Refusal): Reply {
  if (refusal.message === '') return { status: refusal.status, headers: refusal.headers ?? [], body: '' }
  const error = { code: refusal.status, status: STATUS_CODES[refusal.status] ?? '', message: refusal.message }
  return {
    status: refusal.status,
    headers: [['Content-Type', 'application/json'], ['X-Content-Type-Options', 'nosniff'], ...(refusal.headers ?? [])],
    body: `${JSON.stringify({ error })}\n`,
  }
}
