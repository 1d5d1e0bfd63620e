import type { ItemStep, KeyStep, Lookup, QueryStep, Step } from './compile.ts'
import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  endOfBlock,
  endOfLiteral,
  endOfNumber,
  endOfString,
  numberOrWordAt,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from './scan.ts'
import { unescapeString } from './strings.ts'
import { exists, MISSING, nextValue, type Value, wordValue } from './value.ts'
import { matchesWildcard } from './wildcard.ts'

/** Where a search is, and what it has found. */
interface Search {
  readonly text: string
  at: number
  found: Value
  pipe: Lookup | undefined
}

/** Follows a path from the first object or list of a document. */
export function search(document: string, step: Step): Value {
  const at = document.search(/[{[]/)
  if (at === -1) return finish({ text: document, at: 0, found: MISSING, pipe: undefined })
  const state: Search = { text: document, at: at + 1, found: MISSING, pipe: undefined }
  if (document.charCodeAt(at) === OPEN_BRACE) searchObject(state, step.key)
  else searchList(state, step.item)
  return finish(state)
}

/** Takes each line of a document for an item of a list. */
export function searchLines(document: string, step: ItemStep): Value {
  const state: Search = { text: document, at: 0, found: MISSING, pipe: undefined }
  searchList(state, step)
  return finish(state)
}

function finish({ found, pipe }: Search): Value {
  return pipe === undefined ? found : pipe(found.raw)
}

/** Goes through the members of an object from behind its brace; true when the search is over. */
function searchObject(state: Search, step: KeyStep): boolean {
  const { text } = state
  if (step.next === undefined && step.pipe !== undefined) state.pipe = step.pipe
  while (state.at < text.length) {
    const key = readKey(state)
    if (key === undefined) return false
    const isMatch = step.isWild ? matchesWildcard(key, step.part) : key === step.part
    if (searchMember(state, step, isMatch)) return true
  }
  return false
}

/** The next key; nothing when the object ends before it. */
function readKey(state: Search): string | undefined {
  const { text } = state
  for (; state.at < text.length; state.at++) {
    const code = text.charCodeAt(state.at)
    if (code === CLOSE_BRACE) {
      state.at++
      return undefined
    }
    if (code !== QUOTE) continue
    const start = state.at + 1
    const end = endOfString(text, start)
    state.at = end === -1 ? text.length : end
    if (end === -1) return undefined
    const key = text.slice(start, end - 1)
    return key.includes('\\') ? unescapeString(key) : key
  }
  return undefined
}

function searchMember(state: Search, step: KeyStep, isMatch: boolean): boolean {
  const { text } = state
  const isHit = isMatch && step.next === undefined
  for (; state.at < text.length; state.at++) {
    const code = text.charCodeAt(state.at)
    if (isMatch && step.next !== undefined && (code === OPEN_BRACE || code === OPEN_BRACKET)) {
      return descend(state, step.next, code)
    }
    const value = readValue(state, code)
    if (value === undefined) continue
    if (value === 'broken') {
      state.at = text.length
      return false
    }
    if (isHit) state.found = value
    return isHit
  }
  return false
}

function descend(state: Search, next: Step, code: number): boolean {
  state.at++
  return code === OPEN_BRACE ? searchObject(state, next.key) : searchList(state, next.item)
}

/** Reads the value that begins at the place of the search and goes behind it; nothing when none begins there. */
function readValue(state: Search, code: number): Value | 'broken' | undefined {
  const { text, at } = state
  if (code === QUOTE) {
    const end = endOfString(text, at + 1)
    if (end === -1) return 'broken'
    state.at = end
    return { kind: 'string', raw: text.slice(at, end) }
  }
  if (code === OPEN_BRACE || code === OPEN_BRACKET) {
    state.at = endOfBlock(text, at)
    return { kind: 'block', raw: text.slice(at, state.at) }
  }
  const kind = numberOrWordAt(text, at)
  if (kind === undefined) return undefined
  state.at = kind === 'number' ? endOfNumber(text, at) : endOfLiteral(text, at)
  const raw = text.slice(at, state.at)
  return kind === 'number' ? { kind, raw } : wordValue(raw)
}

/** Goes through the items of a list from behind its bracket; true when the search is over. The end of the text ends a list. */
function searchList(state: Search, step: ItemStep): boolean {
  const { text } = state
  if (step.pipe !== undefined) state.pipe = step.pipe
  const matches: string[] = []
  const starts: number[] = []
  while (state.at <= text.length) {
    const isMatch = starts.length === step.index
    starts.push(state.at)
    const code = toItem(state)
    if (code === CLOSE_BRACKET) {
      state.at++
      return closeList(state, step, starts, matches)
    }
    if (isMatch && step.next !== undefined && (code === OPEN_BRACE || code === OPEN_BRACKET)) {
      if (descend(state, step.next, code)) return true
      continue
    }
    const value = readValue(state, code)
    if (value === 'broken' || value === undefined) {
      state.at = text.length
      return false
    }
    if (step.query !== undefined) {
      if (askItem(state, step.query, value, matches)) return true
    } else if (isMatch && step.next === undefined) {
      state.found = value
      return true
    }
  }
  return false
}

/** Goes to where a value or the closing bracket is, and gives its first character. */
function toItem(state: Search): number {
  const { text } = state
  for (; state.at < text.length; state.at++) {
    const code = text.charCodeAt(state.at)
    const isValue = code === QUOTE || code === OPEN_BRACE || code === OPEN_BRACKET || code === CLOSE_BRACKET
    if (isValue || numberOrWordAt(text, state.at) !== undefined) return code
  }
  return CLOSE_BRACKET
}

/** Whether an item ends the search: it is the one that a query means. */
function askItem(state: Search, query: QueryStep, item: Value, matches: string[]): boolean {
  if (item.kind !== 'block' && !query.isOfItem) return false
  const asked = item.kind === 'block' ? query.lookup(item.raw) : item
  if (!query.condition(asked)) return false
  if (query.inside?.pipe !== undefined) state.pipe = query.inside.pipe
  const found = query.inside === undefined ? item : query.inside.lookup(item.raw)
  if (!query.all) {
    state.found = found
    return true
  }
  if (found.raw !== '') matches.push(found.raw)
  return false
}

function closeList(state: Search, step: ItemStep, starts: readonly number[], matches: readonly string[]): boolean {
  if (step.isCount) {
    if (step.each?.pipe !== undefined) state.pipe = step.each.pipe
    state.found =
      step.each === undefined
        ? { kind: 'number', raw: String(starts.length - 1) }
        : { kind: 'block', raw: `[${lookUpEach(state.text, starts, step.each.lookup).join(',')}]` }
    return true
  }
  // Not over: gjson goes on, and a later member of the same name may hold more.
  if (step.query?.all === true && !exists(state.found)) state.found = { kind: 'block', raw: `[${matches.join(',')}]` }
  return false
}

function lookUpEach(text: string, starts: readonly number[], lookup: Lookup): string[] {
  const found: string[] = []
  for (const start of starts) {
    let at = start
    while (' \t\r\n'.includes(text[at] ?? '.')) at++
    if (at >= text.length || text.charCodeAt(at) === CLOSE_BRACKET) continue
    const item = nextValue(text, at)
    const value = item === undefined ? MISSING : lookup(item.value.raw)
    if (exists(value)) found.push(value.raw)
  }
  return found
}
