import { isPlainObject, type PlainObject, setOwn } from '../lib/deep-merge.ts'
import type { KeyPath } from '../lib/document.ts'
import type { SchemaNode } from './json-schema.ts'

/** A key of the schema that a variable can set. `#` stands for any index of a list. */
interface SettableKey {
  readonly path: readonly string[]
  readonly node: SchemaNode
}

/** What one variable says. */
export interface Override {
  readonly variable: string
  readonly path: KeyPath
  readonly value: unknown
}

/** What is wrong, or odd, with one variable. */
export interface VariableProblem {
  readonly variable: string
  readonly path: KeyPath
  readonly message: string
}

export interface Overrides {
  /** Whole sections first, so that a variable for one of their keys has the last word. */
  readonly overrides: readonly Override[]
  readonly problems: readonly VariableProblem[]
  readonly warnings: readonly VariableProblem[]
}

/** Oathkeeper takes names without prefix only; this one keeps clear of other programs' variables. It goes before the plain name. */
export const ENV_PREFIX = 'OATHKEEPER_'

const ITEM = '#'

/** Sections that Oathkeeper does not have: a `LOGIN` or `SESSION` that another program set must not stop what used to start. */
const OWN_SECTIONS = new Set(['LOGIN', 'SESSION', 'SESSION_STORE'])

/** The name of each key's variable, without prefix: its path in capitals, `.` and `_` both `_`. */
export function environmentNames(schema: SchemaNode): Map<string, SettableKey> {
  const names = new Map<string, SettableKey>()
  collect(schema, [])
  return names

  function collect(node: SchemaNode, path: readonly string[]): void {
    if (path.length > 0) names.set(path.join('_').toUpperCase(), { path, node })
    for (const [key, child] of Object.entries(node.properties ?? {})) collect(child, [...path, key])
    const items = node.items ?? node.anyOf?.find((option) => option.items !== undefined)?.items
    if (items !== undefined) collect(items, [...path, ITEM])
  }
}

/** Reads from the environment what it says about keys of the schema, in the types that the schema wants. */
export function readOverrides(schema: SchemaNode, env: Readonly<Record<string, string | undefined>>): Overrides {
  const names = environmentNames(schema)
  const found = new Map<string, Override>()
  const problems: VariableProblem[] = []
  const warnings: VariableProblem[] = []
  // The plain names first: the prefixed ones go before them.
  const variables = Object.keys(env).sort((a, b) => Number(a.startsWith(ENV_PREFIX)) - Number(b.startsWith(ENV_PREFIX)))
  for (const variable of variables) {
    const text = env[variable]
    const isPrefixed = variable.startsWith(ENV_PREFIX)
    const name = isPrefixed ? variable.slice(ENV_PREFIX.length) : variable
    const key = findKey(names, name)
    if (text === undefined || key === undefined) continue
    if (!isPrefixed && OWN_SECTIONS.has(name) && !text.trimStart().startsWith('{')) continue
    const cast = castText(text, key.node)
    if (cast.problem !== undefined) problems.push({ variable, path: key.path, message: cast.problem })
    if (cast.warning !== undefined) warnings.push({ variable, path: key.path, message: cast.warning })
    if (cast.problem === undefined) found.set(name, { variable, path: key.path, value: cast.value })
  }
  const overrides = [...found.values()].sort((a, b) => compare(a.path, b.path))
  return { overrides, problems, warnings }
}

/** The document with `value` at `path`; nothing when the path names an item behind the end of its list. */
export function setAt(document: PlainObject, path: KeyPath, value: unknown): PlainObject | undefined {
  const result = setIn(document, path, value)
  return isPlainObject(result) ? result : undefined
}

function setIn(target: unknown, path: KeyPath, value: unknown): unknown {
  const [step, ...rest] = path
  if (step === undefined) return value
  if (typeof step === 'number') {
    const list = Array.isArray(target) ? [...(target as unknown[])] : []
    if (step > list.length) return undefined
    const item = setIn(list[step], rest, value)
    if (item === undefined) return undefined
    list[step] = item
    return list
  }
  const out: PlainObject = { ...(isPlainObject(target) ? target : {}) }
  const child = setIn(out[step], rest, value)
  if (child === undefined) return undefined
  setOwn(out, step, child)
  return out
}

/** `LOGIN_PROVIDERS_0_CLIENT_ID` is `LOGIN_PROVIDERS_#_CLIENT_ID` with an index. */
function findKey(
  names: ReadonlyMap<string, SettableKey>,
  name: string,
): { path: KeyPath; node: SchemaNode } | undefined {
  const exact = names.get(name)
  if (exact !== undefined && !exact.path.includes(ITEM)) return exact
  const indexes = [...name.matchAll(/(?<=_)\d+(?=_|$)/g)].map(([digits]) => Number(digits))
  if (indexes.length === 0) return undefined
  const key = names.get(name.replace(/(?<=_)\d+(?=_|$)/g, ITEM))
  if (key === undefined) return undefined
  let next = 0
  return { node: key.node, path: key.path.map((step) => (step === ITEM ? (indexes[next++] as number) : step)) }
}

/** In the order of the keys, items by their number, a section before its keys. */
function compare(a: KeyPath, b: KeyPath): number {
  for (const [index, step] of a.entries()) {
    const other = b[index]
    if (other === undefined) return 1
    if (step === other) continue
    if (typeof step === 'number' && typeof other === 'number') return step - other
    return String(step) < String(other) ? -1 : 1
  }
  return a.length - b.length
}

interface Cast {
  readonly value?: unknown
  readonly problem?: string
  readonly warning?: string
}

const GO_TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const GO_FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

function castText(text: string, node: SchemaNode): Cast {
  const list = node.items === undefined ? node.anyOf?.find((option) => option.items !== undefined) : node
  switch (node.type) {
    case 'boolean':
      if (GO_TRUE.has(text) || GO_FALSE.has(text)) return { value: GO_TRUE.has(text) }
      // As Oathkeeper: what is not true is false. Told, because it is rarely meant.
      return { value: false, warning: 'is neither true nor false and counts as false' }
    case 'integer':
    case 'number':
      return { value: /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text }
    case 'object':
      return castJson(text, 'an object', isPlainObject)
    case 'string':
      return { value: text }
    default:
      if (list !== undefined) return castList(text, node, list)
      return node.anyOf === undefined && text.trimStart().startsWith('{')
        ? castJson(text, 'an object', isPlainObject)
        : { value: text }
  }
}

/** JSON, or texts with commas between them. Where the schema takes one text as well, a text without comma is that. */
function castList(text: string, node: SchemaNode, list: SchemaNode): Cast {
  if (text.trimStart().startsWith('[')) return castJson(text, 'a list', Array.isArray)
  if (node.items === undefined && !text.includes(',')) return { value: text }
  if (text.trim() === '') return { value: [] }
  const items = text.split(',').map((item) => castText(item.trim(), list.items ?? {}))
  const problem = items.find((item) => item.problem !== undefined)?.problem
  return problem === undefined ? { value: items.map(({ value }) => value) } : { problem }
}

function castJson(text: string, what: string, isWanted: (value: unknown) => boolean): Cast {
  try {
    const value: unknown = JSON.parse(text)
    if (isWanted(value)) return { value }
  } catch {
    // Its message would quote the text.
  }
  return { problem: `must be ${what} in JSON` }
}
