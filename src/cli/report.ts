import { formatProblem, type Problem, ProblemsError } from '../kernel/problem.ts'
import { StartError } from '../kernel/start-error.ts'
import { CallError } from './call-api.ts'
import type { CliContext } from './context.ts'
import { EXIT } from './exit-codes.ts'

/** Prints what is wrong with a configuration, one line each. */
export function reportProblems(problems: readonly Problem[], { err }: CliContext): void {
  for (const problem of problems) err(`${formatProblem(problem)}\n`)
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  err(`\nThe configuration is refused: ${count}. docs/configuration.md explains every key.\n`)
}

/** Prints what works and is probably not meant, one line each. */
export function reportWarnings(warnings: readonly Problem[], { err }: CliContext): void {
  for (const warning of warnings) err(`warning: ${formatProblem(warning)}\n`)
}

/** Says why a command failed, and gives its exit code. */
export function reportFailure(cause: unknown, context: CliContext): number {
  if (cause instanceof ProblemsError) {
    reportProblems(cause.problems, context)
    return EXIT.refused
  }
  if (cause instanceof StartError || cause instanceof CallError) context.err(`oathkeeper: ${cause.message}\n`)
  // Nobody foresaw it: the place in the code is what a report about it needs.
  else context.err(`oathkeeper: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}\n`)
  return EXIT.failed
}
