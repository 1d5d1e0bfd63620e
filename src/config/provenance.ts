import type { Problem } from '../kernel/problem.ts'
import { isPlainObject } from '../lib/deep-merge.ts'
import { formatPath, type KeyPath, type LineMap } from '../lib/document.ts'
import { SECRET_FILE_SUFFIX } from './json-schema.ts'

/** Where a value comes from: a file and a line, or an environment variable as `env:NAME`. */
export type Place = Pick<Problem, 'source' | 'line'>

interface Origin {
  readonly source: string
  /** Read on demand: only a mistake needs lines. */
  readonly lines: (() => LineMap) | undefined
}

/** Remembers, for every key of the merged configuration, which source had the last word. */
export class Provenance {
  readonly #origins = new Map<string, Origin>()

  /** Notes that everything in `value`, which stands at `path`, comes from the source. */
  note(value: unknown, path: KeyPath, source: string, lines?: () => LineMap): void {
    this.#walk(value, path, { source, lines })
  }

  /** The place of a key; of the nearest key around it when it stands nowhere itself, such as one that is missing. */
  locate(path: KeyPath): Place {
    for (let length = path.length; length > 0; length--) {
      const key = path.slice(0, length)
      const origin = this.#origins.get(formatPath(key)) ?? this.#origins.get(formatPath(key) + SECRET_FILE_SUFFIX)
      if (origin === undefined) continue
      const line = lineOf(origin.lines?.(), key)
      return line === undefined ? { source: origin.source } : { source: origin.source, line }
    }
    return {}
  }

  #walk(value: unknown, path: KeyPath, origin: Origin): void {
    if (path.length > 0) this.#origins.set(formatPath(path), origin)
    if (Array.isArray(value)) for (const [index, item] of value.entries()) this.#walk(item, [...path, index], origin)
    else if (isPlainObject(value)) for (const key of Object.keys(value)) this.#walk(value[key], [...path, key], origin)
  }
}

/** The line of the key, or of the nearest key around it. A secret may stand there as the key of its file. */
export function lineOf(lines: LineMap | undefined, path: KeyPath): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const key = formatPath(path.slice(0, length))
    const line = lines?.get(key) ?? lines?.get(key + SECRET_FILE_SUFFIX)
    if (line !== undefined) return line
  }
  return undefined
}

const STEP = /\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|\.?([^.[\]]+)/gy

/** Reads a path that `formatPath` wrote. */
export function parsePath(text: string): KeyPath {
  return [...text.matchAll(STEP)].map(([, index, quoted, key]) => {
    if (index !== undefined) return Number(index)
    return quoted === undefined ? (key ?? '') : String(JSON.parse(quoted))
  })
}
