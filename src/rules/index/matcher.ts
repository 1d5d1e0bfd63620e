import { GateError } from '../../kernel/errors.ts'
import type { Match, Matcher } from '../../kernel/matcher.ts'
import { Budget } from '../patterns/budget.ts'
import type { CompiledPattern } from '../patterns/compile.ts'
import { canonicalHost } from './canonical-host.ts'
import { PrefixTree } from './prefix-tree.ts'

/** A rule that takes part in matching. RPC rules do not: they never match HTTP. */
export interface IndexedRule<Plan> {
  readonly methods: readonly string[]
  readonly pattern: CompiledPattern
  readonly plan: Plan
}

/** Makes the immutable index over the rules: by method, then by the literal beginning of the URL, patterns last. */
export function createMatcher<Plan>(rules: readonly IndexedRule<Plan>[]): Matcher<Plan> {
  const byMethod = new Map<string, PrefixTree<IndexedRule<Plan>>>()
  for (const [method, entries] of groupByMethod(rules)) byMethod.set(method, new PrefixTree(entries))

  const budget = new Budget()

  /** Undefined: none matches. */
  const find = (method: string, subject: string): Match<Plan> | undefined => {
    const tree = byMethod.get(method) ?? byMethod.get(method.toUpperCase())
    if (tree === undefined) return undefined
    let found: Match<Plan> | undefined
    tree.walk(subject, (rule) => {
      const captureGroups = rule.pattern.match(subject, budget)
      if (captureGroups === undefined) return true
      if (found !== undefined) throw new GateError('ERR_RULE_AMBIGUOUS')
      found = { plan: rule.plan, captureGroups }
      return true
    })
    return found
  }

  return {
    match(method, scheme, host, path) {
      budget.reset()
      const found = find(method, `${scheme}://${host}${path}`)
      const canonical = canonicalHost(scheme, host)
      if (found === undefined) throw new GateError('ERR_RULE_NOT_FOUND')
      // Hosts are compared as they are written, as in Oathkeeper; but another spelling of a host must not get around
      // the rule that its usual spelling meets (V-029).
      if (canonical !== host && find(method, `${scheme}://${canonical}${path}`)?.plan !== found.plan) {
        throw new GateError('ERR_RULE_NOT_FOUND')
      }
      return found
    },
  }
}

function groupByMethod<Plan>(
  rules: readonly IndexedRule<Plan>[],
): Map<string, (readonly [prefix: string, rule: IndexedRule<Plan>])[]> {
  const groups = new Map<string, (readonly [string, IndexedRule<Plan>])[]>()
  for (const rule of rules) {
    for (const method of new Set(rule.methods.map((name) => name.toUpperCase()))) {
      const group = groups.get(method)
      if (group === undefined) groups.set(method, [[rule.pattern.literalPrefix, rule]])
      else group.push([rule.pattern.literalPrefix, rule])
    }
  }
  return groups
}
