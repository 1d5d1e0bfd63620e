import { parse, TomlError } from 'smol-toml'
import { DocumentError, formatPath, type LineMap, withoutBom } from './document.ts'

/**
 * Reads a TOML document.
 * @throws {DocumentError}
 */
export function parseToml(text: string): unknown {
  try {
    return parse(withoutBom(text))
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause
    // Behind its first line the message quotes the text, and so may the first line, in quotes.
    const reason = (cause.message.split('\n')[0] ?? '')
      .replace(/^Invalid TOML document: /, '')
      .replace(/\s*(["'`]).*\1/g, '')
    throw new DocumentError(`is not valid TOML: ${reason}`, cause.line)
  }
}

const HEADER = /^\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(#.*)?$/
const PAIR =
  /^\s*((?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=\s*(.*)$/
const KEY_PART = /"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+)/g

/** The line of every table and key of a document that `parseToml` reads; what stands inside a value has none of its own. */
export function tomlLines(text: string): LineMap {
  const lines: LineMap = new Map()
  const counts = new Map<string, number>()
  let table: (string | number)[] = []
  let closing: RegExp | undefined
  let depth = 0
  for (const [index, line] of withoutBom(text).split(/\r?\n/).entries()) {
    if (closing !== undefined) {
      if (closing.test(line)) closing = undefined
      continue
    }
    if (depth > 0) {
      depth += bracketDepth(line)
      continue
    }
    const header = HEADER.exec(line)
    if (header !== null) {
      table = tablePath(keyParts(header[2] as string), header[1] === '[[')
      note(table, index)
      continue
    }
    const pair = PAIR.exec(line)
    if (pair === null) continue
    note([...table, ...keyParts(pair[1] as string)], index)
    const value = pair[2] as string
    const quotes = /^("""|''')/.exec(value)?.[1]
    if (quotes !== undefined && !value.slice(3).includes(quotes)) closing = new RegExp(quotes)
    if (quotes === undefined) depth = Math.max(0, bracketDepth(value))
  }
  return lines

  function note(path: (string | number)[], index: number): void {
    for (let length = 1; length <= path.length; length++) {
      const key = formatPath(path.slice(0, length))
      if (!lines.has(key)) lines.set(key, index + 1)
    }
  }

  /** A header below a list of tables means its last one. */
  function tablePath(parts: string[], isItem: boolean): (string | number)[] {
    const path: (string | number)[] = []
    for (const [position, part] of parts.entries()) {
      path.push(part)
      const key = formatPath(path)
      const count = counts.get(key)
      if (isItem && position === parts.length - 1) {
        counts.set(key, (count ?? 0) + 1)
        path.push(count ?? 0)
      } else if (count !== undefined) path.push(count - 1)
    }
    return path
  }
}

function keyParts(key: string): string[] {
  return [...key.matchAll(KEY_PART)].map((part) => part[1] ?? part[2] ?? part[3] ?? '')
}

/** How many more lists and inline tables the line opens than it closes, strings and comment aside. */
function bracketDepth(line: string): number {
  const bare = line.replace(/"(?:[^"\\]|\\.)*"|'[^']*'/g, '').replace(/#.*$/, '')
  return (bare.match(/[[{]/g)?.length ?? 0) - (bare.match(/[\]}]/g)?.length ?? 0)
}
