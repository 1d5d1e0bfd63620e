import type { Problem } from '../kernel/problem.ts'
import type { HttpMatch, Rule, RpcMatch } from '../kernel/rule.ts'
import { TimeSlice } from '../lib/time-slice.ts'
import type { IndexedRule } from './index/matcher.ts'
import type { ReadRule } from './read-source.ts'

/** Turns a rule into what a request runs. A rule with a mistake has a plan too, which answers 500. */
export type CompilePlan<Plan> = (rule: Rule) => { readonly plan: Plan; readonly problems: readonly Problem[] }

export interface CompiledRules<Plan> {
  readonly indexed: readonly IndexedRule<Plan>[]
  readonly valid: readonly Rule[]
  readonly problems: readonly Problem[]
}

export async function compileRules<Plan>(
  rules: readonly (ReadRule & { readonly source: string })[],
  compilePlan: CompilePlan<Plan>,
): Promise<CompiledRules<Plan>> {
  const indexed: IndexedRule<Plan>[] = []
  const valid: Rule[] = []
  const problems: Problem[] = []
  const slice = new TimeSlice()
  for (const { rule, pattern, source } of rules) {
    if (slice.isOver) await slice.next()
    const { plan, problems: found } = compilePlan(rule)
    if (found.length === 0) valid.push(rule)
    problems.push(...found.map((problem) => ({ ...problem, source: problem.source ?? source })))
    if (pattern === undefined || rule.match === undefined) continue
    indexed.push({ methods: methodsOf(rule.match), pattern, plan, isRpc: rule.match.kind === 'rpc' })
  }
  return { indexed, valid, problems }
}

function methodsOf(match: HttpMatch | RpcMatch): readonly string[] {
  if (match.kind === 'http') return match.methods
  return match.allowHttpGet ? ['GET', 'POST'] : ['POST']
}
