import { anyMap, entryOf, hasEntry, keysOf, sortedKeys, stringSlice } from '../values/collection.ts'
import { deepCopy } from '../values/deep-copy.ts'
import { costly, fn, type GoFunc, variadic } from '../values/func.ts'
import { checkItemCount } from '../values/limits.ts'
import { nodeCount } from '../values/node-count.ts'
import { ANY, ANY_MAP_PARAM, STRING } from '../values/param.ts'
import { typeName } from '../values/types.ts'
import { GoMap, type Value } from '../values/value.ts'
import { mergeInto } from './merge.ts'
import { strval } from './strval.ts'

type Dict = GoMap | Readonly<Record<string, Value>>

const copy = costly(
  fn([ANY], (value) => {
    if (value === null) throw new Error('reflect: call of reflect.Value.Type on zero Value')
    return deepCopy(value)
  }),
  ([value]) => nodeCount(value),
)
const merge = costly(
  variadic([ANY_MAP_PARAM], ANY_MAP_PARAM, (into, sources) => merged(into, sources, false)),
  nodeCount,
)
const mergeOverwrite = costly(
  variadic([ANY_MAP_PARAM], ANY_MAP_PARAM, (into, sources) => merged(into, sources, true)),
  nodeCount,
)

/**
 * Functions on maps with string keys. Go gives keys and values in no order, here they are sorted by key.
 * Those in `CHANGES_MAPS` change the map that they are given.
 */
export const DICTS: Readonly<Record<string, GoFunc>> = {
  deepCopy: copy,
  dict: variadic([], ANY, dict),
  dig: variadic([], ANY, dig),
  get: fn([ANY_MAP_PARAM, STRING], (map, key) => (hasEntry(map, key) ? entryOf(map, key) : '')),
  hasKey: fn([ANY_MAP_PARAM, STRING], (map, key) => hasEntry(map, key)),
  keys: variadic([], ANY_MAP_PARAM, (maps) => stringSlice(maps.flatMap((map) => sortedKeys(map)))),
  merge,
  mergeOverwrite,
  mustDeepCopy: copy,
  mustMerge: merge,
  mustMergeOverwrite: mergeOverwrite,
  omit: variadic([ANY_MAP_PARAM], STRING, (map, keys) =>
    part(
      map,
      keysOf(map).filter((key) => !keys.includes(key)),
    ),
  ),
  pick: variadic([ANY_MAP_PARAM], STRING, (map, keys) =>
    part(
      map,
      keys.filter((key) => hasEntry(map, key)),
    ),
  ),
  pluck: variadic([STRING], ANY_MAP_PARAM, (key, maps) =>
    maps.filter((map) => hasEntry(map, key)).map((map) => entryOf(map, key)),
  ),
  set: fn([ANY_MAP_PARAM, STRING, ANY], set),
  unset: fn([ANY_MAP_PARAM, STRING], unset),
  values: fn([ANY_MAP_PARAM], (map) => sortedKeys(map).map((key) => entryOf(map, key))),
}

/** Functions that change a map in place. A template that uses one of them works on a copy of the claims. */
export const CHANGES_MAPS: ReadonlySet<string> = new Set([
  'merge',
  'mergeOverwrite',
  'mustMerge',
  'mustMergeOverwrite',
  'set',
  'unset',
])

function dict(values: readonly Value[]): GoMap {
  const entries = new Map<string, Value>()
  for (let i = 0; i < values.length; i += 2) entries.set(strval(values[i]), i + 1 < values.length ? values[i + 1] : '')
  return anyMap(entries)
}

function dig(values: readonly Value[]): Value {
  if (values.length < 3) throw new Error('dig needs at least three arguments')
  const keys = values.slice(0, -2)
  const fallback = values.at(-2)
  let value: Value = values.at(-1)
  checkMap(value)
  for (const key of keys) if (typeof key !== 'string') throw conversion(key, 'string')
  for (const key of keys as string[]) {
    checkMap(value)
    if (!hasEntry(value as Dict, key)) return fallback
    value = entryOf(value as Dict, key)
  }
  return value
}

function checkMap(value: Value): void {
  if (!ANY_MAP_PARAM.accepts(value)) throw conversion(value, 'map[string]interface {}')
}

function conversion(value: Value, wanted: string): Error {
  const got = value === null ? 'nil' : typeName(value)
  return new Error(`interface conversion: interface {} is ${got}, not ${wanted}`)
}

function part(map: Dict, keys: readonly string[]): GoMap {
  return anyMap(keys.map((key) => [key, entryOf(map, key)]))
}

function set(map: Dict, key: string, value: Value): Value {
  const entries = changeable(map)
  entries.set(key, value)
  checkItemCount(entries.size)
  return map
}

function unset(map: Dict, key: string): Value {
  if (!(map instanceof GoMap && map.isNil)) changeable(map).delete(key)
  return map
}

function merged(into: Dict, sources: readonly Dict[], overwrites: boolean): Value {
  const target = into instanceof GoMap && into.isNil ? anyMap() : into
  for (const source of sources) mergeInto(changeable(target), source, overwrites)
  return target
}

function changeable(map: Dict): Map<string, Value> {
  if (map instanceof GoMap && !map.isNil) return map.entries
  throw new Error('assignment to entry in nil map')
}
