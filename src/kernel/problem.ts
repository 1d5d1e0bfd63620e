/** One mistake in a configuration or rule file, told so that a person can mend it. */
export interface Problem {
  /** The file, or the environment variable as `env:SERVE_PROXY_PORT`. */
  readonly source?: string
  /** 1-based. */
  readonly line?: number
  /** Key path such as `serve.proxy.port` or, in a rule file, `[3].match.url`. */
  readonly path: string
  /** What is wrong: what was found and what is allowed. Never holds a secret. */
  readonly message: string
  /** Id of the rule, for problems in rules. */
  readonly ruleId?: string
}

/** Carries all problems of a load at once. */
export class ProblemsError extends Error {
  override readonly name = 'ProblemsError'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'))
    this.problems = problems
  }
}

/** One line: `file:line: path: message`. */
export function formatProblem(problem: Problem): string {
  const place =
    problem.source === undefined ? '' : `${problem.source}${problem.line === undefined ? '' : `:${problem.line}`}: `
  const rule = problem.ruleId === undefined ? '' : `rule "${problem.ruleId}": `
  return `${place}${rule}${problem.path === '' ? '' : `${problem.path}: `}${problem.message}`
}
