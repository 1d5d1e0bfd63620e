import type { AlgorithmName } from '../credentials/algorithms.ts'
import type { Secret } from '../lib/secret.ts'
import type { IdleTimeout } from '../sessions/contract.ts'

/** `login` and the parts of `session` that HTTP needs, read and defaulted: what `createLogin` takes. */
export interface LoginOptions {
  /** `login.base_url`: public origins, the first is the default. */
  readonly baseUrls: readonly string[]
  /** `login.base_path`. */
  readonly basePath: string
  /** `login.providers`, the first is the default. */
  readonly providers: readonly ProviderOptions[]
  /** `login.state_ttl`. */
  readonly stateTtlMs: number
  /** `login.timeout`: deadline of each call to a provider. */
  readonly timeoutMs: number
  /** `login.allowed_return_origins`. */
  readonly allowedReturnOrigins: readonly string[]
  /** `login.after_login`, `login.after_logout`: paths, or URLs of an allowed origin. */
  readonly afterLogin: string
  readonly afterLogout: string
  /** `session.cookie`. */
  readonly cookie: CookieOptions
  /** `session.remember_me`, where it is enabled. */
  readonly rememberMe?: RememberMeOptions | undefined
  /** `session.subject_from`. */
  readonly subjectFrom: string
}

export interface RememberMeOptions {
  /** A page asks before each login that does not say. */
  readonly asks: boolean
  readonly lifetimeMs: number
  readonly idleTimeout: IdleTimeout
}

/** `login.providers[].session`: what is different for sessions of one provider. */
export interface ProviderSessionOptions {
  readonly lifetimeMs: number | undefined
  readonly idleTimeout: IdleTimeout | undefined
  /** Paths to where it says until when the session may last. */
  readonly ceilingFrom: readonly string[]
}

export interface ProviderOptions {
  readonly id: string
  readonly issuer: string
  readonly clientId: string
  /** Nothing for a public client. */
  readonly clientSecret: Secret | undefined
  /** Nothing: `client_secret_basic` with a secret, `none` without. */
  readonly authMethod: AuthMethod | undefined
  /** `openid` is added where missing. */
  readonly scopes: readonly string[]
  readonly authorizationParams: Readonly<Record<string, string>>
  readonly userinfo: boolean
  /** Path of a PEM file with what to trust instead of the system's certificates. */
  readonly caFile: string | undefined
  readonly session?: ProviderSessionOptions | undefined
  /** The one algorithm of ID tokens, as registered; nothing for every asymmetric one that the provider names. */
  readonly idTokenAlgorithm?: AlgorithmName | undefined
}

export const AUTH_METHODS = ['client_secret_basic', 'client_secret_post', 'none'] as const

export type AuthMethod = (typeof AUTH_METHODS)[number]

export interface CookieOptions {
  /** Nothing: `__Host-oathkeeper` where that can be, else `oathkeeper`. */
  readonly name: string | undefined
  readonly domain: string | undefined
  readonly path: string
  readonly sameSite: 'lax' | 'strict' | 'none'
  readonly persistent: boolean
}
