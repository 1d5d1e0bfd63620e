import type { HandlerReference, Rule } from '../kernel/rule.ts'
import { isPlainObject, type PlainObject } from '../lib/deep-merge.ts'
import { compareVersions, parseVersion, type Version } from './version.ts'

/** One change of the format of rules. */
interface Migration {
  /** Rules written for this version of Oathkeeper, or one before, are changed. */
  readonly upTo: Version
  readonly apply: (rule: Rule) => Rule
}

/** In the order of the versions. A rule without a version is one of today. */
const MIGRATIONS: readonly Migration[] = [
  { upTo: { numbers: [0, 32, 0], preRelease: ['beta', '1'] }, apply: renameHydratorRetry },
  { upTo: { numbers: [0, 37, 0], preRelease: [] }, apply: writeKetoTemplates },
]

/** Brings a rule written for an older Oathkeeper up to date; `undefined` when its `version` is none. */
export function migrateRule(rule: Rule): Rule | undefined {
  if (rule.version === '') return rule
  const version = parseVersion(rule.version)
  if (version === undefined) return undefined
  return MIGRATIONS.filter(({ upTo }) => compareVersions(version, upTo) <= 0).reduce(
    (migrated, { apply }) => apply(migrated),
    rule,
  )
}

/**
 * `retry.delay_in_milliseconds` and `retry.number_of_retries` of a hydrator became durations. As in Oathkeeper they stay
 * under `config.retry`, where today's hydrator does not take them: such a rule is reported.
 */
function renameHydratorRetry(rule: Rule): Rule {
  return {
    ...rule,
    mutators: rule.mutators.map((mutator) => (mutator.handler === 'hydrator' ? renamed(mutator) : mutator)),
  }
}

const DEFAULT_DELAY_MS = 100

function renamed(mutator: HandlerReference): HandlerReference {
  const retry = mutator.config?.['retry']
  if (!isPlainObject(retry)) return mutator
  const { delay_in_milliseconds: delay, number_of_retries: retries, ...rest } = retry
  const changed: PlainObject = { ...rest }
  const delayMs = delay === undefined ? DEFAULT_DELAY_MS : wholeNumber(delay)
  if (delay !== undefined) changed['max_delay'] = `${delayMs}ms`
  if (retries !== undefined) changed['give_up_after'] = `${wholeNumber(retries) * delayMs}ms`
  return { ...mutator, config: { ...mutator.config, retry: changed } }
}

function wholeNumber(value: unknown): number {
  return Math.trunc(Number(value)) || 0
}

/** `$1` in what Keto is asked became a template. */
function writeKetoTemplates(rule: Rule): Rule {
  const { handler, config } = rule.authorizer
  if (handler !== 'keto_engine_acp_ory' || config === undefined) return rule
  const changed: PlainObject = { ...config }
  for (const key of ['required_action', 'required_resource']) {
    const value = changed[key]
    if (typeof value !== 'string') continue
    changed[key] = value.replace(/\$(\d+)/g, '{{ printIndex .MatchContext.RegexpCaptureGroups (sub $1 1 | int)}}')
  }
  return { ...rule, authorizer: { handler, config: changed } }
}
