import type { Plan } from '../pipeline/plan.ts'
import type { RuleSettings } from '../rules/repository.ts'
import type { Generation } from './generation.ts'

/** What the repository of rules needs of a generation. Paths of files are absolute already. */
export function ruleSettings({ config, registry }: Generation): RuleSettings<Plan> {
  return {
    repositories: config.accessRules.repositories,
    baseDir: process.cwd(),
    refreshIntervalMs: config.accessRules.refreshIntervalMs,
    strategy: config.accessRules.matchingStrategy,
    compilePlan: (rule) => registry.compileRule(rule),
  }
}
