import { randomUUID } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../kernel/clock.ts'
import { GateError } from '../kernel/errors.ts'
import { goJson } from '../lib/go-json.ts'
import { isJsonObject } from '../lib/strict-json.ts'
import type { SigningKey, SigningKeySet } from './signing-key.ts'
import type { SigningKeys } from './signing-keys.ts'

/** What all tokens of one configuration share. */
export interface TokenProfile {
  /** Where the key set is that they are signed with. */
  readonly keys: string
  readonly issuer: string
  readonly ttlMs: number
}

/**
 * Gives a signed token for a subject. `claims` is the text of a JSON object; or there are none.
 * @throws {GateError} ERR_SIGNING_KEY_UNAVAILABLE; ERR_TEMPLATE_FAILED for claims that are no object.
 */
export type IssueToken = (subject: string, claims: string | undefined) => string | Promise<string>

/** Issues tokens of our own. */
export interface TokenIssuer {
  /** @throws {Error} with a sentence when keys cannot be read from where the profile says. */
  with(profile: TokenProfile): IssueToken
}

export interface TokenIssuerOptions {
  readonly keys: Pick<SigningKeys, 'at'>
  readonly clock: Clock
  /** Characters of all cached tokens and their keys together. Default: 16 Mi. */
  readonly maxCacheChars?: number
}

interface Issued {
  readonly token: string
  readonly signedWith: SigningKey
  /** From then on a fresh one is made, so that nobody gets a token that ends at once. */
  readonly renewAt: number
}

/** What was not used for longest goes first (V-007). */
const MAX_CACHE_CHARS = 16 * 1024 * 1024
/** Part of its time that a token must have left to be given out. */
const MIN_REST = 0.1

/**
 * Creates the issuer, with one bounded cache for all profiles. A cached token is given to the same subject with the same claims
 * under the same profile, until little of its time is left or its key is not the one in force any more.
 */
export function createTokenIssuer(options: TokenIssuerOptions): TokenIssuer {
  const { keys, clock } = options
  const cache = new LRUCache<string, Issued>({
    maxSize: options.maxCacheChars ?? MAX_CACHE_CHARS,
    sizeCalculation: ({ token }, key) => token.length + key.length,
  })
  return {
    with(profile) {
      const source = keys.at(profile.keys)
      const prefix = JSON.stringify([profile.keys, profile.issuer, profile.ttlMs])

      const issue = (set: SigningKeySet, subject: string, claims: string | undefined): string => {
        const signingKey = usable(set)
        // Two JSON texts behind one another: no other pair of parts gives the same key (V-049).
        const cacheKey = prefix + JSON.stringify([subject, claims])
        const cached = cache.get(cacheKey)
        const now = clock.now()
        if (cached !== undefined && cached.signedWith === signingKey && now < cached.renewAt) return cached.token
        const token = signingKey.sign(payload(profile, subject, claims, now))
        const renewAt = now + profile.ttlMs * (1 - MIN_REST)
        if (renewAt > now) cache.set(cacheKey, { token, signedWith: signingKey, renewAt })
        return token
      }

      return (subject, claims) => {
        const set = source.current()
        if (!(set instanceof Promise)) return issue(set, subject, claims)
        return set.then((late) => issue(late, subject, claims), unreadable)
      }
    },
  }
}

function usable({ signingKey }: SigningKeySet): SigningKey {
  if (typeof signingKey !== 'string') return signingKey
  throw new GateError('ERR_SIGNING_KEY_UNAVAILABLE', { detail: signingKey })
}

function unreadable(cause: unknown): never {
  const detail = cause instanceof Error ? cause.message : String(cause)
  throw new GateError('ERR_SIGNING_KEY_UNAVAILABLE', { cause, detail })
}

/** What says who, by whom and for how long is not for a template to say. */
function payload({ issuer, ttlMs }: TokenProfile, subject: string, claims: string | undefined, now: number): string {
  const iat = Math.floor(now / 1000)
  const exp = Math.floor((now + ttlMs) / 1000)
  const forced = { exp, jti: randomUUID(), iat, iss: issuer, nbf: iat, sub: subject }
  try {
    return goJson({ ...(claims !== undefined && parseClaims(claims)), ...forced })
  } catch {
    // The cause would quote the claims, which may hold what nobody may read.
    throw new GateError('ERR_TEMPLATE_FAILED', { message: 'the claims of the token are not a JSON object' })
  }
}

function parseClaims(claims: string): Record<string, unknown> {
  const value: unknown = JSON.parse(claims.toWellFormed())
  if (!isJsonObject(value)) throw new SyntaxError('not an object')
  return value
}
