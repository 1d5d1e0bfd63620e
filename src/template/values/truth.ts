import { isMap, itemsOf, mapSize } from './collection.ts'
import { GoComplex, GoInt, GoStruct, type Value } from './value.ts'

/** Whether a value counts as true: not the zero of its type, not empty. */
export function isTrue(value: Value): boolean {
  switch (typeof value) {
    case 'boolean':
      return value
    case 'string':
      return value !== ''
    case 'number':
      return value !== 0
    case 'bigint':
      return value !== 0n
    case 'object':
      break
    default:
      return false
  }
  if (value === null) return false
  if (value instanceof GoInt) return value.value !== 0n
  if (value instanceof GoStruct) return !value.isPointer || value.self !== null
  if (value instanceof GoComplex) return value.real !== 0 || value.imag !== 0
  return isMap(value) ? mapSize(value) > 0 : (itemsOf(value) ?? []).length > 0
}
