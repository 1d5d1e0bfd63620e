/** A rule as the API gives it. Nothing is sure about a document that came over the network. */
type RuleDocument = Readonly<Record<string, unknown>>

export const RULE_COLUMNS = ['ID', 'METHODS', 'URL', 'AUTHENTICATORS', 'AUTHORIZER', 'MUTATORS', 'UPSTREAM'] as const

/** The rule without what is not set, its members in alphabetical order, as Oathkeeper's command prints it. */
export function compactRule(rule: unknown): RuleDocument {
  const compact = withoutEmpty(rule)
  for (const key of ['authenticators', 'mutators', 'errors']) {
    const handlers = compact[key]
    if (Array.isArray(handlers)) compact[key] = handlers.map(withoutEmpty)
  }
  if (isObject(compact['authorizer'])) compact['authorizer'] = withoutEmpty(compact['authorizer'])
  if (isObject(compact['upstream'])) compact['upstream'] = withoutEmpty(compact['upstream'])
  return compact
}

export function ruleRow(rule: RuleDocument): string[] {
  const match = asObject(rule['match'])
  return [
    text(rule['id']),
    Array.isArray(match['methods']) ? match['methods'].map(text).join(',') : '',
    text(match['url'] ?? match['full_method']),
    handlersOf(rule['authenticators']),
    text(asObject(rule['authorizer'])['handler']),
    handlersOf(rule['mutators']),
    text(asObject(rule['upstream'])['url']),
  ]
}

function handlersOf(list: unknown): string {
  return Array.isArray(list) ? list.map((reference) => text(asObject(reference)['handler'])).join(',') : ''
}

function withoutEmpty(value: unknown): Record<string, unknown> {
  const members = Object.entries(asObject(value)).filter(([, member]) => !isEmpty(member))
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function isEmpty(member: unknown): boolean {
  return member === null || member === '' || member === false || (Array.isArray(member) && member.length === 0)
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function isObject(value: unknown): value is RuleDocument {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function asObject(value: unknown): RuleDocument {
  return isObject(value) ? value : {}
}
