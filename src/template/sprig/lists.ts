import { compareBytes } from '../../lib/go-string.ts'
import { itemsOf, stringSlice } from '../values/collection.ts'
import { deepEqual } from '../values/deep-equal.ts'
import { costly, fn, type GoFunc, variadic } from '../values/func.ts'
import { checkItemCount } from '../values/limits.ts'
import { nodeCount } from '../values/node-count.ts'
import { ANY, INT } from '../values/param.ts'
import { kindOf } from '../values/types.ts'
import { GoSlice, type Value } from '../values/value.ts'
import { toInt64 } from './cast.ts'
import { isEmpty } from './empty.ts'
import { strslice, strval } from './strval.ts'

/** A result that Go gives as a slice that was never made. */
const NIL_LIST = new GoSlice('interface {}', [], true)

const append = fn([ANY, ANY], (list, value) => made([...itemsFor('push on', list), value]))
const prepend = fn([ANY, ANY], (list, value) => made([value, ...itemsFor('prepend on', list)]))
const chunk = fn([INT, ANY], chunked)
const compact = fn([ANY], (list) => itemsFor('compact on', list).filter((item) => !isEmpty(item)))
const first = fn([ANY], (list) => itemsFor('find first on', list)[0] ?? null)
const has = costly(
  fn([ANY, ANY], (needle, list) => list !== null && contains(itemsFor('find has on', list), needle)),
  ([, list]) => nodeCount(list),
)
const initial = fn([ANY], (list) => withoutOne(itemsFor('find initial on', list), 0, -1))
const last = fn([ANY], (list) => itemsFor('find last on', list).at(-1) ?? null)
const rest = fn([ANY], (list) => withoutOne(itemsFor('find rest on', list), 1))
const reverse = fn([ANY], (list) => itemsFor('find reverse on', list).toReversed())
const slice = variadic([ANY], ANY, sliced)
const uniq = costly(fn([ANY], unique), ([list]) => nodeCount(list) * (itemsOf(list)?.length ?? 0))
const without = costly(
  variadic([ANY], ANY, (list, omitted) => itemsFor('find without on', list).filter((item) => !contains(omitted, item))),
  (args) => nodeCount(args[0]) * args.length,
)
const list = variadic([], ANY, (values) => made(values))

/** Functions on lists. None changes a list; where Go shares elements so do we. */
export const LISTS: Readonly<Record<string, GoFunc>> = {
  append,
  chunk,
  compact,
  concat: variadic([], ANY, concat),
  first,
  has,
  initial,
  last,
  list,
  mustAppend: append,
  mustChunk: chunk,
  mustCompact: compact,
  mustFirst: first,
  mustHas: has,
  mustInitial: initial,
  mustLast: last,
  mustPrepend: prepend,
  mustPush: append,
  mustRest: rest,
  mustReverse: reverse,
  mustSlice: slice,
  mustUniq: uniq,
  mustWithout: without,
  prepend,
  push: append,
  rest,
  reverse,
  slice,
  sortAlpha: costly(
    fn([ANY], (value) =>
      itemsOf(value) === undefined ? stringSlice([strval(value)]) : stringSlice(strslice(value).sort(compareBytes)),
    ),
    ([value]) => (itemsOf(value)?.length ?? 0) << 2,
  ),
  tuple: list,
  uniq,
  without,
}

/** @param doing for the message when the value is no list */
function itemsFor(doing: string, value: Value): readonly Value[] {
  if (value === null) throw new Error('runtime error: invalid memory address or nil pointer dereference')
  const items = itemsOf(value)
  if (items === undefined) throw new Error(`Cannot ${doing} type ${kindOf(value)}`)
  return items
}

function made(items: readonly Value[]): readonly Value[] {
  checkItemCount(items.length)
  return items
}

function withoutOne(items: readonly Value[], from: number, to?: number): Value {
  return items.length === 0 ? NIL_LIST : items.slice(from, to)
}

function contains(items: readonly Value[], needle: Value): boolean {
  return items.some((item) => deepEqual(needle, item))
}

function unique(value: Value): Value {
  const kept: Value[] = []
  for (const item of itemsFor('find uniq on', value)) if (!contains(kept, item)) kept.push(item)
  return kept
}

function sliced(value: Value, [from, to]: readonly Value[]): Value {
  if (value !== null && itemsOf(value) === undefined) {
    throw new Error(`list should be type of slice or array but ${kindOf(value)}`)
  }
  const items = itemsFor('slice', value)
  if (items.length === 0) return null
  const start = from === undefined ? 0 : Number(toInt64(from))
  const end = to === undefined ? items.length : Number(toInt64(to))
  if (start < 0 || end > items.length || start > end) throw new Error('reflect.Value.Slice: slice index out of bounds')
  const taken = items.slice(start, end)
  return value instanceof GoSlice ? new GoSlice(value.elem, taken) : taken
}

function concat(lists: readonly Value[]): Value {
  const all: Value[] = []
  for (const value of lists) {
    if (value !== null && itemsOf(value) === undefined) throw new Error(`Cannot concat type ${kindOf(value)} as list`)
    const items = itemsFor('concat', value)
    checkItemCount(all.length + items.length)
    for (const item of items) all.push(item)
  }
  return all.length === 0 ? NIL_LIST : all
}

function chunked(size: bigint, value: Value): Value {
  if (value !== null && itemsOf(value) === undefined) throw new Error(`Cannot chunk type ${kindOf(value)}`)
  const items = itemsFor('chunk', value)
  const length = Number(size)
  const count = Math.floor((items.length - 1) / length) + 1
  const lastLength = items.length % length || length
  if (!Number.isFinite(count) || count < 0 || (count > 1 && length < 0) || (count === 1 && lastLength < 0)) {
    throw new Error('runtime error: makeslice: len out of range')
  }
  const chunks: Value[] = []
  for (let i = 0; i < count; i++)
    chunks.push(items.slice(i * length, i * length + (i < count - 1 ? length : lastLength)))
  return new GoSlice('[]interface {}', chunks)
}
