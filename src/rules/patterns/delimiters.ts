/** A piece of a rule's URL: text to be taken literally, or what stood between `<` and `>`. */
export interface Piece {
  readonly kind: 'literal' | 'pattern'
  readonly text: string
}

/** What is wrong with a pattern, told to the rule's author. */
export class PatternError extends Error {
  override readonly name = 'PatternError'
}

/**
 * Splits `http://host/<[0-9]+>/x` at its delimiters. Delimiters nest: only the outermost pair counts, and what lies
 * between is handed on as it is. A lone delimiter is an error, also inside a pattern such as `(?<=x)`.
 * @throws {PatternError} when the delimiters do not pair up
 */
export function splitAtDelimiters(url: string): Piece[] {
  const pieces: Piece[] = []
  let level = 0
  let start = 0
  for (let i = 0; i < url.length; i++) {
    const char = url.charCodeAt(i)
    if (char === OPEN) {
      if (level++ > 0) continue
      if (i > start) pieces.push({ kind: 'literal', text: url.slice(start, i) })
      start = i + 1
    } else if (char === CLOSE) {
      if (level === 0) throw new PatternError(`unbalanced ">" at character ${i + 1} of "${url}"`)
      if (--level > 0) continue
      pieces.push({ kind: 'pattern', text: url.slice(start, i) })
      start = i + 1
    }
  }
  if (level > 0) throw new PatternError(`unbalanced "<" in "${url}": ${level} not closed`)
  if (start < url.length) pieces.push({ kind: 'literal', text: url.slice(start) })
  return pieces
}

const OPEN = '<'.charCodeAt(0)
const CLOSE = '>'.charCodeAt(0)
