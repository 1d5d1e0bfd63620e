import type { Secret } from '../../lib/secret.ts'
import type { AuthMethod, CookieOptions } from '../options.ts'

/** What a login whose parts are rules takes from the configuration; the rest stands in its rules. */
export interface RuleLoginOptions {
  /** `session.cookie`, with its name. */
  readonly cookie: CookieOptions & { readonly name: string }
  /** `login.state_ttl`, or its default. */
  readonly stateTtlMs: number
  /** `login.timeout`, or its default. */
  readonly timeoutMs: number
}

/** The authenticator `callback`: the client at the provider. */
export interface RuleClientOptions {
  readonly clientId: string
  readonly clientSecret: Secret | undefined
  readonly authMethod: AuthMethod
  readonly tokenUrl: string
  readonly userinfoUrl: string
  /** Where the provider sends browsers back to: the address of the rule. */
  readonly redirectUrl: string
  /** Who signs the ID tokens. Nothing: found out by the provider's discovery document, where there is one. */
  readonly issuer: string | undefined
}

/** The error handler `redirect` with `type: auth`: where a login begins. */
export interface RuleBeginOptions {
  readonly clientId: string
  readonly redirectUrl: string
  /** Without a query. */
  readonly authorizationUrl: string
  /** Added to the authorization request; those that are the protocol's own are left out. */
  readonly authorizationParams: Readonly<Record<string, string>>
  readonly scopes: readonly string[]
}

/** The error handler `redirect` with `type: logout`. */
export interface RuleEndOptions {
  readonly logoutUrl: string
  readonly postLogoutRedirectUrl: string
}
