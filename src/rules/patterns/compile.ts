import { GateError } from '../../kernel/errors.ts'
import { type Budget, EvaluationError } from './budget.ts'
import { type Piece, splitAtDelimiters } from './delimiters.ts'
import { compileGlob } from './glob/glob.ts'
import { compileRegexp } from './regexp/regexp.ts'

export type MatchingStrategy = 'regexp' | 'glob'

/** The URL of a rule, compiled. */
export interface CompiledPattern {
  /** What every target that matches begins with: the text before the first `<`. */
  readonly literalPrefix: string
  /**
   * Pieces between slashes that every target that matches has, the host among them; the last piece of a target may have a
   * newline more. Those that hold a newline themselves are left out.
   */
  readonly literalSegments: readonly string[]
  /**
   * What the groups captured (nothing with globs), or `undefined` when the target does not match. `budget` is the work that
   * is left for this target, over all patterns.
   * @throws {GateError} ERR_RULE_MATCH_FAILED when the target would take too much work
   */
  match(target: string, budget: Budget): readonly string[] | undefined
}

const NO_GROUPS: readonly string[] = []

/** @throws {PatternError} with a sentence that says what does not compile */
export function compilePattern(url: string, strategy: MatchingStrategy): CompiledPattern {
  const pieces = splitAtDelimiters(url)
  const [first] = pieces
  const literalPrefix = first?.kind === 'literal' ? first.text : ''
  return {
    literalPrefix,
    literalSegments: segmentsOf(pieces),
    match: guarded(url === literalPrefix ? literal(url, strategy) : compile(url, strategy)),
  }
}

function segmentsOf(pieces: readonly Piece[]): string[] {
  const found = new Set<string>()
  for (const [i, { kind, text }] of pieces.entries()) {
    if (kind !== 'literal') continue
    const segments = text.split('/')
    const end = i === pieces.length - 1 ? segments.length : -1
    for (const segment of segments.slice(1, end)) if (segment !== '' && !segment.includes('\n')) found.add(segment)
  }
  return [...found]
}

type Match = CompiledPattern['match']

function compile(url: string, strategy: MatchingStrategy): Match {
  if (strategy === 'regexp') return compileRegexp(url)
  const matches = compileGlob(url)
  return (target, budget) => (matches(target, budget) ? NO_GROUPS : undefined)
}

/** `$` also stands before a newline at the end, as in regexp2. */
function literal(url: string, strategy: MatchingStrategy): Match {
  const withNewline = `${url}\n`
  if (strategy === 'glob') return (target) => (target === url ? NO_GROUPS : undefined)
  return (target) => (target === url || target === withNewline ? NO_GROUPS : undefined)
}

function guarded(match: Match): Match {
  return (target, budget) => {
    try {
      return match(target, budget)
    } catch (cause: unknown) {
      if (!(cause instanceof EvaluationError)) throw cause
      throw new GateError('ERR_RULE_MATCH_FAILED', { cause, detail: cause.message })
    }
  }
}
