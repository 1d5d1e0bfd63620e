import { GateError } from '../../kernel/errors.ts'
import type { Match, Matcher } from '../../kernel/matcher.ts'
import { Budget } from '../patterns/budget.ts'
import type { CompiledPattern } from '../patterns/compile.ts'
import { Candidates, type Placed } from './candidates.ts'
import { canonicalHost } from './canonical-host.ts'

/** A rule that takes part in matching. RPC rules do not: they never match HTTP. */
export interface IndexedRule<Plan> {
  readonly methods: readonly string[]
  readonly pattern: CompiledPattern
  readonly plan: Plan
}

/** Makes the immutable index over the rules: by method, then by what is literal in the URL, patterns last. */
export function createMatcher<Plan>(rules: readonly IndexedRule<Plan>[]): Matcher<Plan> {
  return new RuleMatcher(rules)
}

interface Entry<Plan> extends Placed {
  readonly pattern: CompiledPattern
  readonly plan: Plan
}

class RuleMatcher<Plan> implements Matcher<Plan> {
  readonly #byMethod = new Map<string, Candidates<Entry<Plan>>>()
  readonly #budget = new Budget()
  // What one look at the candidates works with; matching never waits, so there is one at a time.
  #target = ''
  #found: Entry<Plan> | undefined
  #groups: readonly string[] = []
  readonly #tryEntry = (entry: Entry<Plan>): void => {
    if (entry === this.#found) return
    const groups = entry.pattern.match(this.#target, this.#budget)
    if (groups === undefined) return
    if (this.#found !== undefined) throw new GateError('ERR_RULE_AMBIGUOUS')
    this.#found = entry
    this.#groups = groups
  }

  constructor(rules: readonly IndexedRule<Plan>[]) {
    for (const [method, entries] of groupByMethod(rules)) this.#byMethod.set(method, new Candidates(entries))
  }

  match(method: string, scheme: string, host: string, path: string): Match<Plan> {
    this.#budget.reset()
    const candidates = this.#byMethod.get(method) ?? this.#byMethod.get(method.toUpperCase())
    if (candidates === undefined) throw new GateError('ERR_RULE_NOT_FOUND')
    const found = this.#find(candidates, `${scheme}://${host}${path}`)
    if (found === undefined) throw new GateError('ERR_RULE_NOT_FOUND')
    const match = { plan: found.plan, captureGroups: this.#groups }
    const canonical = canonicalHost(scheme, host)
    if (canonical !== host) this.#checkSpelling(found, candidates, `${scheme}://${canonical}${path}`)
    return match
  }

  /**
   * Hosts are compared as they are written, as in Oathkeeper; but another spelling of a host must not get around the rule
   * that its usual spelling meets (V-029). Where that meets none, the rule was written for this spelling.
   */
  #checkSpelling(found: Entry<Plan>, candidates: Candidates<Entry<Plan>>, target: string): void {
    const usual = this.#find(candidates, target)
    if (usual !== undefined && usual !== found) throw new GateError('ERR_RULE_NOT_FOUND')
  }

  #find(candidates: Candidates<Entry<Plan>>, target: string): Entry<Plan> | undefined {
    this.#target = target
    this.#found = undefined
    candidates.visit(target, this.#tryEntry)
    return this.#found
  }
}

function groupByMethod<Plan>(rules: readonly IndexedRule<Plan>[]): Map<string, Entry<Plan>[]> {
  const groups = new Map<string, Entry<Plan>[]>()
  for (const { methods, pattern, plan } of rules) {
    const { literalPrefix, literalSegments } = pattern
    const entry = { literalPrefix, literalSegments, pattern, plan }
    for (const method of new Set(methods.map((name) => name.toUpperCase()))) {
      const group = groups.get(method)
      if (group === undefined) groups.set(method, [entry])
      else group.push(entry)
    }
  }
  return groups
}
