import { type Budget } from '../budget.ts'
import { splitAtDelimiters } from '../delimiters.ts'
import { toBytes } from './bytes.ts'
import { compileNode } from './compile.ts'
import { GLOB_SPECIALS, parseGlob } from './parse.ts'

/**
 * Compiles a rule's URL for the `glob` strategy: what is outside `<…>` is literal, what is inside is a glob with the
 * separators `.` and `/`, and the whole target must fit.
 * The function given throws an EvaluationError when a target takes more steps than the budget has.
 * @throws {PatternError} for what cannot be read
 */
export function compileGlob(url: string): (target: string, budget: Budget) => boolean {
  let glob = ''
  for (const { kind, text } of splitAtDelimiters(url)) {
    glob += kind === 'pattern' ? text : text.replace(GLOB_SPECIALS, '\\$&')
  }
  const matcher = compileNode(parseGlob(glob))
  return (target, budget) => matcher.matches(toBytes(target), budget)
}
