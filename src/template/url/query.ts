import { compareBytes } from '../../lib/go-string.ts'
import { stringSlice } from '../values/collection.ts'
import { itemsOf } from '../values/collection.ts'
import { fn, methods } from '../values/func.ts'
import { type Param, STRING } from '../values/param.ts'
import { GoMap, GoSlice, type MapType, type Value } from '../values/value.ts'
import { escapePart, unescapePart } from './escape.ts'

const SELF: Param<GoMap> = { name: 'url.Values', literal: 'none', accepts: (v) => v instanceof GoMap }

/** Go's url.Values. */
export const URL_VALUES: MapType = {
  name: 'url.Values',
  elem: '[]string',
  methods: methods({
    Get: fn([SELF, STRING], (values, key) => firstOf(values, key)),
    Has: fn([SELF, STRING], (values, key) => values.entries.has(key)),
    Encode: fn([SELF], encodeQuery),
    Add: fn([SELF, STRING, STRING], () => noResult('Add')),
    Set: fn([SELF, STRING, STRING], () => noResult('Set')),
    Del: fn([SELF, STRING], () => noResult('Del')),
  }),
}

/** Parses a query; what is malformed is left out. */
export function parseQuery(query: string): GoMap {
  const lists = new Map<string, string[]>()
  for (const piece of query.split('&')) {
    if (piece === '' || piece.includes(';')) continue
    const equals = piece.indexOf('=')
    try {
      const key = unescapePart(equals < 0 ? piece : piece.slice(0, equals), 'query')
      const value = equals < 0 ? '' : unescapePart(piece.slice(equals + 1), 'query')
      const known = lists.get(key)
      if (known === undefined) lists.set(key, [value])
      else known.push(value)
    } catch {
      continue
    }
  }
  return new GoMap(URL_VALUES, new Map([...lists].map(([key, values]) => [key, stringSlice(values)])))
}

function encodeQuery(values: GoMap): string {
  const pairs: string[] = []
  for (const key of [...values.entries.keys()].sort(compareBytes)) {
    for (const value of itemsOf(values.entries.get(key)) ?? []) {
      pairs.push(`${escapePart(key, 'query')}=${escapePart(String(value), 'query')}`)
    }
  }
  return pairs.join('&')
}

/** The first value of a name in url.Values or http.Header, or an empty string. */
export function firstOf(lists: GoMap, key: string): Value {
  return itemsOf(lists.entries.get(key))?.[0] ?? ''
}

/** All values of a name; a nil slice when there are none. */
export function allOf(lists: GoMap, key: string): Value {
  return lists.entries.get(key) ?? new GoSlice('string', [], true)
}

/** Go has these methods, but a template cannot call what has no result. */
export function noResult(name: string): never {
  throw new Error(`function ${name} has 0 return values; should be 1 or 2`)
}
