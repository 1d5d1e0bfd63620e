import type { HandlerReference, HttpMatch, RpcMatch, Rule } from '../kernel/rule.ts'
import { type KeyPath } from '../lib/document.ts'
import { migrateRule } from './migrations.ts'
import { RuleReader } from './rule-reader.ts'

export interface RuleShapeProblem {
  readonly path: KeyPath
  readonly message: string
  readonly ruleId: string | undefined
}

/**
 * Reads a document of rules: a list, or nothing at all. Every part of the wrong type is told; unknown keys are ignored, with a
 * warning.
 * @param sortsKeys whether it was YAML: of several spellings of a key, the one that sorts last counts
 */
export function readRules(
  document: unknown,
  sortsKeys = false,
): {
  readonly rules: readonly Rule[]
  readonly problems: readonly RuleShapeProblem[]
  readonly warnings: readonly RuleShapeProblem[]
} {
  if (document === undefined || document === null) return NONE
  if (!Array.isArray(document)) {
    return { ...NONE, problems: [{ path: [], message: 'must be a list of rules', ruleId: undefined }] }
  }
  const problems: RuleShapeProblem[] = []
  const warnings: RuleShapeProblem[] = []
  const found = { problems, warnings, sortsKeys }
  const rules = document.map((item: unknown, index) => readRule(new RuleReader(item, [index], found)))
  return { rules, problems, warnings }
}

const NONE = { rules: [], problems: [], warnings: [] } as const

function readRule(rule: RuleReader): Rule {
  rule.ruleId = typeof rule.raw('id') === 'string' ? (rule.raw('id') as string) : undefined
  const upstream = rule.object('upstream')
  const read: Rule = {
    id: rule.text('id'),
    version: rule.text('version'),
    description: rule.text('description'),
    match: readMatch(rule),
    authenticators: rule.list('authenticators').map(readReference),
    authorizer: readReference(rule.object('authorizer')),
    mutators: rule.list('mutators').map(readReference),
    errors: rule.list('errors').map(readReference),
    upstream: {
      url: upstream.text('url'),
      preserveHost: upstream.flag('preserve_host'),
      stripPath: upstream.text('strip_path'),
    },
  }
  upstream.warnOfUnknown()
  rule.warnOfUnknown()
  // Rules are migrated by the key `version` in this spelling alone.
  const migrated = rule.hasExactly('version') ? migrateRule(read) : read
  if (migrated === undefined) {
    rule.tell(['version'], `must be a version of Oathkeeper such as v0.40.0, found "${read.version}"`)
  }
  return migrated ?? read
}

/** The RPC form is told by the presence of `full_method`, in exactly this spelling. */
function readMatch(rule: RuleReader): Rule['match'] {
  if (rule.exactly('Match') !== undefined && rule.exactly('Match') !== null) {
    // Oathkeeper keeps the read match under this very name, and takes no rule that uses it.
    rule.tell(['Match'], 'must be written "match"')
    return undefined
  }
  if (rule.raw('match') === undefined || rule.raw('match') === null) {
    rule.tell(['match'], 'is missing: without it the rule would match nothing')
    return undefined
  }
  const match = rule.object('match')
  const read = match.hasExactly('full_method') ? readRpcMatch(match) : readHttpMatch(match)
  match.warnOfUnknown()
  return read
}

function readRpcMatch(match: RuleReader): RpcMatch {
  const [authority, fullMethod] = [match.text('authority'), match.text('full_method')]
  return { kind: 'rpc', authority, fullMethod, allowHttpGet: match.flag('allow_http_get') }
}

function readHttpMatch(match: RuleReader): HttpMatch {
  return { kind: 'http', methods: match.texts('methods'), url: match.text('url') }
}

function readReference(reference: RuleReader): HandlerReference {
  const read = { handler: reference.text('handler'), config: reference.settings('config') }
  reference.warnOfUnknown()
  return read
}
