/** One media range of an `Accept` header. */
export interface MediaRange {
  readonly type: string
  /** 0 ("not this") to 1, the default. */
  readonly quality: number
}

const RANGE = /[ \t]*([!#$%&'*+\-./^_`|~0-9A-Za-z]+)[ \t]*/y
const QUALITY = /;[ \t]*q=([01](?:\.\d*)?)[ \t]*/y

/**
 * Reads `Accept` lines as the parser that Oathkeeper uses does: a line ends at the first range that is malformed or has a
 * parameter other than `q`; what stands before counts. Types keep their case.
 */
export function readAccept(lines: readonly string[]): MediaRange[] {
  const ranges: MediaRange[] = []
  for (const line of lines) readLine(line, ranges)
  return ranges
}

function readLine(line: string, ranges: MediaRange[]): void {
  let at = 0
  while (at < line.length) {
    RANGE.lastIndex = at
    const range = RANGE.exec(line)
    if (range === null) return
    at = RANGE.lastIndex
    let quality = 1
    if (line[at] === ';') {
      QUALITY.lastIndex = at
      const found = QUALITY.exec(line)
      if (found === null) return
      at = QUALITY.lastIndex
      quality = Number(found[1])
    }
    ranges.push({ type: range[1] as string, quality })
    if (line[at] !== ',') return
    at++
  }
}
