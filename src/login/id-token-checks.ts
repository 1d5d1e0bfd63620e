import { createHash } from 'node:crypto'
import { algorithm, type AlgorithmName } from '../credentials/algorithms.ts'
import { isSameSecret } from './login-cookie.ts'

export type Claims = Readonly<Record<string, unknown>>

/** What an ID token is compared with. All of it is configuration, or was kept since the login began. */
export interface Expectation {
  /** `undefined` where nobody has said who it is. */
  readonly issuer: string | undefined
  readonly clientId: string
  /** `undefined` where the token names none that is known. */
  readonly algorithm: AlgorithmName | undefined
  readonly accessToken: string
  readonly now: number
  /** Of the transaction; at a refresh that of the first ID token, which need not be repeated. */
  readonly nonce: { readonly value: string | undefined; readonly isRequired: boolean }
  /** At a refresh: whose session it is. */
  readonly subject: string | undefined
  /** `max_age` of the authorization request, where it was asked for. */
  readonly maxAgeSeconds: number | undefined
  /** `acr_values` of the authorization request, where they were asked for. */
  readonly acrValues: readonly string[] | undefined
}

interface Check {
  readonly claim: string
  /** What is wrong, or nothing. Never holds a value of the token. */
  readonly check: (claims: Claims, expected: Expectation) => string | undefined
}

export const LEEWAY_SECONDS = 60
/** An ID token is fetched right after it is made; one this old was kept by somebody. */
const MAX_TOKEN_AGE_SECONDS = 24 * 3600
/** The end of the year 9999: beyond it are milliseconds taken for seconds, and overflows. */
const MAX_NUMERIC_DATE = 253_402_300_799

/**
 * What must hold of the claims of an ID token whose signature is good, in this order.
 * @see [OpenID Connect Core §3.1.3.7](https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation)
 */
export const ID_TOKEN_CHECKS: readonly Check[] = [
  {
    claim: 'iss',
    check: ({ iss }, { issuer }) => problem(issuer !== undefined && iss !== issuer, 'is not the issuer'),
  },
  { claim: 'aud', check: checkAudience },
  {
    claim: 'azp',
    check: ({ azp }, { clientId }) => problem(azp !== undefined && azp !== clientId, 'is not this client'),
  },
  { claim: 'sub', check: checkSubject },
  {
    claim: 'events',
    check: ({ events }) => problem(events !== undefined, 'is of a security event, not of an ID token'),
  },
  { claim: 'exp', check: checkExpiry },
  { claim: 'iat', check: checkIssuedAt },
  { claim: 'nbf', check: checkNotBefore },
  { claim: 'nonce', check: checkNonce },
  { claim: 'auth_time', check: checkAuthTime },
  { claim: 'acr', check: checkAcr },
  { claim: 'at_hash', check: checkAccessTokenHash },
]

export function problem(isWrong: boolean, text: string): string | undefined {
  return isWrong ? text : undefined
}

/** Only us: another audience is one that we do not know and that could use the token as well as we. */
export function checkAudience({ aud }: Claims, { clientId }: Pick<Expectation, 'clientId'>): string | undefined {
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!audiences.includes(clientId)) return 'does not hold this client'
  return problem(!audiences.every((audience) => audience === clientId), 'holds other clients too')
}

function checkSubject({ sub }: Claims, { subject }: Expectation): string | undefined {
  if (typeof sub !== 'string' || sub === '' || sub.length > 255) return 'is not a text of 1 to 255 characters'
  return problem(subject !== undefined && sub !== subject, 'is somebody else')
}

export function checkExpiry({ exp }: Claims, { now }: Pick<Expectation, 'now'>): string | undefined {
  if (!isNumericDate(exp)) return 'is not a time in seconds'
  return problem(exp + LEEWAY_SECONDS <= now / 1000, 'is past')
}

function checkIssuedAt({ iat }: Claims, { now }: Expectation): string | undefined {
  if (!isNumericDate(iat)) return 'is not a time in seconds'
  if (iat - LEEWAY_SECONDS > now / 1000) return 'is in the future'
  return problem(iat + MAX_TOKEN_AGE_SECONDS < now / 1000, 'is long ago')
}

function checkNotBefore({ nbf }: Claims, { now }: Expectation): string | undefined {
  if (nbf === undefined) return undefined
  if (!isNumericDate(nbf)) return 'is not a time in seconds'
  return problem(nbf - LEEWAY_SECONDS > now / 1000, 'is in the future')
}

function checkNonce({ nonce }: Claims, { nonce: expected }: Expectation): string | undefined {
  if (nonce === undefined) return problem(expected.isRequired, 'is missing')
  if (typeof nonce !== 'string') return 'is not a text'
  return problem(expected.value === undefined || !isSameSecret(nonce, expected.value), 'is of another login')
}

function checkAuthTime(claims: Claims, { maxAgeSeconds, now }: Expectation): string | undefined {
  const authTime = claims['auth_time']
  if (authTime !== undefined && !isNumericDate(authTime)) return 'is not a time in seconds'
  if (maxAgeSeconds === undefined) return undefined
  if (authTime === undefined) return 'is missing though max_age was asked for'
  if (authTime - LEEWAY_SECONDS > now / 1000) return 'is in the future'
  return problem(authTime + maxAgeSeconds + LEEWAY_SECONDS < now / 1000, 'is longer ago than max_age')
}

function checkAcr({ acr }: Claims, { acrValues }: Expectation): string | undefined {
  if (acrValues === undefined) return undefined
  return problem(typeof acr !== 'string' || !acrValues.includes(acr), 'is none of the acr_values asked for')
}

/** Optional in the code flow; when it is there, it says which access token belongs to this ID token. */
function checkAccessTokenHash(claims: Claims, { algorithm: name, accessToken }: Expectation): string | undefined {
  const hash = claims['at_hash']
  if (hash === undefined || name === undefined) return undefined
  const digest = createHash(algorithm(name).halfHash).update(accessToken, 'ascii').digest()
  return problem(hash !== digest.subarray(0, digest.length / 2).toString('base64url'), 'is of another access token')
}

export function isNumericDate(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_NUMERIC_DATE
}
