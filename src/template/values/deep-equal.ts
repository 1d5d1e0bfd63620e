import { entryOf, hasEntry, isMap, itemsOf, keysOf, mapSize } from './collection.ts'
import { LimitError, MAX_DATA_DEPTH } from './limits.ts'
import { typeName } from './types.ts'
import { GoComplex, GoInt, GoMap, GoSlice, GoStruct, type Value } from './value.ts'

/** `reflect.DeepEqual`: same types, same values all the way down. */
export function deepEqual(a: Value, b: Value, depth = 0): boolean {
  if (depth > MAX_DATA_DEPTH) throw new LimitError('data is nested too deeply')
  if (a === b) return !(typeof a === 'number' && Number.isNaN(a))
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return (a ?? null) === null && (b ?? null) === null
  }
  if (typeName(a) !== typeName(b)) return false
  if (a instanceof GoInt && b instanceof GoInt) return a.value === b.value
  if (a instanceof GoComplex && b instanceof GoComplex) return a.real === b.real && a.imag === b.imag
  if (a instanceof GoStruct && b instanceof GoStruct) return structsEqual(a, b, depth)
  const itemsA = itemsOf(a)
  const itemsB = itemsOf(b)
  if (itemsA !== undefined && itemsB !== undefined) {
    if (isNil(a) !== isNil(b) || itemsA.length !== itemsB.length) return false
    return itemsA.every((item, i) => deepEqual(item, itemsB[i], depth + 1))
  }
  if (!isMap(a) || !isMap(b) || isNil(a) !== isNil(b) || mapSize(a) !== mapSize(b)) return false
  return keysOf(a).every((key) => hasEntry(b, key) && deepEqual(entryOf(a, key), entryOf(b, key), depth + 1))
}

function structsEqual(a: GoStruct, b: GoStruct, depth: number): boolean {
  if (a.self === b.self) return true
  if (a.self === null || b.self === null) return false
  return a.type.fields.every((field) => deepEqual(field.get(a.self), field.get(b.self), depth + 1))
}

function isNil(value: Value): boolean {
  return (value instanceof GoSlice || value instanceof GoMap) && value.isNil
}
