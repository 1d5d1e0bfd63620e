import type { LoginContext } from '../context.ts'
import type { Provider } from '../provider.ts'
import type { RuleBeginOptions, RuleClientOptions } from './options.ts'
import { createRuleProvider, type RuleProviderDeps, ruleProviderId } from './rule-provider.ts'

/**
 * One client at one redirect URL: what the rules that begin its logins and the rule that finishes them have in common. The rules
 * are compiled one by one, in any order, and may change.
 */
export class Realm {
  readonly context: LoginContext
  readonly #deps: RuleProviderDeps
  readonly #begins = new Map<string, RuleBeginOptions>()
  readonly #providers = new Map<string, Provider>()
  #client: RuleClientOptions | undefined

  constructor(makeContext: (providers: LoginContext['providers']) => LoginContext, deps: RuleProviderDeps) {
    this.context = makeContext(this.#providers)
    this.#deps = deps
  }

  /** Adds a place where logins begin; gives the id of its provider. */
  addBegin(begin: RuleBeginOptions): string {
    const id = ruleProviderId(begin)
    if (!this.#begins.has(id)) {
      this.#begins.set(id, begin)
      this.#connect(id)
    }
    return id
  }

  /** From now on this client finishes them. */
  use(client: RuleClientOptions): void {
    if (this.#client === client) return
    this.#client = client
    for (const id of this.#begins.keys()) this.#connect(id)
  }

  #connect(id: string): void {
    const begin = this.#begins.get(id)
    if (begin === undefined || this.#client === undefined) return
    this.#providers.set(id, createRuleProvider(begin, this.#client, this.#deps))
  }
}
