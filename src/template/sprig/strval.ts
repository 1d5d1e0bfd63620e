import { stringOf } from '../../lib/go-string.ts'
import { formatValue } from '../format/printer.ts'
import { itemsOf } from '../values/collection.ts'
import { checkTextLength } from '../values/limits.ts'
import { integerOf } from '../values/types.ts'
import { GoSlice, type Value } from '../values/value.ts'

/** A value as text, the way most Sprig functions take it. */
export function strval(value: Value): string {
  if (typeof value === 'string') return value
  if (value instanceof GoSlice && value.elem === 'uint8') {
    return stringOf(Uint8Array.from(value.items, (item) => Number(integerOf(item))))
  }
  return formatValue(value)
}

/** A value as a list of texts, without nils; what is no list is a list of itself. */
export function strslice(value: Value): string[] {
  const items = itemsOf(value)
  if (items === undefined) return value === null || value === undefined ? [] : [strval(value)]
  let length = 0
  const texts: string[] = []
  for (const item of items) {
    if (item === null || item === undefined) continue
    const text = strval(item)
    length += text.length
    checkTextLength(length)
    texts.push(text)
  }
  return texts
}
