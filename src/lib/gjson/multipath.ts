import { quoteString } from './strings.ts'

/** One path of a multipath, with the name that its value gets in an object. */
export interface Selector {
  /** As written, quotes included; empty when there is none. */
  readonly name: string
  readonly path: string
}

/** Reads `{name:path,path,…}` or `[path,…]`; nothing when its bracket is not closed. `end` is behind it. */
export function splitMultipath(
  path: string,
): { readonly selectors: readonly Selector[]; readonly end: number } | undefined {
  const selectors: Selector[] = []
  let depth = 1
  let start = 1
  let colon = 0
  let hasModifier = false
  const push = (end: number) => {
    const name = colon === 0 ? '' : path.slice(start, colon)
    selectors.push({ name, path: path.slice(colon === 0 ? start : colon + 1, end) })
    colon = 0
    hasModifier = false
    start = end + 1
  }
  for (let at = 1; at < path.length; at++) {
    const char = path[at] as string
    if (char === '\\') at++
    else if (char === '@') hasModifier ||= path[at - 1] === '.' || path[at - 1] === '|'
    // A colon behind a modifier begins its argument.
    else if (char === ':') colon = !hasModifier && colon === 0 && depth === 1 ? at : colon
    else if (char === ',' && depth === 1) push(at)
    else if (char === '"') {
      for (at++; at < path.length && path[at] !== '"'; at++) if (path[at] === '\\') at++
    } else if ('[({'.includes(char)) depth++
    else if ('])}'.includes(char) && --depth === 0) {
      push(at)
      return { selectors, end: at + 1 }
    }
  }
  return undefined
}

/** The JSON string under which the value of a selector stands in an object. */
export function nameOf({ name, path }: Selector): string {
  if (name !== '') return name.startsWith('"') && isValidJson(name) ? name : quoteString(name)
  const last = lastPart(path)
  return quoteString(isSimple(last) ? last : '_')
}

/** Whether a byte string is JSON, as a whole. */
export function isValidJson(bytes: string): boolean {
  try {
    JSON.parse(bytes)
    return true
  } catch {
    return false
  }
}

function lastPart(path: string): string {
  for (let at = path.length - 1; at >= 0; at--) {
    if ((path[at] === '|' || path[at] === '.') && path[at - 1] !== '\\') return path.slice(at + 1)
  }
  return path
}

function isSimple(part: string): boolean {
  return !/[\x00-\x1f[\]{}()#|!]/.test(part)
}
