import type { Lookup, Modifier } from './compile.ts'
import { isValidJson } from './multipath.ts'
import { prettify, PRETTY_DEFAULTS, readPrettyOptions, uglify } from './pretty.ts'
import { trimBlanks } from './scan.ts'
import { quoteString } from './strings.ts'
import { entriesOf, exists, isList, isObject, isTruthy, parseValue, stringOf, textOf, type Value } from './value.ts'

/** What stands behind `@` in a path. */
export const MODIFIERS: ReadonlyMap<string, Modifier> = new Map<string, Modifier>([
  ['pretty', pretty],
  ['ugly', uglify],
  ['reverse', reverse],
  ['this', (json) => json],
  ['flatten', (json, argument) => flatten(json, flagOf(argument, 'deep') ? MAX_DEPTH : 0)],
  ['join', (json, argument) => join(json, flagOf(argument, 'preserve'))],
  ['valid', (json) => (isValidJson(json) ? json : '')],
  ['keys', keys],
  ['values', values],
  ['tostr', quoteString],
  ['fromstr', (json) => (isValidJson(json) ? textOf(parseValue(json)) : '')],
  ['group', group],
  ['dig', (json, argument, compile) => `[${dig(parseValue(json), compile(argument)).join(',')}]`],
])

function flagOf(argument: string, name: string): boolean {
  if (argument === '') return false
  let flag = false
  for (const { key, value } of entriesOf(parseValue(argument))) {
    if (key !== undefined && stringOf(key) === name) flag = isTruthy(value)
  }
  return flag
}

/** What is no JSON stays as it is, and is refused by whoever decodes it. */
function pretty(json: string, argument: string): string {
  if (!isValidJson(json)) return json
  return prettify(json, argument === '' ? PRETTY_DEFAULTS : readPrettyOptions(parseValue(argument)))
}

function reverse(json: string): string {
  const value = parseValue(json)
  if (!isList(value) && !isObject(value)) return json
  const members = entriesOf(value)
    .toReversed()
    .map(({ key, value: { raw } }) => (key === undefined ? raw : `${key.raw}:${raw}`))
  return isList(value) ? `[${members.join(',')}]` : `{${members.join(',')}}`
}

/** How deep `@dig` and a deep `@flatten` go: nobody's claims are nested like that. */
const MAX_DEPTH = 64

function flatten(json: string, depth: number): string {
  const list = parseValue(json)
  if (!isList(list)) return json
  const items = entriesOf(list).map(({ value }) => {
    if (!isList(value)) return trimBlanks(value.raw)
    return trimBlanks(unwrap(depth > 0 ? flatten(value.raw, depth - 1) : value.raw))
  })
  return `[${items.filter((item) => item !== '').join(',')}]`
}

function unwrap(json: string): string {
  const trimmed = trimBlanks(json)
  return /^[[{]/.test(trimmed) && trimmed.length > 1 ? trimmed.slice(1, -1) : trimmed
}

function join(json: string, preserve: boolean): string {
  const list = parseValue(json)
  if (!isList(list)) return json
  const objects = entriesOf(list)
    .map(({ value }) => value)
    .filter(isObject)
  if (preserve) return `{${objects.map(({ raw }) => unwrap(raw)).join(',')}}`
  const members = new Map<string, { readonly key: string; readonly value: string }>()
  for (const { key, value } of objects.flatMap(entriesOf)) {
    if (key === undefined) continue
    const name = stringOf(key)
    members.set(name, { key: members.get(name)?.key ?? key.raw, value: value.raw })
  }
  return `{${Array.from(members.values(), ({ key, value }) => `${key}:${value}`).join(',')}}`
}

function keys(json: string): string {
  const names = entriesOf(parseValue(json)).map(({ key }) => key?.raw ?? 'null')
  return `[${names.join(',')}]`
}

function values(json: string): string {
  const value = parseValue(json)
  return isList(value)
    ? json
    : `[${entriesOf(value)
        .map((entry) => entry.value.raw)
        .join(',')}]`
}

/** `{"a":[1,2],"b":[3]}` as `[{"a":1,"b":3},{"a":2}]`. */
function group(json: string): string {
  const object = parseValue(json)
  if (!isObject(object)) return ''
  const groups: string[][] = []
  for (const { key, value } of entriesOf(object)) {
    if (!isList(value)) continue
    for (const [index, item] of entriesOf(value).entries())
      (groups[index] ??= []).push(`${key?.raw ?? ''}:${item.value.raw}`)
  }
  return `[${groups.map((members) => `{${members.join(',')}}`).join(',')}]`
}

/** What a path finds in a value and in everything inside it. */
function dig(value: Value, lookup: Lookup, depth: number = MAX_DEPTH): string[] {
  const found = lookup(value.raw)
  const canDescend = depth > 0 && (isList(value) || isObject(value))
  const inside = canDescend ? entriesOf(value).flatMap((entry) => dig(entry.value, lookup, depth - 1)) : []
  return exists(found) ? [found.raw, ...inside] : inside
}
