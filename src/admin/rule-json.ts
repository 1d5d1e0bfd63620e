import type { HandlerReference, Rule } from '../kernel/rule.ts'

/** Go's own word for a password that is not shown. */
const HIDDEN = 'xxxxx'
const PASSWORD_OF_URL = /^([^/?#:]*:\/\/[^/?#:]*:)[^/?#]*@/

/**
 * A rule as Oathkeeper's API gives it: every field is there, `null` for what is not set; but no password and no client
 * secret is shown.
 */
export function describeRule(rule: Rule): unknown {
  return {
    id: rule.id,
    version: rule.version,
    description: rule.description,
    match: describeMatch(rule.match),
    authenticators: describeList(rule.authenticators),
    authorizer: describeReference(rule.authorizer),
    mutators: describeList(rule.mutators),
    errors: describeList(rule.errors),
    upstream: {
      preserve_host: rule.upstream.preserveHost,
      strip_path: rule.upstream.stripPath,
      url: rule.upstream.url.replace(PASSWORD_OF_URL, `$1${HIDDEN}@`),
    },
  }
}

function describeMatch(match: Rule['match']): unknown {
  if (match === undefined) return null
  if (match.kind === 'http') return { methods: match.methods.length === 0 ? null : match.methods, url: match.url }
  return { authority: match.authority, full_method: match.fullMethod, allow_http_get: match.allowHttpGet }
}

function describeList(references: readonly HandlerReference[]): unknown {
  return references.length === 0 ? null : references.map(describeReference)
}

function describeReference({ handler, config }: HandlerReference): unknown {
  return { handler, config: withoutSecrets(config ?? null) }
}

function withoutSecrets(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withoutSecrets)
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, key === 'client_secret' ? HIDDEN : withoutSecrets(part)]),
  )
}
