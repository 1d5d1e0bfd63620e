import { entryOf, isMap, keysOf } from '../values/collection.ts'
import { LimitError, MAX_DATA_DEPTH } from '../values/limits.ts'
import { integerOf } from '../values/types.ts'
import { GoMap, GoStruct, type Value } from '../values/value.ts'
import { isEmpty } from './empty.ts'

/**
 * Merges a map into another by the rules of mergo: what is there and not empty stays, unless it is to be overwritten;
 * maps within both are merged, lists are not.
 */
export function mergeInto(
  into: Map<string, Value>,
  from: GoMap | Readonly<Record<string, Value>>,
  overwrites: boolean,
  depth = 0,
): void {
  if (depth > MAX_DATA_DEPTH) throw new LimitError('data is nested too deeply')
  for (const key of keysOf(from)) {
    const source = entryOf(from, key)
    const target = into.get(key)
    if (source === null || source === undefined) {
      if (overwrites) into.set(key, source)
      continue
    }
    if (isMap(source) && target instanceof GoMap && !target.isNil) {
      mergeInto(target.entries, source, overwrites, depth + 1)
      if (!isUnset(target)) continue
    }
    if (overwrites || target === undefined || isUnset(target)) into.set(key, source)
  }
}

/** What counts as nothing, so that a source may fill it. */
function isUnset(value: Value): boolean {
  if (value instanceof GoStruct) return value.isPointer && value.self === null
  return integerOf(value) === 0n || isEmpty(value)
}
