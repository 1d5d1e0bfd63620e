import { DocumentError, formatPath, type KeyPath, lineCounter, type LineMap, withoutBom } from './document.ts'

/**
 * Reads a JSON document; an empty one is `undefined`.
 * @throws {DocumentError} with the line, and without the excerpt of the text that `JSON.parse` would print.
 */
export function parseJson(text: string): unknown {
  const source = withoutBom(text)
  if (source.trim() === '') return undefined
  try {
    return JSON.parse(source) as unknown
  } catch {
    const scanned = scan(source)
    throw new DocumentError(`is not valid JSON${scanned.failure ?? ''}`, lineCounter(source)(scanned.end))
  }
}

/** The line of every key and item of a JSON document; as far as it parses. */
export function jsonLines(text: string): LineMap {
  const source = withoutBom(text)
  const lineAt = lineCounter(source)
  const lines: LineMap = new Map()
  scan(source, (path, offset) => lines.set(formatPath(path), lineAt(offset)))
  return lines
}

interface Scanned {
  /** Where the scan ended: the end of the document or its first mistake. */
  readonly end: number
  /** What was expected there; nothing when the document is whole. */
  readonly failure: string | undefined
}

const SPACE = /[ \t\r\n]*/y
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** Walks a JSON text and tells where each key and item begins. */
function scan(source: string, found?: (path: KeyPath, offset: number) => void): Scanned {
  let at = 0
  const failure = value([]) ?? (skip(), at < source.length ? ': something follows its end' : undefined)
  return { end: at, failure }

  function value(path: KeyPath): string | undefined {
    skip()
    if (source[at] === '{') return members(path)
    if (source[at] === '[') return items(path)
    return take(STRING) !== undefined || take(SCALAR) !== undefined ? undefined : ': a value is expected'
  }

  function members(path: KeyPath): string | undefined {
    at++
    if (takeChar('}')) return undefined
    for (;;) {
      skip()
      const start = at
      const key = take(STRING)
      if (key === undefined) return ': a key in double quotes is expected'
      const child = [...path, JSON.parse(key) as string]
      found?.(child, start)
      if (!takeChar(':')) return ': a colon is expected'
      const failed = value(child)
      if (failed !== undefined) return failed
      if (takeChar('}')) return undefined
      if (!takeChar(',')) return ': a comma or } is expected'
    }
  }

  function items(path: KeyPath): string | undefined {
    at++
    if (takeChar(']')) return undefined
    for (let index = 0; ; index++) {
      skip()
      const child = [...path, index]
      found?.(child, at)
      const failed = value(child)
      if (failed !== undefined) return failed
      if (takeChar(']')) return undefined
      if (!takeChar(',')) return ': a comma or ] is expected'
    }
  }

  function skip(): void {
    take(SPACE)
  }

  function takeChar(char: string): boolean {
    skip()
    if (source[at] !== char) return false
    at++
    return true
  }

  function take(pattern: RegExp): string | undefined {
    pattern.lastIndex = at
    const match = pattern.exec(source)
    if (match === null) return undefined
    at = pattern.lastIndex
    return match[0]
  }
}
