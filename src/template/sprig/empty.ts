import { isMap, itemsOf, mapSize } from '../values/collection.ts'
import { isTrue } from '../values/truth.ts'
import { GoStruct, type Value } from '../values/value.ts'

/** Whether a value is the zero of its type, an empty list, map or text, or nil. */
export function isEmpty(value: Value): boolean {
  if (value instanceof GoStruct) return value.isPointer && value.self === null
  if (typeof value === 'object' && value !== null) {
    const items = itemsOf(value)
    if (items !== undefined) return items.length === 0
    if (isMap(value)) return mapSize(value) === 0
  }
  return !isTrue(value)
}
