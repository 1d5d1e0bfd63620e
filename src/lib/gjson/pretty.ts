import { endOfString, isBlank, QUOTE } from './scan.ts'
import {
  type Entry,
  entriesOf,
  isList,
  isObject,
  isTruthy,
  nextValue,
  numberOf,
  stringOf,
  textOf,
  type Value,
} from './value.ts'

export interface PrettyOptions {
  /** Lists that fit are written on one line of at most this many bytes; 0 or less: none is. */
  readonly width: number
  readonly prefix: string
  readonly indent: string
  readonly sortKeys: boolean
}

export const PRETTY_DEFAULTS: PrettyOptions = { width: 80, prefix: '', indent: '  ', sortKeys: false }

/** JSON without the blanks between its tokens. */
export function uglify(json: string): string {
  let out = ''
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (isBlank(code)) continue
    const end = code === QUOTE ? endOfString(json, at + 1) : at + 1
    out += json.slice(at, end === -1 ? undefined : end)
    if (end === -1) break
    at = end - 1
  }
  return out
}

/** The first value of a JSON text, with each member of an object on a line of its own. */
export function prettify(json: string, options: PrettyOptions): string {
  const first = nextValue(json, 0)
  const printed = first === undefined ? '' : print(first.value, { ...options, depth: 0, column: options.prefix.length })
  const text = options.prefix + printed
  return text === '' ? '' : `${text}\n`
}

interface Place extends PrettyOptions {
  readonly depth: number
  /** How much of the line is taken already; the line break before it counts where it was not written over a blank. */
  readonly column: number
}

function print(value: Value, place: Place): string {
  if (isObject(value)) return printObject(value, place)
  if (isList(value)) return printList(value, place)
  return printScalar(value)
}

function printScalar({ kind, raw }: Value): string {
  return kind === 'string' || kind === 'number' ? raw : kind
}

function printObject(value: Value, place: Place): string {
  const margin = marginOf(place, 1)
  const members = entriesOf(value).map((entry): Member => {
    const lead = `${margin}${entry.key?.raw ?? ''}: `
    const text = print(entry.value, { ...place, depth: place.depth + 1, column: 1 + lead.length })
    return { entry, text, line: lead + text }
  })
  if (place.sortKeys) members.sort(compareMembers)
  return enclose(
    '{',
    members.map(({ line }) => line),
    '}',
    place,
  )
}

function printList(value: Value, place: Place): string {
  const room = place.width > 0 ? place.width - place.column : 0
  const inline = room > 3 ? printInline(value) : undefined
  if (inline !== undefined && inline.length <= room) return inline
  const margin = marginOf(place, 1)
  const lines = entriesOf(value).map((entry, index) => {
    const column = margin.length + (index === 0 ? 1 : 0)
    return margin + print(entry.value, { ...place, depth: place.depth + 1, column })
  })
  return enclose('[', lines, ']', place)
}

/** A list on one line; nothing when there is an object in it. */
function printInline(value: Value): string | undefined {
  if (isObject(value)) return undefined
  if (!isList(value)) return printScalar(value)
  const items = entriesOf(value).map((entry) => printInline(entry.value))
  return items.includes(undefined) ? undefined : `[${items.join(', ')}]`
}

function enclose(open: string, lines: readonly string[], close: string, place: Place): string {
  return lines.length === 0 ? open + close : `${open}\n${lines.join(',\n')}\n${marginOf(place, 0)}${close}`
}

function marginOf({ prefix, indent, depth }: Place, deeper: number): string {
  return prefix + indent.repeat(depth + deeper)
}

interface Member {
  readonly entry: Entry
  readonly text: string
  readonly line: string
}

const ORDER: Readonly<Record<Value['kind'], number>> = { null: 0, false: 1, number: 2, string: 3, true: 4, block: 5 }

/** By key; where a key comes twice, by value. */
function compareMembers(a: Member, b: Member): number {
  const byKey = compare(stringOf(a.entry.key ?? a.entry.value), stringOf(b.entry.key ?? b.entry.value))
  return byKey === 0 ? compareValues(a, b) : byKey
}

function compareValues(a: Member, b: Member): number {
  const [left, right] = [a.entry.value, b.entry.value]
  if (left.kind !== right.kind) return ORDER[left.kind] - ORDER[right.kind]
  if (left.kind === 'number') return compare(numberOf(left), numberOf(right))
  return left.kind === 'string' ? compare(stringOf(left), stringOf(right)) : compare(a.text, b.text)
}

function compare<T extends string | number>(left: T, right: T): number {
  return left < right ? -1 : left > right ? 1 : 0
}

/** Options that an argument gives as an object, over the defaults. */
export function readPrettyOptions(argument: Value): PrettyOptions {
  const options = { ...PRETTY_DEFAULTS }
  for (const { key, value } of entriesOf(argument)) {
    const name = key === undefined ? '' : stringOf(key)
    if (name === 'sortKeys') options.sortKeys = isTruthy(value)
    else if (name === 'indent') options.indent = blanksOf(textOf(value))
    else if (name === 'prefix') options.prefix = blanksOf(textOf(value))
    else if (name === 'width') options.width = integerOf(value)
  }
  return options
}

function blanksOf(text: string): string {
  return text.replace(/[^ \t\n\r]/g, '')
}

function integerOf(value: Value): number {
  if (value.kind === 'number') return Math.trunc(numberOf(value)) || 0
  if (value.kind === 'true') return 1
  return value.kind === 'string' && /^-?\d+$/.test(stringOf(value)) ? Number(stringOf(value)) : 0
}
