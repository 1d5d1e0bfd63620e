import { byteLength, bytesOf, byteSlice } from '../../lib/go-string.ts'
import { formatValue } from '../format/printer.ts'
import { entryOf, isMap, itemsOf, mapSize, missingEntry } from '../values/collection.ts'
import { fn, type GoFunc, variadic } from '../values/func.ts'
import { ANY, INT, REFLECTED } from '../values/param.ts'
import { integerOf, typeName } from '../values/types.ts'
import { GoInt, GoSlice, GoStruct, UINT8, type Value } from '../values/value.ts'

/** Functions that take lists, maps and texts apart, with Oathkeeper's own `print` and `printIndex`. */
export const ACCESS: Readonly<Record<string, GoFunc>> = {
  index: variadic([REFLECTED], REFLECTED, (item, indexes) => {
    if (item === undefined || item === null) throw new Error('index of untyped nil')
    return indexes.reduce(indexOnce, item)
  }),
  slice: variadic([REFLECTED], REFLECTED, sliceOf),
  len: fn([REFLECTED], (item) => BigInt(lengthOf(item))),
  print: fn([ANY], (value) => (value === null ? '' : formatValue(value))),
  printIndex: fn([ANY, INT], printIndex),
}

function indexOnce(item: Value, index: Value): Value {
  if (item === null || item === undefined) throw new Error('index of nil pointer')
  if (typeof item === 'string') {
    const bytes = bytesOf(item)
    const byte = bytes[indexArgument(index, bytes.length)]
    return byte === undefined ? outOfRange('string', bytes.length) : new GoInt(BigInt(byte), UINT8)
  }
  const items = itemsOf(item)
  if (items !== undefined) {
    const at = indexArgument(index, items.length)
    return at === items.length ? outOfRange('slice', at) : (items[at] ?? null)
  }
  if (!isMap(item)) throw new Error(`can't index item of type ${typeName(item)}`)
  if (index === undefined || index === null) throw new Error('value is nil; should be of type string')
  if (typeof index !== 'string') throw new Error(`value has type ${typeName(index)}; should be string`)
  const value = entryOf(item, index)
  return value === undefined ? missingEntry(item) : value
}

function outOfRange(kind: string, _at: number): never {
  throw new Error(`reflect: ${kind} index out of range`)
}

function indexArgument(index: Value, limit: number): number {
  if (index === undefined || index === null) throw new Error('cannot index slice/array with nil')
  const value = integerOf(index)
  if (value === undefined) throw new Error(`cannot index slice/array with type ${typeName(index)}`)
  if (value < 0n || value > BigInt(limit)) throw new Error(`index out of range: ${value}`)
  return Number(value)
}

function sliceOf(item: Value, indexes: readonly Value[]): Value {
  if (item === undefined || item === null) throw new Error('slice of untyped nil')
  if (indexes.length > 3) throw new Error(`too many slice indexes: ${indexes.length}`)
  const items = itemsOf(item)
  if (typeof item !== 'string' && items === undefined) throw new Error(`can't slice item of type ${typeName(item)}`)
  if (typeof item === 'string' && indexes.length === 3) throw new Error('cannot 3-index slice a string')
  const length = typeof item === 'string' ? byteLength(item) : (items ?? []).length
  const [from = 0, to = length, max] = indexes.map((index) => indexArgument(index, length))
  if (from > to) throw new Error(`invalid slice index: ${from} > ${to}`)
  if (max !== undefined && to > max) throw new Error(`invalid slice index: ${to} > ${max}`)
  if (typeof item === 'string') return byteSlice(item, from, to)
  const taken = (items ?? []).slice(from, to)
  return item instanceof GoSlice ? new GoSlice(item.elem, taken, item.isNil) : taken
}

function lengthOf(item: Value): number {
  if (item === undefined || item === null) throw new Error('len of nil pointer')
  if (typeof item === 'string') return byteLength(item)
  const items = itemsOf(item)
  if (items !== undefined) return items.length
  if (isMap(item)) return mapSize(item)
  if (item instanceof GoStruct && item.self === null) throw new Error('len of nil pointer')
  throw new Error(`len of type ${typeName(item)}`)
}

function printIndex(list: Value, at: bigint): string {
  const items = itemsOf(list)
  if (items === undefined || at >= BigInt(items.length)) return ''
  if (at < 0n) throw new Error('reflect: slice index out of range')
  const item = items[Number(at)]
  return item === null || item === undefined ? '<nil>' : formatValue(item)
}
