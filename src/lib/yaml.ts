import {
  CORE_SCHEMA,
  type Event,
  EVENT_ID,
  getScalarValue,
  load,
  loadAll,
  mergeTag,
  parseEvents,
  YAMLException,
} from 'js-yaml'
import { GO_SCHEMA } from './go-yaml-schema.ts'
import { DocumentError, formatPath, type KeyPath, lineCounter, type LineMap, withoutBom } from './document.ts'

/** YAML 1.2 core, and merge keys, which js-yaml 5 would otherwise keep as a key named `<<` without a word. */
const SCHEMA = CORE_SCHEMA.withTags(mergeTag)

/** An alias costs nothing to read, but what it stands for is walked each time: an alias bomb is refused. */
const MAX_ALIASES = 1_000

const MAX_REPAIRS = 500
const DEEPER = ' '.repeat(64)

/**
 * Reads a YAML document; one without content is `undefined`.
 * @throws {DocumentError}
 */
export function parseYaml(text: string): unknown {
  return readTolerantly(withoutBom(text), (source) => {
    if (isBlank(source)) return undefined
    return load(source, { schema: SCHEMA, maxAliases: MAX_ALIASES })
  })
}

/**
 * Reads a YAML document as Go's yaml.v2 does: words of YAML 1.1 are what they mean there, the last of several equal keys
 * counts, and of several documents the first.
 * @throws {DocumentError}
 */
export function parseGoYaml(text: string): unknown {
  return readTolerantly(withoutBom(text), (source) => {
    if (isBlank(source)) return undefined
    return loadAll(source, { schema: GO_SCHEMA, json: true, maxAliases: MAX_ALIASES })[0]
  })
}

/** The line of every key and item of a document that `parseYaml` reads. What an alias stands for has no line of its own. */
export function yamlLines(text: string): LineMap {
  const { source, events } = readTolerantly(withoutBom(text), (repaired) => ({
    source: repaired,
    events: isBlank(repaired) ? [] : parseEvents(repaired, {}),
  }))
  const lines: LineMap = new Map()
  const lineAt = lineCounter(source)
  let next = events[0]?.type === EVENT_ID.DOCUMENT ? 1 : 0
  if (events.length > next) walk([])
  return lines

  function walk(path: KeyPath): void {
    const event = events[next++]
    if (event?.type === EVENT_ID.MAPPING) walkMapping(path)
    else if (event?.type === EVENT_ID.SEQUENCE) walkSequence(path)
  }

  function walkMapping(path: KeyPath): void {
    for (let key = events[next]; key !== undefined && key.type !== EVENT_ID.POP; key = events[next]) {
      if (key.type !== EVENT_ID.SCALAR) {
        walk(path)
        walk(path)
        continue
      }
      next++
      const child = [...path, getScalarValue(source, key)]
      lines.set(formatPath(child), lineAt(key.valueStart))
      walk(child)
    }
    next++
  }

  function walkSequence(path: KeyPath): void {
    for (let index = 0; ; index++) {
      const item = events[next]
      if (item === undefined || item.type === EVENT_ID.POP) break
      const child = [...path, index]
      lines.set(formatPath(child), lineAt(startOf(item)))
      walk(child)
    }
    next++
  }
}

/**
 * Go's YAML reads a bracket that closes in the column of its key (`list: [` … `]`), js-yaml does not. Indentation means
 * nothing between brackets, so a line that js-yaml finds too far left there is moved to the right and read again.
 */
function readTolerantly<T>(text: string, read: (source: string) => T): T {
  let source = text
  let first: DocumentError | undefined
  for (let repairs = 0; ; repairs++) {
    try {
      return read(source)
    } catch (cause) {
      if (!(cause instanceof YAMLException)) throw cause
      const line = cause.mark?.line
      const error = toDocumentError(cause.reason, line)
      const lines = source.split('\n')
      if (cause.reason !== 'deficient indentation' || line === undefined || repairs === MAX_REPAIRS) {
        // A quote or bracket that is never closed takes every line to the end: where that began says more.
        const isAtEnd = line !== undefined && lines.slice(line).every((rest) => rest.trim() === '')
        throw isAtEnd ? (first ?? error) : error
      }
      first ??= error
      lines[line] = DEEPER + (lines[line] ?? '')
      source = lines.join('\n')
    }
  }
}

function toDocumentError(reason: string, line: number | undefined): DocumentError {
  // The reason may quote the text (`unidentified alias "…"`).
  const words = reason.replace(/\s*("[^"]*"|'[^']*'|!<.*>)/g, '')
  return new DocumentError(`is not valid YAML: ${words}`, line === undefined ? undefined : line + 1)
}

function startOf(event: Event): number {
  if (event.type === EVENT_ID.SCALAR) return event.valueStart
  if (event.type === EVENT_ID.ALIAS) return event.anchorStart
  return event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE ? event.start : 0
}

/** js-yaml has no word for a document without content. */
function isBlank(text: string): boolean {
  return text.split('\n').every((line) => /^\s*(---\s*)?(#.*)?$/.test(line))
}
