import type { Reply } from '../kernel/reply.ts'
import type { Rule } from '../kernel/rule.ts'
import { readQuery } from '../lib/go-query.ts'
import { jsonReply } from './json-reply.ts'
import { describeRule } from './rule-json.ts'

/** The rules in force that have no mistake, in the order of their sources. */
export type ListRules = () => readonly Rule[]

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 500
const INTEGER = /^[+-]?\d+$/

const NOT_FOUND = jsonReply(404, {
  error: { code: 404, status: 'Not Found', message: 'The requested resource could not be found' },
})

/** A page of the rules: `limit` and `offset` of the query. */
export function listRules(list: ListRules, rawQuery: string): Reply {
  const query = readQuery(rawQuery)
  const limit = Math.min(readNumber(query.get('limit')?.[0], DEFAULT_LIMIT), MAX_LIMIT)
  const offset = readNumber(query.get('offset')?.[0], 0)
  const page = list().slice(offset, offset + limit)
  return jsonReply(200, page.map(describeRule))
}

/** One rule; the first of several with the same id. */
export function getRule(list: ListRules, id: string): Reply {
  const rule = list().find((candidate) => candidate.id === id)
  return rule === undefined ? NOT_FOUND : jsonReply(200, describeRule(rule))
}

function readNumber(text: string | undefined, otherwise: number): number {
  if (text === undefined || !INTEGER.test(text)) return otherwise
  const number = Number(text)
  return Number.isSafeInteger(number) ? Math.max(0, number) : otherwise
}
