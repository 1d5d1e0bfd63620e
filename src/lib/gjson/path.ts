import { leadingBlock, trimBlanks } from './scan.ts'
import { unescapeString } from './strings.ts'

/** The first part of a path, and what follows it: a path below it or a pipe, which starts anew with what was found. */
interface Head {
  readonly part: string
  /** After a dot. */
  readonly rest?: string
  /** After `|`, or after a dot before a modifier or a multipath. */
  readonly pipe?: string
}

/** The first part of a path as a key of an object. */
export interface KeyHead extends Head {
  /** `*` and `?` in it are wildcards. */
  readonly isWild: boolean
}

/** `#(…)`: which items of a list are meant. */
export interface Query {
  readonly path: string
  /** Empty: the path only has to be there. */
  readonly operator: string
  readonly operand: string
  /** `#(…)#`: all of them, not only the first. */
  readonly all: boolean
}

/** The first part of a path as the index of a list, `#`, or a query. */
export interface ItemHead extends Head {
  readonly hasHash: boolean
  /** After `#.`: a path into each item. */
  readonly each?: string
  readonly query?: Query
}

/** Splits off the first part of a path that goes into an object. A backslash takes the character behind it as it is. */
export function splitKey(path: string, isModifier: (name: string) => boolean): KeyHead {
  let part = ''
  let isWild = false
  for (let at = 0; at < path.length; at++) {
    const char = path[at] as string
    if (char === '|') return { part, isWild, pipe: path.slice(at + 1) }
    if (char === '.') return { part, isWild, ...below(path, at, isModifier) }
    if (char === '\\') {
      part += path[++at] ?? ''
      continue
    }
    if (char === '*' || char === '?') isWild = true
    part += char
  }
  return { part, isWild }
}

/** Splits off the first part of a path that goes into a list. */
export function splitItem(path: string, isModifier: (name: string) => boolean): ItemHead {
  let hasHash = false
  let query: Query | undefined
  for (let at = 0; at < path.length; at++) {
    const char = path[at]
    if (char === '|') return { part: path.slice(0, at), hasHash, ...asQuery(query), pipe: path.slice(at + 1) }
    if (char === '.') {
      const part = path.slice(0, at)
      if (!hasHash) return { part, hasHash, ...below(path, at, isModifier) }
      const rest = path.slice(at + 1)
      return { part, hasHash, ...asQuery(query), rest, ...(at === 1 && { each: rest }) }
    }
    if (char !== '#') continue
    hasHash = true
    if (at > 0 || (path[1] !== '(' && path[1] !== '[')) continue
    const parsed = parseQuery(path)
    if (parsed === undefined) {
      // As in gjson: a query whose bracket is not closed asks for any item.
      query = { path: '', operator: '', operand: '', all: false }
      break
    }
    at = parsed.end - 1
    query = { ...parsed.query, all: path[parsed.end] === '#' }
  }
  return { part: path, hasHash, ...asQuery(query) }
}

function asQuery(query: Query | undefined): { readonly query?: Query } {
  return query === undefined ? {} : { query }
}

function below(path: string, dot: number, isModifier: (name: string) => boolean): Pick<Head, 'rest' | 'pipe'> {
  const rest = path.slice(dot + 1)
  return beginsAnew(rest, isModifier) ? { pipe: rest } : { rest }
}

function beginsAnew(rest: string, isModifier: (name: string) => boolean): boolean {
  if (rest.startsWith('[') || rest.startsWith('{')) return true
  return rest.startsWith('@') && isModifier(/^@([^.|:]*)/.exec(rest)?.[1] ?? '')
}

const OPERATORS = ['!=', '!%', '<=', '>=', '<', '>', '=', '%'] as const

/** Reads `#(path operator value)`; nothing when its bracket is not closed. `end` is behind it. */
function parseQuery(text: string): { readonly query: Omit<Query, 'all'>; readonly end: number } | undefined {
  let depth = 1
  let operatorAt = 0
  let hasEscape = false
  let at = 2
  for (; at < text.length; at++) {
    const char = text[at] as string
    if (depth === 1 && operatorAt === 0 && '!=<>%'.includes(char)) operatorAt = at
    else if (char === '\\') at++
    else if (char === '[' || char === '(') depth++
    else if (char === ']' || char === ')') {
      if (--depth === 0) break
    } else if (char === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) {
        if (text[at] !== '\\') continue
        hasEscape = true
        at++
      }
    }
  }
  if (depth > 0) return undefined
  const end = at + 1
  if (operatorAt === 0) return { query: { path: trimBlanks(text.slice(2, at)), operator: '', operand: '' }, end }
  const condition = trimBlanks(text.slice(operatorAt, at))
  const path = trimBlanks(text.slice(2, operatorAt))
  return { query: { path, ...splitCondition(condition, hasEscape) }, end }
}

function splitCondition(condition: string, hasEscape: boolean): Pick<Query, 'operator' | 'operand'> {
  if (condition.length === 1) return { operator: condition, operand: '' }
  const text = condition.startsWith('==') ? condition.slice(1) : condition
  const operator = OPERATORS.find((known) => text.startsWith(known)) ?? ''
  const operand = trimBlanks(text.slice(operator.length))
  return { operator, operand: unquote(operand, hasEscape) }
}

function unquote(operand: string, hasEscape: boolean): string {
  if (operand.length < 2 || !operand.startsWith('"') || !operand.endsWith('"')) return operand
  const inner = operand.slice(1, -1)
  return hasEscape ? unescapeString(inner) : inner
}

/** Splits a path at the first pipe that is not inside a query, a multipath or escaped; nothing without one. */
export function splitAtPipe(path: string): readonly [left: string, right: string] | undefined {
  if (!path.includes('|')) return undefined
  if (path.startsWith('{')) return splitMultipathAtPipe(path)
  for (let at = 0; at < path.length; at++) {
    const char = path[at]
    if (char === '|') return [path.slice(0, at), path.slice(at + 1)]
    if (char === '\\') at++
    if (char !== '.') continue
    if (at === path.length - 1) return undefined
    if (path[at + 1] !== '#') continue
    at += 2
    if (at === path.length) return undefined
    if (path[at] === '[' || path[at] === '(') at = endOfSelector(path, at)
  }
  return undefined
}

/** As gjson does it, which takes what stands behind the brace for the whole multipath. */
function splitMultipathAtPipe(path: string): readonly [left: string, right: string] | undefined {
  const length = leadingBlock(path.slice(1)).length + 1
  if (length >= path.length || path[length] !== '|') return undefined
  return [path.slice(0, length), path.slice(length + 1)]
}

/** The closing bracket of a query; other brackets than its own are not counted. */
function endOfSelector(path: string, from: number): number {
  const open = path[from]
  const close = open === '[' ? ']' : ')'
  let depth = 1
  let at = from + 1
  for (; at < path.length; at++) {
    const char = path[at]
    if (char === '\\') at++
    else if (char === open) depth++
    else if (char === close) {
      if (--depth === 0) break
    } else if (char === '"') {
      for (at++; at < path.length && path[at] !== '"'; at++) if (path[at] === '\\') at++
    }
  }
  return at
}
