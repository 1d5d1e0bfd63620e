import { anyMap, entryOf, isMap, itemsOf, keysOf } from './collection.ts'
import { LimitError, MAX_DATA_DEPTH } from './limits.ts'
import { GoMap, GoSlice, type Value } from './value.ts'

/** A copy with its own maps and lists, which a template may change. */
export function deepCopy(value: Value, depth = 0): Value {
  if (typeof value !== 'object' || value === null) return value
  if (depth > MAX_DATA_DEPTH) throw new LimitError('data is nested too deeply')
  const items = itemsOf(value)
  if (items !== undefined) {
    const copies = items.map((item) => deepCopy(item ?? null, depth + 1))
    return value instanceof GoSlice ? new GoSlice(value.elem, copies, value.isNil) : copies
  }
  if (!isMap(value)) return value
  const entries = keysOf(value).map((key) => [key, deepCopy(entryOf(value, key), depth + 1)] as const)
  return value instanceof GoMap ? new GoMap(value.type, new Map(entries), value.isNil) : anyMap(entries)
}
