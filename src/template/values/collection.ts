import { compareBytes } from '../../lib/go-string.ts'
import { ANY_MAP, GoComplex, GoInt, GoMap, GoSlice, GoStruct, type Value } from './value.ts'

type PlainMap = Readonly<Record<string, Value>>

/** Elements of any slice, or `undefined` when the value is none. */
export function itemsOf(value: Value): readonly Value[] | undefined {
  if (Array.isArray(value)) return value
  return value instanceof GoSlice ? value.items : undefined
}

export function isMap(value: Value): value is GoMap | PlainMap {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  if (value instanceof GoMap) return true
  return !(
    value instanceof GoSlice ||
    value instanceof GoStruct ||
    value instanceof GoInt ||
    value instanceof GoComplex
  )
}

/** The entry, or `undefined` when there is none; only own properties of a claims object count. */
export function entryOf(map: GoMap | PlainMap, key: string): Value {
  if (map instanceof GoMap) return map.entries.get(key)
  return Object.hasOwn(map, key) ? ((map as PlainMap)[key] ?? null) : undefined
}

export function hasEntry(map: GoMap | PlainMap, key: string): boolean {
  return map instanceof GoMap ? map.entries.has(key) : Object.hasOwn(map, key)
}

export function mapSize(map: GoMap | PlainMap): number {
  return map instanceof GoMap ? map.entries.size : Object.keys(map).length
}

export function keysOf(map: GoMap | PlainMap): string[] {
  return map instanceof GoMap ? [...map.entries.keys()] : Object.keys(map)
}

/** Keys in the order in which Go prints and ranges. */
export function sortedKeys(map: GoMap | PlainMap): string[] {
  return keysOf(map).sort(compareBytes)
}

/** What Go gives for a key that is not in the map: the zero value of the element type. */
export function missingEntry(map: GoMap | PlainMap): Value {
  return map instanceof GoMap ? zeroOf(map.type.elem) : null
}

export function zeroOf(type: string): Value {
  if (type === 'string') return ''
  if (type.startsWith('[]')) return new GoSlice(type.slice(2), [], true)
  return null
}

export function anyMap(entries: Iterable<readonly [string, Value]> = []): GoMap {
  return new GoMap(ANY_MAP, new Map(entries))
}

export function stringSlice(items: readonly string[]): GoSlice {
  return new GoSlice('string', items)
}
