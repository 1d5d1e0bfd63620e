import { GateError } from '../../kernel/errors.ts'
import { type Budget, EvaluationError } from './budget.ts'
import { splitAtDelimiters } from './delimiters.ts'
import { compileGlob } from './glob/glob.ts'
import { compileRegexp } from './regexp/regexp.ts'

export type MatchingStrategy = 'regexp' | 'glob'

/** The URL of a rule, compiled. */
export interface CompiledPattern {
  /** What every target that matches begins with: the text before the first `<`. */
  readonly literalPrefix: string
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
  const [first] = splitAtDelimiters(url)
  const literalPrefix = first?.kind === 'literal' ? first.text : ''
  return { literalPrefix, match: guarded(url === literalPrefix ? literal(url, strategy) : compile(url, strategy)) }
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
