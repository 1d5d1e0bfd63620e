import { z } from 'zod'
import type { Claims, TokenVerifier, TokenVerifierOptions, TokenVerifiers } from '../credentials/token-verifier.ts'
import type { Clock } from '../kernel/clock.ts'
import { GateError } from '../kernel/errors.ts'
import { HandlerConfigError } from '../kernel/handlers.ts'
import { parseDuration } from '../lib/duration.ts'
import { uri } from './fields.ts'
import { scopeComparison, scopeStrategySchema } from './scope-strategy.ts'

/** Keys of a handler that verifies JSON Web Tokens, wherever it finds them. */
export const tokenPolicyFields = {
  jwks_urls: z
    .array(uri())
    .describe(
      'Where the JWK Sets with the keys are: `http://`, `https://`, `file://`, `s3://`, `gs://` or `azblob://`.',
    ),
  allowed_algorithms: z
    .array(z.string())
    .default(['RS256'])
    .describe('Signature algorithms that are accepted; what the token says is only compared with it.'),
  required_scope: z.array(z.string()).default([]).describe('Scopes that the token must be granted, all of them.'),
  scope_strategy: scopeStrategySchema,
  target_audience: z.array(z.string()).default([]).describe('Audiences that `aud` must hold, all of them.'),
  trusted_issuers: z.array(z.string()).default([]).describe('`iss` must be one of them. Default: any.'),
  jwks_max_wait: z.string().default('1s').describe('The longest wait for a key set; then older keys count.'),
  jwks_ttl: z.string().default('30s').describe('How long a key set is used before it is read anew.'),
} as const

type TokenPolicyConfig = z.output<z.ZodObject<typeof tokenPolicyFields>>

export interface TokenPolicyDeps {
  readonly verifiers: TokenVerifiers
  readonly clock: Clock
}

/** What a token says, without regard to any rule. */
export interface TokenIdentity {
  readonly subject: string
  readonly issuer: string
  readonly audiences: readonly string[]
  readonly scopes: readonly string[]
  readonly extra: Claims
}

/**
 * Who the token is about, once its signature, its times and what the rule asks for are good. Answers at once while the keys
 * are at hand. Throws, or rejects with, ERR_CREDENTIALS_INVALID.
 */
export type TokenPolicy = (token: string) => TokenIdentity | Promise<TokenIdentity>

/**
 * Compiles what a rule asks of a token.
 * @param skewSeconds by which the clock of the issuer may be ahead of ours. Default: 0, as in Oathkeeper.
 * @throws {HandlerConfigError} that says which key is wrong.
 */
export function compileTokenPolicy(
  config: TokenPolicyConfig,
  { verifiers, clock }: TokenPolicyDeps,
  skewSeconds = 0,
): TokenPolicy {
  const verifier = compileVerifier(verifiers, {
    locations: config.jwks_urls,
    algorithms: config.allowed_algorithms.length === 0 ? ['RS256'] : config.allowed_algorithms,
    maxAgeMs: compileDuration(config.jwks_ttl, 'jwks_ttl'),
    maxWaitMs: compileDuration(config.jwks_max_wait, 'jwks_max_wait'),
  })
  const checkRule = compileRuleChecks(config)
  const known = new WeakMap<Claims, TokenIdentity>()

  const judge = (claims: Claims): TokenIdentity => {
    checkTimes(claims, clock.now() / 1000, skewSeconds)
    let identity = known.get(claims)
    if (identity === undefined) {
      identity = readIdentity(claims)
      known.set(claims, identity)
    }
    // On every request, cached or not: another rule asks for another audience (V-034).
    checkRule(identity)
    return identity
  }

  return (token) => {
    const claims = verify(verifier, token)
    return claims instanceof Promise ? claims.then(judge, throwExplained) : judge(claims)
  }
}

function compileVerifier(verifiers: TokenVerifiers, options: TokenVerifierOptions): TokenVerifier {
  try {
    return verifiers.with(options)
  } catch (cause: unknown) {
    throw new HandlerConfigError([], cause instanceof Error ? cause.message : String(cause))
  }
}

function compileDuration(text: string, key: string): number {
  try {
    return parseDuration(text)
  } catch {
    throw new HandlerConfigError([key], 'is not a duration such as 500ms, 30s or 10m')
  }
}

/** Whether a text can be a JSON Web Token at all. */
export function hasThreeParts(token: string): boolean {
  const first = token.indexOf('.')
  const second = first === -1 ? -1 : token.indexOf('.', first + 1)
  return second !== -1 && !token.includes('.', second + 1)
}

function verify(verifier: TokenVerifier, token: string): Claims | Promise<Claims> {
  try {
    return verifier.verify(token)
  } catch (cause: unknown) {
    return throwExplained(cause)
  }
}

/** Keys that cannot be had are no reason to let anybody in, nor to tell a client about them. */
function throwExplained(cause: unknown): never {
  if (cause instanceof GateError) throw cause
  const message = cause instanceof Error ? cause.message : String(cause)
  const isAboutToken = cause instanceof Error && cause.name === 'TokenError'
  const reason = isAboutToken
    ? `The JSON Web Token is not accepted: ${message}.`
    : 'There are no keys to verify it with.'
  throw new GateError('ERR_CREDENTIALS_INVALID', { cause, reason, detail: message })
}

function refuse(reason: string): never {
  throw new GateError('ERR_CREDENTIALS_INVALID', { reason, detail: reason })
}

/** The end of the year 9999: beyond it are milliseconds taken for seconds, and overflows. */
const MAX_NUMERIC_DATE = 253_402_300_799

/** Times are checked where they are there. */
function checkTimes({ exp, nbf, iat }: Claims, nowSeconds: number, skewSeconds: number): void {
  const begun = nowSeconds + skewSeconds
  if (exp !== undefined && readDate(exp, 'exp') <= nowSeconds) refuse('Token is expired.')
  if (nbf !== undefined && readDate(nbf, 'nbf') > begun) refuse('Token is not valid yet.')
  if (iat !== undefined && readDate(iat, 'iat') > begun) refuse('Token is used before it was issued.')
}

/** Whole seconds (RFC 7519 §2 allows fractions). */
function readDate(value: unknown, claim: string): number {
  if (typeof value === 'number' && value >= 0 && value <= MAX_NUMERIC_DATE) return Math.floor(value)
  return refuse(`Claim ${claim} is not a time in seconds.`)
}

function compileRuleChecks(config: TokenPolicyConfig): (identity: TokenIdentity) => void {
  const covers = scopeComparison(config.scope_strategy)
  return ({ issuer, audiences, scopes }) => {
    for (const audience of config.target_audience) {
      if (!audiences.includes(audience)) refuse(`Token audience is not intended for target audience ${audience}.`)
    }
    if (config.trusted_issuers.length > 0 && !config.trusted_issuers.includes(issuer)) {
      refuse('Token issuer does not match any trusted issuer.')
    }
    if (covers === undefined && config.required_scope.length > 0) {
      refuse('Scope validation was requested but scope strategy is set to "none".')
    }
    for (const scope of config.required_scope) {
      if (covers?.(scopes, scope) !== true) refuse(`JSON Web Token is missing required scope "${scope}".`)
    }
  }
}

const SCOPE_CLAIMS = ['scp', 'scope', 'scopes'] as const

/** Templates see scopes as the list `scp`, whatever the token calls them. */
function readIdentity(claims: Claims): TokenIdentity {
  const scopeClaim = SCOPE_CLAIMS.find((name) => Object.hasOwn(claims, name))
  const scopes = scopeClaim === undefined ? [] : readScopes(claims[scopeClaim])
  const { sub, iss, aud } = claims
  const extra: Record<string, unknown> = { ...claims }
  if (scopeClaim !== undefined) delete extra[scopeClaim]
  extra['scp'] = scopes
  return {
    subject: typeof sub === 'string' ? sub : '',
    issuer: typeof iss === 'string' ? iss : '',
    audiences: readAudiences(aud),
    scopes,
    extra,
  }
}

function readScopes(value: unknown): string[] {
  if (typeof value === 'string') return value === '' ? [] : value.split(' ')
  return Array.isArray(value) ? value.map((scope: unknown) => (typeof scope === 'string' ? scope : '')) : []
}

/** One audience, or a list of nothing but audiences. */
function readAudiences(aud: unknown): readonly string[] {
  if (typeof aud === 'string') return [aud]
  return Array.isArray(aud) && aud.every((audience) => typeof audience === 'string') ? aud : []
}
