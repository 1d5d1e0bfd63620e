import { PrefixTree } from './prefix-tree.ts'

/** What the index knows of a rule: what every target that it matches has. */
export interface Placed {
  readonly literalPrefix: string
  readonly literalSegments: readonly string[]
}

/** So many rules may have the same beginning before something that tells them apart better is looked for. */
const FEW = 4
/** Scheme and host, ended by a slash. */
const WITH_HOST = /^[^/]*\/\/[^/]*\//

/**
 * Finds the few rules that a target may match, whatever the number of all: by their literal beginning, or, for those that
 * begin like many others or with a wildcard, by the rarest literal piece between two slashes. Made once, never changed.
 */
export class Candidates<Entry extends Placed> {
  readonly #byPrefix: PrefixTree<Entry>
  readonly #bySegment = new Map<string, Entry[]>()

  constructor(entries: readonly Entry[]) {
    const prefixes = count(entries.map(({ literalPrefix }) => literalPrefix))
    const segments = count(entries.flatMap(({ literalSegments }) => literalSegments))
    const byPrefix: (readonly [string, Entry])[] = []
    for (const entry of entries) {
      const segment = rarest(entry.literalSegments, segments)
      const isSelective = WITH_HOST.test(entry.literalPrefix)
      const sharing = isSelective ? (prefixes.get(entry.literalPrefix) ?? 0) : Infinity
      if (segment === undefined || sharing <= FEW || sharing <= (segments.get(segment) ?? 0)) {
        byPrefix.push([entry.literalPrefix, entry])
        continue
      }
      const group = this.#bySegment.get(segment)
      if (group === undefined) this.#bySegment.set(segment, [entry])
      else group.push(entry)
    }
    this.#byPrefix = new PrefixTree(byPrefix)
  }

  /** Calls `visit` with every entry that could match; with one of them more than once, perhaps. */
  visit(target: string, visit: (entry: Entry) => void): void {
    this.#byPrefix.walk(target, visit)
    if (this.#bySegment.size === 0) return
    let start = target.indexOf('/') + 1
    while (start > 0) {
      const next = target.indexOf('/', start)
      const segment = next === -1 ? withoutNewline(target.slice(start)) : target.slice(start, next)
      const group = this.#bySegment.get(segment)
      if (group !== undefined) for (const entry of group) visit(entry)
      start = next + 1
    }
  }
}

function count(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return counts
}

function rarest(segments: readonly string[], counts: ReadonlyMap<string, number>): string | undefined {
  let best: string | undefined
  let fewest = Infinity
  for (const segment of segments) {
    const sharing = counts.get(segment) ?? 0
    if (sharing >= fewest) continue
    best = segment
    fewest = sharing
  }
  return best
}

function withoutNewline(segment: string): string {
  return segment.endsWith('\n') ? segment.slice(0, -1) : segment
}
