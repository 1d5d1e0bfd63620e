import { LRUCache } from 'lru-cache'
import { type AlgorithmName, isAlgorithmName } from './algorithms.ts'
import type { KeySource } from './key-set.ts'
import type { KeyLocations, KeySets } from './key-sets.ts'
import { TokenError, type VerifiedToken, verifyToken } from './verify.ts'

export interface TokenVerifierOptions extends KeyLocations {
  /** Names that mean nothing here are left out. */
  readonly algorithms: readonly string[]
}

/** Verifies signatures of JSON Web Tokens that others issued. */
export interface TokenVerifier {
  /**
   * The claims of a token whose signature is good; nothing is said about what they hold. They are shared: nobody may
   * change them. Answers at once while the keys are at hand. Throws, or rejects, otherwise; the message is for the log and
   * holds nothing of the token.
   */
  verify(token: string): Claims | Promise<Claims>
}

export type Claims = Readonly<Record<string, unknown>>

/** Creates verifiers. */
export interface TokenVerifiers {
  /** @throws {Error} with a sentence when keys cannot be read from a location, or no algorithm is known. */
  with(options: TokenVerifierOptions): TokenVerifier
}

export interface TokenVerifiersOptions {
  readonly keySets: KeySets
  /** Characters of all remembered tokens together. Default: 16 Mi. */
  readonly maxCacheChars?: number
}

/** What was not used for longest goes first. */
const MAX_CACHE_CHARS = 16 * 1024 * 1024
/** Claims take more room than the token that they were written in. */
const CHARS_OF_CLAIMS = 3

/**
 * Creates the verifiers, with one bounded memory for all. A token that was good is not verified again as long as the key
 * that verified it is in force.
 */
export function createTokenVerifiers({
  keySets,
  maxCacheChars = MAX_CACHE_CHARS,
}: TokenVerifiersOptions): TokenVerifiers {
  /** Verifiers with the same options remember the same tokens. */
  const numbers = new Map<string, number>()
  const remembered = new LRUCache<string, Remembered>({
    maxSize: maxCacheChars,
    sizeCalculation: (_, token) => token.length * (1 + CHARS_OF_CLAIMS),
  })
  return {
    with(options) {
      const { locations, maxAgeMs, maxWaitMs } = options
      const algorithms = options.algorithms.filter(isAlgorithmName)
      if (algorithms.length === 0) throw new Error('none of the algorithms is supported')
      const key = JSON.stringify([locations, maxAgeMs, maxWaitMs, algorithms])
      const number = numbers.get(key) ?? numbers.size
      numbers.set(key, number)
      return createVerifier(number, keySets.open(options), algorithms, remembered)
    },
  }
}

interface Remembered extends VerifiedToken {
  readonly kid: string | undefined
}

function createVerifier(
  number: number,
  keys: KeySource,
  algorithms: readonly AlgorithmName[],
  remembered: LRUCache<string, Remembered>,
): TokenVerifier {
  const options = { algorithms, keys, acceptsType: isBearerType, requiresKeyId: true }

  const remember = (cacheKey: string, verified: VerifiedToken): Claims => {
    if (isLogoutToken(verified.claims)) throw new TokenError('token is a logout token')
    remembered.set(cacheKey, { ...verified, kid: verified.key.kid })
    return verified.claims
  }

  return {
    verify(token) {
      // Ends at the first space: what stands before it names keys and algorithms, which the answer depends on.
      const cacheKey = `${number} ${token}`
      const known = remembered.get(cacheKey)
      if (known !== undefined) {
        const current = keys.find(known.algorithm, known.kid)
        if (!(current instanceof Promise) && current.includes(known.key)) return known.claims
      }
      const verified = verifyToken(token, options)
      return verified instanceof Promise
        ? verified.then((late) => remember(cacheKey, late))
        : remember(cacheKey, verified)
    },
  }
}

/**
 * Whether a token may be a bearer token: explicit types are not interchangeable, and `at+jwt` is the only one that is an
 * access token. What is no explicit type says nothing.
 * @see [RFC 8725 §3.11](https://www.rfc-editor.org/rfc/rfc8725.html#section-3.11)
 */
function isBearerType(typ: string | undefined): boolean {
  if (typ === undefined || !typ.endsWith('+jwt')) return true
  return typ === 'at+jwt' || typ === 'application/at+jwt'
}

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'

function isLogoutToken({ events }: Claims): boolean {
  return typeof events === 'object' && events !== null && LOGOUT_EVENT in events
}
