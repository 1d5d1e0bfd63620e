import { decodeBytes } from './strings.ts'

/** Comparisons for each character of the text, after which a pattern is given up as not matching. */
const MAX_EFFORT = 10_000

/** Whether a whole text is of a pattern: `*` is any text, `?` one character, `\` takes the next one as it is. */
export function matchesWildcard(bytes: string, pattern: string): boolean {
  if (pattern === '*') return true
  const text = Array.from(decodeBytes(bytes))
  const effort = { left: bytes.length * MAX_EFFORT }
  return matches(text, 0, text.length, Array.from(decodeBytes(pattern)), 0, effort) === true
}

/** `undefined`: given up. */
function matches(
  text: readonly string[],
  from: number,
  textEnd: number,
  pattern: readonly string[],
  patternFrom: number,
  effort: { left: number },
  patternEnd: number = pattern.length,
): boolean | undefined {
  if (effort.left-- < 0) return undefined
  let [at, p, end, stop] = [from, patternFrom, textEnd, patternEnd]
  while (p < stop) {
    const wanted = pattern[p]
    if (wanted === '*') {
      while (p + 1 < stop && pattern[p + 1] === '*') p++
      if (p + 1 === stop) return true
      const trimmed = trimSuffix(text, at, end, pattern, p, stop)
      if (trimmed === undefined) return false
      ;[end, stop] = trimmed
      if (p + 1 === stop) return true
      const rest = matches(text, at, end, pattern, p + 1, effort, stop)
      if (rest !== false) return rest
      if (at >= end) return false
      at++
      continue
    }
    if (at >= end) return false
    if (wanted !== '?') {
      if (wanted === '\\' && ++p >= stop) return false
      if (text[at] !== pattern[p]) return false
    }
    at++
    p++
  }
  return at >= end
}

/**
 * Takes off both ends what stands behind the last star of the pattern.
 * Gives the new ends of text and pattern; nothing when the text ends otherwise.
 */
function trimSuffix(
  text: readonly string[],
  from: number,
  textEnd: number,
  pattern: readonly string[],
  star: number,
  patternEnd: number,
): [textEnd: number, patternEnd: number] | undefined {
  let [end, stop] = [textEnd, patternEnd]
  while (end > from && stop - star > 1) {
    const wanted = pattern[stop - 1]
    let slashes = 0
    while (pattern[stop - 2 - slashes] === '\\') slashes++
    const isEscaped = slashes % 2 === 1
    if (wanted === '*' && !isEscaped) break
    if (!(wanted === '?' && !isEscaped) && wanted !== text[end - 1]) return undefined
    end--
    stop -= isEscaped ? 2 : 1
  }
  return [end, stop]
}
