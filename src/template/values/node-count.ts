import { entryOf, isMap, itemsOf, keysOf } from './collection.ts'
import { MAX_DATA_DEPTH, MAX_STEPS } from './limits.ts'
import type { Value } from './value.ts'

/**
 * How many values there are within a value. Counting ends where nobody could pay for more: a small list can hold itself
 * so often that there is no end to it.
 */
export function nodeCount(value: Value): number {
  return countFrom(value, 0, 0)
}

function countFrom(value: Value, depth: number, counted: number): number {
  if (typeof value !== 'object' || value === null || depth > MAX_DATA_DEPTH || counted > MAX_STEPS) return counted + 1
  let count = counted + 1
  const items = itemsOf(value)
  if (items !== undefined) {
    for (const item of items) {
      count = countFrom(item, depth + 1, count)
      if (count > MAX_STEPS) return count
    }
  } else if (isMap(value)) {
    for (const key of keysOf(value)) {
      count = countFrom(entryOf(value, key), depth + 1, count)
      if (count > MAX_STEPS) return count
    }
  }
  return count
}
