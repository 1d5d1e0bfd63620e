import { GateError } from '../../kernel/errors.ts'
import type { Match, Matcher } from '../../kernel/matcher.ts'
import { Budget } from '../patterns/budget.ts'
import type { CompiledPattern } from '../patterns/compile.ts'
import { Candidates, type Placed } from './candidates.ts'
import { canonicalHost } from './canonical-host.ts'

/** A rule that takes part in matching. */
export interface IndexedRule<Plan> {
  readonly methods: readonly string[]
  readonly pattern: CompiledPattern
  /** Whether it is about RPC methods: it never matches HTTP, and an RPC may be met by rules of both kinds. */
  readonly isRpc?: boolean
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

type ByMethod<Plan> = ReadonlyMap<string, Candidates<Entry<Plan>>>

class RuleMatcher<Plan> implements Matcher<Plan> {
  readonly #http: ByMethod<Plan>
  readonly #rpc: ByMethod<Plan>
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
    this.#http = groupByMethod(rules.filter(({ isRpc = false }) => !isRpc))
    this.#rpc = groupByMethod(rules.filter(({ isRpc = false }) => isRpc))
  }

  match(method: string, scheme: string, host: string, path: string, isRpc = false): Match<Plan> {
    this.#budget.reset()
    const found = this.#find(method, scheme, host, path, isRpc)
    if (found === undefined) throw new GateError('ERR_RULE_NOT_FOUND')
    const match = { plan: found.plan, captureGroups: this.#groups }
    const canonical = canonicalHost(scheme, host)
    if (canonical === host) return match
    // Hosts are compared as they are written, as in Oathkeeper; but another spelling of a host must not get around the rule
    // that its usual spelling meets (V-029). Where that meets none, the rule was written for this spelling.
    const usual = this.#find(method, scheme, canonical, path, isRpc)
    if (usual !== undefined && usual !== found) throw new GateError('ERR_RULE_NOT_FOUND')
    return match
  }

  #find(method: string, scheme: string, host: string, path: string, isRpc: boolean): Entry<Plan> | undefined {
    this.#found = undefined
    this.#look(this.#http, method, `${scheme}://${host}${path}`)
    // Whether a request is an RPC is the client's word (its content type): it adds rules that may refuse, and never takes
    // the one away that the request meets as HTTP. Where both kinds match, none of them decides.
    if (isRpc) this.#look(this.#rpc, method, `rpc://${host}${path}`)
    return this.#found
  }

  #look(byMethod: ByMethod<Plan>, method: string, target: string): void {
    const candidates = byMethod.get(method) ?? byMethod.get(method.toUpperCase())
    if (candidates === undefined) return
    this.#target = target
    candidates.visit(target, this.#tryEntry)
  }
}

function groupByMethod<Plan>(rules: readonly IndexedRule<Plan>[]): ByMethod<Plan> {
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
  return new Map([...groups].map(([method, entries]) => [method, new Candidates(entries)]))
}
