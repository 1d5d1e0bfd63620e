import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Matcher } from '../kernel/matcher.ts'
import { formatProblem, type Problem } from '../kernel/problem.ts'
import type { Rule } from '../kernel/rule.ts'
import { type CompiledRules, compileRules, type CompilePlan } from './compile-rules.ts'
import { HeldSource, type SourceState } from './held-source.ts'
import { createMatcher } from './index/matcher.ts'
import type { MatchingStrategy } from './patterns/compile.ts'
import { createSource } from './sources/sources.ts'

/** What the configuration says of rules. */
export interface RuleSettings<Plan> {
  /** `access_rules.repositories`. */
  readonly repositories: readonly string[]
  /** Folder that a relative `file://` begins at. */
  readonly baseDir: string
  readonly strategy: MatchingStrategy
  /** `access_rules.refresh_interval`; nothing: sources elsewhere are fetched once. */
  readonly refreshIntervalMs: number | undefined
  readonly compilePlan: CompilePlan<Plan>
}

export interface RepositoryDeps {
  readonly clock: Clock
  readonly logger: Logger
  /** Look after changes of the sources; false for one look (`validate`). Default true. */
  readonly watch?: boolean
  /** Called whenever other rules are in force, or something else is known of a source. */
  readonly onChange?: () => void
}

/** The rules in force, from all sources, compiled to one immutable matcher that is swapped whole. */
export interface RuleRepository<Plan> {
  readonly matcher: Matcher<Plan>
  /** Rules without a mistake, in the order of the sources. */
  list(): readonly Rule[]
  sources(): readonly SourceState[]
  /** What is wrong with single rules; what they match is answered 500. */
  ruleProblems(): readonly Problem[]
  /** Takes over changed settings; when it resolves, they are in force. */
  reload(settings: RuleSettings<Plan>): Promise<void>
  /** Has every source looked at now, whether or not it told of a change. */
  lookAgain(): void
  close(): void
}

/** Creates the repository and loads every source once. A source that cannot be taken is logged and picked up when it is mended. */
export async function createRuleRepository<Plan>(
  settings: RuleSettings<Plan>,
  deps: RepositoryDeps,
): Promise<RuleRepository<Plan>> {
  const repository = new Repository(settings, deps)
  await repository.reload(settings)
  return repository
}

class Repository<Plan> implements RuleRepository<Plan> {
  readonly #deps: RepositoryDeps
  #settings: RuleSettings<Plan>
  #held: readonly HeldSource[] = []
  #compiled: CompiledRules<Plan> = { indexed: [], valid: [], problems: [] }
  #matcher: Matcher<Plan> = createMatcher([])
  /** Something changed since the compilation under way began. */
  #isStale = false
  #refreshing: Promise<void> | undefined
  #isStarting = false
  #isClosed = false

  constructor(settings: RuleSettings<Plan>, deps: RepositoryDeps) {
    this.#settings = settings
    this.#deps = deps
  }

  get matcher(): Matcher<Plan> {
    return this.#matcher
  }

  list(): readonly Rule[] {
    return this.#compiled.valid
  }

  sources(): readonly SourceState[] {
    return this.#held.map((held) => held.state)
  }

  ruleProblems(): readonly Problem[] {
    return this.#compiled.problems
  }

  async reload(settings: RuleSettings<Plan>): Promise<void> {
    const started = this.#takeSources(settings)
    this.#settings = settings
    this.#isStarting = true
    try {
      await Promise.all(started)
    } finally {
      this.#isStarting = false
    }
    await this.#refresh()
  }

  lookAgain(): void {
    for (const held of this.#held) held.lookAgain()
  }

  close(): void {
    this.#isClosed = true
    for (const held of this.#held) held.close()
  }

  /** Keeps the sources that are still configured, with their last good rules; begins new ones, ends the others. */
  #takeSources({ repositories, baseDir }: RuleSettings<Plan>): Promise<void>[] {
    const { clock, watch = true } = this.#deps
    const context = { baseDir, clock, watch, refreshIntervalMs: () => this.#settings.refreshIntervalMs }
    const known = new Map(this.#held.map((held) => [held.location, held]))
    const added: HeldSource[] = []
    const held = [...new Set(repositories)].map((location) => {
      const kept = known.get(location)
      if (kept !== undefined) return kept
      const source = new HeldSource(location, createSource(location, context), clock)
      added.push(source)
      return source
    })
    for (const before of this.#held) if (!held.includes(before)) before.close()
    this.#held = held
    return added.map((source) =>
      source.start({
        changed: () => this.#changed(),
        failed: () => this.#tellOf(source),
      }),
    )
  }

  #changed(): void {
    if (!this.#isStarting && !this.#isClosed) void this.#refresh()
  }

  /** Brings the matcher up to date; one at a time, once more when something changes meanwhile. */
  #refresh(): Promise<void> {
    this.#isStale = true
    this.#refreshing ??= this.#refreshUntilFresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #refreshUntilFresh(): Promise<void> {
    while (this.#isStale && !this.#isClosed) {
      this.#isStale = false
      const { strategy, compilePlan } = this.#settings
      const held = this.#held
      for (const source of held) {
        const outcome = await source.read(strategy)
        if (outcome === 'refused') this.#tellOf(source)
        if (outcome === 'taken') this.#warnOf(source)
      }
      const rules = held.flatMap((source) => source.rules.map((rule) => ({ ...rule, source: source.state.name })))
      const compiled = await compileRules(rules, compilePlan)
      if (this.#isClosed) return
      this.#compiled = compiled
      this.#matcher = createMatcher(compiled.indexed)
      this.#tellOfRules(rules.length)
    }
  }

  #tellOf({ state: { name, loaded, problems } }: HeldSource): void {
    const kept = loaded ? 'its last good rules stay in force' : 'none of its rules are in force'
    for (const problem of problems) {
      this.#deps.logger.error(
        { rule_source: name, ...(problem.ruleId !== undefined && { rule_id: problem.ruleId }) },
        `access rules cannot be taken, ${kept}: ${formatProblem(problem)}`,
      )
    }
    this.#deps.onChange?.()
  }

  #warnOf({ state: { name, warnings } }: HeldSource): void {
    for (const warning of warnings) this.#deps.logger.warn({ rule_source: name }, formatProblem(warning))
  }

  #tellOfRules(count: number): void {
    const { logger, onChange } = this.#deps
    const { valid, problems } = this.#compiled
    for (const problem of problems) {
      logger.error(
        { rule_id: problem.ruleId },
        `a rule has a mistake, what it matches is answered 500: ${formatProblem(problem)}`,
      )
    }
    logger.info({ rules: valid.length, rules_with_mistakes: count - valid.length }, 'access rules loaded')
    onChange?.()
  }
}
