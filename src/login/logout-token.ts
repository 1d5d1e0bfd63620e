import { TokenError, type VerifiedToken, verifyToken } from '../credentials/verify.ts'
import { isJsonObject } from '../lib/strict-json.ts'
import type { ProviderLogout, SessionsOf } from '../sessions/contract.ts'
import {
  checkAudience,
  checkExpiry,
  type Claims,
  type Expectation,
  isNumericDate,
  LEEWAY_SECONDS,
  problem,
} from './id-token-checks.ts'
import type { Provider } from './provider.ts'
import { toProviderError } from './provider-error.ts'

interface Expected extends Pick<Expectation, 'clientId' | 'now'> {
  readonly issuer: string
}

/**
 * What a logout token should be typed as. Providers of before that rule type it as any JWT or not at all (Keycloak up to 24, for
 * one); then it is known by `events`, which no ID token may have, and by having no `nonce`.
 */
const TYPES: ReadonlySet<string | undefined> = new Set(['logout+jwt', 'application/logout+jwt', 'jwt', undefined])
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** Providers give it two minutes. */
const MAX_AGE_SECONDS = 120
const MAX_NAME_CHARS = 1024

/** What must hold of the claims of a logout token whose signature is good, in this order. */
const CHECKS: readonly {
  readonly claim: string
  /** What is wrong, or nothing. Never holds a value of the token. */
  readonly check: (claims: Claims, expected: Expected) => string | undefined
}[] = [
  { claim: 'iss', check: ({ iss }, { issuer }) => problem(iss !== issuer, 'is not the issuer') },
  { claim: 'aud', check: checkAudience },
  { claim: 'events', check: checkEvents },
  { claim: 'nonce', check: (claims) => problem('nonce' in claims, 'is of an ID token, not of a logout token') },
  { claim: 'iat', check: checkIssuedAt },
  { claim: 'exp', check: checkExpiry },
  { claim: 'jti', check: ({ jti }) => problem(!isName(jti), NO_NAME) },
  { claim: 'sub', check: ({ sub }) => problem(sub !== undefined && !isName(sub), NO_NAME) },
  { claim: 'sid', check: ({ sid }) => problem(sid !== undefined && !isName(sid), NO_NAME) },
]

/**
 * Verifies a logout token: its signature as that of an ID token, then its claims.
 * @throws {TokenError} when it is not to be believed; its message holds nothing of the token.
 * @throws {GateError} ERR_PROVIDER_… when the provider's keys cannot be had.
 * @see [Back-Channel Logout §2.6](https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation)
 */
export async function verifyLogoutToken(provider: Provider, token: string, now: number): Promise<ProviderLogout> {
  const metadata = await provider.metadata()
  const { issuer } = metadata
  if (issuer === undefined) throw new TokenError('the issuer of this provider is not known')
  const { claims } = await verifySignature(provider, token, metadata)
  for (const { claim, check } of CHECKS) {
    const wrong = check(claims, { issuer, clientId: provider.options.clientId, now })
    if (wrong !== undefined) throw new TokenError(`${claim} of the logout token ${wrong}`)
  }
  return { of: sessionsOf(issuer, claims), tokenId: String(claims['jti']), issuedAt: Number(claims['iat']) * 1000 }
}

async function verifySignature(
  provider: Provider,
  token: string,
  metadata: Parameters<Provider['idTokenAlgorithms']>[0],
): Promise<VerifiedToken> {
  try {
    return await verifyToken(token, {
      algorithms: provider.idTokenAlgorithms(metadata),
      keys: provider.keys,
      acceptsType: (typ) => TYPES.has(typ),
    })
  } catch (cause: unknown) {
    if (cause instanceof TokenError) throw cause
    throw toProviderError(cause, provider.id)
  }
}

function sessionsOf(issuer: string, { sub, sid }: Claims): SessionsOf {
  if (typeof sid === 'string') return { issuer, sid, ...(typeof sub === 'string' && { subject: sub }) }
  if (typeof sub === 'string') return { issuer, subject: sub }
  throw new TokenError('the logout token has neither sub nor sid')
}

function checkEvents({ events }: Claims): string | undefined {
  if (!isJsonObject(events)) return 'is not an object'
  return problem(!isJsonObject(events[EVENT]), 'is not of a back-channel logout')
}

function checkIssuedAt({ iat }: Claims, { now }: Expected): string | undefined {
  if (!isNumericDate(iat)) return 'is not a time in seconds'
  if (iat - LEEWAY_SECONDS > now / 1000) return 'is in the future'
  return problem(iat + MAX_AGE_SECONDS + LEEWAY_SECONDS < now / 1000, 'is longer ago than two minutes')
}

const NO_NAME = `is not a text of 1 to ${MAX_NAME_CHARS} characters`

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME_CHARS
}
