import { type ErrorStep, HandlerConfigError } from '../../kernel/handlers.ts'
import type { RuleBeginOptions, RuleLogin } from '../deps.ts'
import { compileWhen, type When } from './when.ts'

/** The keys of `redirect` that its types `auth` and `logout` read. */
export interface ProviderRedirectConfig {
  readonly to?: string | undefined
  readonly oidc_authorization_url?: string | undefined
  readonly client_id?: string | undefined
  readonly redirect_url?: string | undefined
  readonly scopes?: readonly string[] | undefined
  readonly oidc_logout_url?: string | undefined
  readonly post_logout_redirect_url?: string | undefined
  readonly when?: When
}

/**
 * Compiles `type: auth`. It answers 401 to browsers that want a page: a login does not help against any other error, and must
 * not begin for a script or an image.
 */
export function compileBegin(config: ProviderRedirectConfig, ruleLogin: RuleLogin | undefined): ErrorStep {
  const { beginner, isNavigation } = enabled(ruleLogin, 'auth')
  const begin = beginner(config.oidc_authorization_url === undefined ? readTarget(config) : readKeys(config))
  const holds = compileWhen(config.when)
  return {
    precedence: 'sole',
    matches: (failure) => failure.error.status === 401 && isNavigation(failure.exchange.request) && holds(failure),
    respond: ({ error, exchange: { request, hasStaleTicket } }) => begin({ request, error, hasStaleTicket }),
  }
}

/** Compiles `type: logout`. */
export function compileEnd(config: ProviderRedirectConfig, ruleLogin: RuleLogin | undefined): ErrorStep {
  const end = enabled(ruleLogin, 'logout').ender({
    logoutUrl: required(config, 'oidc_logout_url', 'logout'),
    postLogoutRedirectUrl: required(config, 'post_logout_redirect_url', 'logout'),
  })
  return {
    precedence: 'sole',
    matches: compileWhen(config.when),
    respond: ({ exchange: { request } }) => end(request),
  }
}

function enabled(ruleLogin: RuleLogin | undefined, type: string): RuleLogin {
  if (ruleLogin !== undefined) return ruleLogin
  throw new HandlerConfigError(['type'], `${type} needs the authenticators callback and session_jwt to be enabled`)
}

type TextKey = 'oidc_authorization_url' | 'client_id' | 'redirect_url' | 'oidc_logout_url' | 'post_logout_redirect_url'

function required(config: ProviderRedirectConfig, key: TextKey, type: string): string {
  const value = config[key]
  if (value === undefined || value === '') throw new HandlerConfigError([key], `is required with type: ${type}`)
  return value
}

const DEFAULT_SCOPES = ['openid', 'profile', 'email']

function readKeys(config: ProviderRedirectConfig): RuleBeginOptions {
  const { url, query } = splitQuery(required(config, 'oidc_authorization_url', 'auth'))
  return {
    authorizationUrl: url,
    clientId: required(config, 'client_id', 'auth'),
    redirectUrl: required(config, 'redirect_url', 'auth'),
    scopes: config.scopes ?? DEFAULT_SCOPES,
    authorizationParams: Object.fromEntries(query),
  }
}

/** The form of the configuration in which `to` is the whole authorization request, but for its state. */
function readTarget({
  to = '',
  client_id: clientId,
  redirect_url: redirectUrl,
  scopes,
}: ProviderRedirectConfig): RuleBeginOptions {
  if (!URL.canParse(to)) throw new HandlerConfigError(['oidc_authorization_url'], 'is required with type: auth')
  const { url, query } = splitQuery(to)
  const own = (key: string, given: string | undefined): string => {
    const value = given ?? query.get(key) ?? ''
    if (value === '') throw new HandlerConfigError(['to'], `has no ${key}, and there is no key for it`)
    return value
  }
  return {
    authorizationUrl: url,
    clientId: own('client_id', clientId),
    redirectUrl: own('redirect_uri', redirectUrl),
    scopes:
      scopes ??
      query
        .get('scope')
        ?.split(' ')
        .filter((scope) => scope !== '') ??
      DEFAULT_SCOPES,
    authorizationParams: Object.fromEntries(query),
  }
}

function splitQuery(text: string): { readonly url: string; readonly query: URLSearchParams } {
  const parsed = new URL(text)
  const query = new URLSearchParams(parsed.search)
  parsed.search = ''
  return { url: parsed.href, query }
}
