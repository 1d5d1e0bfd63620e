import type { Reply } from '../kernel/reply.ts'
import { escapeHtmlInJson } from '../lib/go-json.ts'

/** An answer of the API: JSON as Go writes it. */
export function jsonReply(status: number, document: unknown): Reply {
  return {
    status,
    headers: [['Content-Type', 'application/json; charset=utf-8']],
    body: `${escapeHtmlInJson(JSON.stringify(document))}\n`,
  }
}
