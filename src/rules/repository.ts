import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Matcher } from '../kernel/matcher.ts'
import { formatProblem, type Problem } from '../kernel/problem.ts'
import type { Rule } from '../kernel/rule.ts'
import { createMatcher } from './index/matcher.ts'
import type { MatchingStrategy } from './patterns/compile.ts'
import { type CompiledRules, compileRules, type CompilePlan } from './compile-rules.ts'
import { type ReadRule, readSource } from './read-source.ts'
import { createSource } from './sources/sources.ts'
import type { RuleSource } from './sources/source.ts'

/** What the configuration says of rules. */
export interface RuleSettings<Plan> {
  /** `access_rules.repositories`. */
  readonly repositories: readonly string[]
  /** Folder that a relative `file://` begins at. */
  readonly baseDir: string
  readonly strategy: MatchingStrategy
  readonly compilePlan: CompilePlan<Plan>
}

export interface RepositoryDeps {
  readonly clock: Clock
  readonly logger: Logger
  /** Look after changes of the sources; false for one look (`validate`). Default true. */
  readonly watch?: boolean
}

/** What is known of one source. */
export interface SourceState {
  readonly name: string
  /** It was good once: its last good rules are in force. */
  readonly loaded: boolean
  /** What is wrong with what it holds now; empty when it is good. */
  readonly problems: readonly Problem[]
}

/** The rules in force, from all sources, compiled to one immutable matcher that is swapped whole. */
export interface RuleRepository<Plan> {
  readonly matcher: Matcher<Plan>
  /** Rules without a mistake, in the order of the sources. */
  list(): readonly Rule[]
  sources(): readonly SourceState[]
  /** What is wrong with single rules; what they match is answered 500. */
  ruleProblems(): readonly Problem[]
  /** Takes over changed settings; when it resolves, the new matcher is in force. */
  reload(settings: RuleSettings<Plan>): Promise<void>
  close(): void
}

interface HeldSource {
  readonly location: string
  readonly source: RuleSource
  content: Uint8Array | undefined
  rules: readonly ReadRule[] | undefined
  problems: readonly Problem[]
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
  #held: HeldSource[] = []
  #compiled: CompiledRules<Plan> = { indexed: [], valid: [], problems: [] }
  #matcher: Matcher<Plan> = createMatcher([])
  /** Counts compilations, so that a slow one never replaces a newer one. */
  #generation = 0
  #isReloading = false
  #closed = false

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
    return this.#held.map(({ source, rules, problems }) => ({
      name: source.name,
      loaded: rules !== undefined,
      problems,
    }))
  }

  ruleProblems(): readonly Problem[] {
    return this.#compiled.problems
  }

  async reload(settings: RuleSettings<Plan>): Promise<void> {
    const before = this.#settings
    this.#settings = settings
    this.#isReloading = true
    try {
      await this.#takeSources(settings)
      if (before.strategy !== settings.strategy) for (const held of this.#held) this.#read(held)
    } finally {
      this.#isReloading = false
    }
    await this.#compile()
  }

  close(): void {
    this.#closed = true
    for (const { source } of this.#held) source.close()
  }

  /** Keeps the sources that are still configured, with their last good rules; begins new ones, ends the others. */
  async #takeSources({ repositories, baseDir }: RuleSettings<Plan>): Promise<void> {
    const wanted = [...new Set(repositories)]
    const known = new Map(this.#held.map((held) => [held.location, held]))
    const added: HeldSource[] = []
    this.#held = wanted.map((location) => {
      const kept = known.get(location)
      if (kept !== undefined) return kept
      const context = { baseDir, clock: this.#deps.clock, watch: this.#deps.watch ?? true }
      const held = {
        location,
        source: createSource(location, context),
        content: undefined,
        rules: undefined,
        problems: [],
      }
      added.push(held)
      return held
    })
    for (const [location, { source }] of known) if (!wanted.includes(location)) source.close()
    await Promise.all(added.map((held) => held.source.start(this.#listener(held))))
  }

  #listener(held: HeldSource): Parameters<RuleSource['start']>[0] {
    return {
      onContent: (content) => {
        held.content = content
        this.#read(held)
        this.#changed()
      },
      onFailure: (message) => {
        held.problems = [{ source: held.source.name, path: '', message }]
        this.#tellOf(held)
        this.#changed()
      },
    }
  }

  #read(held: HeldSource): void {
    if (held.content === undefined) return
    const read = readSource(held.source.name, held.content, this.#settings.strategy)
    if ('rules' in read) {
      held.rules = read.rules
      held.problems = []
      return
    }
    held.problems = read.problems
    this.#tellOf(held)
  }

  #tellOf({ source, rules, problems }: HeldSource): void {
    const kept = rules === undefined ? 'none of its rules are in force' : 'its last good rules stay in force'
    for (const problem of problems) {
      this.#deps.logger.error(
        { rule_source: source.name, ...(problem.ruleId !== undefined && { rule_id: problem.ruleId }) },
        `access rules cannot be taken, ${kept}: ${formatProblem(problem)}`,
      )
    }
  }

  #changed(): void {
    if (this.#isReloading || this.#closed) return
    void this.#compile()
  }

  async #compile(): Promise<void> {
    const generation = ++this.#generation
    const rules = this.#held.flatMap(({ source, rules: read }) =>
      (read ?? []).map((each) => ({ ...each, source: source.name })),
    )
    const compiled = await compileRules(rules, this.#settings.compilePlan)
    if (generation !== this.#generation) return
    const matcher = createMatcher(compiled.indexed)
    this.#compiled = compiled
    this.#matcher = matcher
    const { logger } = this.#deps
    for (const problem of compiled.problems) {
      logger.error(
        { rule_id: problem.ruleId },
        `a rule has a mistake, what it matches is answered 500: ${formatProblem(problem)}`,
      )
    }
    logger.info(
      { rules: compiled.valid.length, rules_with_mistakes: rules.length - compiled.valid.length },
      'access rules loaded',
    )
  }
}
