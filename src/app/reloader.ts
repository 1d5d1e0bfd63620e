import type { LoadedConfig } from '../config/load.ts'
import type { Logger } from '../kernel/logger.ts'
import { formatProblem, type Problem, ProblemsError } from '../kernel/problem.ts'
import type { Plan } from '../pipeline/plan.ts'
import type { RuleRepository } from '../rules/repository.ts'
import type { Generation } from './generation.ts'
import { keysThatWaitForRestart } from './restart-keys.ts'
import { ruleSettings } from './rule-settings.ts'
import type { Sessions } from './sessions.ts'
import type { TemplateReach } from './template-reach.ts'

export interface ReloaderOptions {
  readonly first: Generation
  readonly compile: (loaded: LoadedConfig) => Generation
  readonly rules: RuleRepository<Plan>
  readonly sessions: Pick<Sessions, 'reconfigure'>
  readonly templateReach: Pick<TemplateReach, 'follow'>
  readonly logger: Logger
}

/** Time that requests under way get with the login they began with, before its connections are closed. */
const OLD_LOGIN_MS = 30_000

/** Holds the generation in force and puts a changed configuration in its place, whole, one change after the other. */
export class Reloader {
  readonly #options: ReloaderOptions
  #current: Generation
  #queue: Promise<void> = Promise.resolve()
  #isRefused = false

  constructor(options: ReloaderOptions) {
    this.#options = options
    this.#current = options.first
  }

  get current(): Generation {
    return this.#current
  }

  /** Whether the newest configuration was refused, so that an older one is in force. */
  get isRefused(): boolean {
    return this.#isRefused
  }

  /** The files changed and load. */
  take(loaded: LoadedConfig): void {
    this.#queue = this.#queue.then(() => this.#swap(loaded))
  }

  /** The files changed and do not load: nothing that runs is changed. */
  refuse(problems: readonly Problem[]): void {
    this.#isRefused = true
    for (const problem of problems) {
      this.#options.logger.error(
        {},
        `the changed configuration is refused, the one before stays: ${formatProblem(problem)}`,
      )
    }
  }

  /** Resolves when every change that was taken is in force or refused. */
  settled(): Promise<void> {
    return this.#queue
  }

  async #swap(loaded: LoadedConfig): Promise<void> {
    const { compile, rules, sessions, templateReach, logger } = this.#options
    const before = this.#current
    try {
      const next = compile(loaded)
      await templateReach.follow(next.config.templates)
      await rules.reload(ruleSettings(next))
      this.#current = next
      this.#isRefused = false
      await sessions.reconfigure(next.config)
      this.#retire(before)
      for (const key of keysThatWaitForRestart(before.config, next.config)) {
        logger.warn({ key }, `a change of ${key} takes effect at the next start`)
      }
      logger.info({}, 'the changed configuration is in force')
    } catch (cause: unknown) {
      await templateReach.follow(before.config.templates)
      if (cause instanceof ProblemsError) this.refuse(cause.problems)
      else {
        this.#isRefused = true
        logger.error({ error: cause }, 'the changed configuration could not be taken, the one before stays')
      }
    }
  }

  #retire({ signIn }: Generation): void {
    setTimeout(() => void signIn.close(), OLD_LOGIN_MS).unref()
  }
}
