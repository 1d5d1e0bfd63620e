import type { Reply } from '../kernel/reply.ts'
import { escapeHtmlInJson } from '../lib/go-json.ts'

/** An answer of the API: JSON as Go writes it. An error document says nothing of its charset, as in Oathkeeper. */
export function jsonReply(status: number, document: unknown): Reply {
  return {
    status,
    headers: [['Content-Type', status < 400 ? 'application/json; charset=utf-8' : 'application/json']],
    body: `${escapeHtmlInJson(JSON.stringify(document))}\n`,
  }
}
