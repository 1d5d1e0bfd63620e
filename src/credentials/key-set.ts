import { createPublicKey, createSecretKey, type JsonWebKeyInput, type KeyObject } from 'node:crypto'
import { isJsonObject } from '../lib/strict-json.ts'
import { fitsAlgorithm, type AlgorithmName, isAlgorithmName } from './algorithms.ts'

/** A key that may verify signatures. */
export interface VerificationKey {
  readonly kid: string | undefined
  /** The only algorithm that it may be used with, where its owner says so. */
  readonly algorithm: AlgorithmName | undefined
  readonly key: KeyObject
}

/** Where a verifier looks for keys. */
export interface KeySource {
  /** Keys that may have made a signature of this algorithm, under this id where the token names one. */
  find(
    algorithm: AlgorithmName,
    kid: string | undefined,
  ): readonly VerificationKey[] | Promise<readonly VerificationKey[]>
}

const MAX_KEYS = 100
const MIN_RSA_BITS = 2048
/** RFC 7518 §3.2: a key is as long as the digest at least. */
const MIN_SECRET_BYTES = 32

export interface JwksPolicy {
  /** Takes secret keys too: the set is not public. Default: nobody publishes them on purpose. */
  readonly acceptsSecrets?: boolean
  /** Leaves out keys that do not say `use: sig`. */
  readonly requiresUse?: boolean
}

/**
 * Reads a JWK Set. Keys that cannot verify signatures here are left out, as RFC 7517 §5 asks: other types and uses,
 * unknown algorithms, weak keys.
 * @throws {SyntaxError} when it is no JWK Set.
 */
export function parseJwks(document: unknown, policy: JwksPolicy = {}): VerificationKey[] {
  if (!isJsonObject(document) || !Array.isArray(document['keys'])) throw new SyntaxError('not a JWK Set')
  if (document['keys'].length > MAX_KEYS) throw new SyntaxError(`a JWK Set with more than ${MAX_KEYS} keys`)
  return document['keys'].map((jwk) => parseJwk(jwk, policy)).filter((key) => key !== undefined)
}

/** The keys among `keys` that `KeySource.find` gives. */
export function selectKeys(
  keys: readonly VerificationKey[],
  algorithm: AlgorithmName,
  kid: string | undefined,
): VerificationKey[] {
  return keys.filter(
    (key) =>
      (kid === undefined || key.kid === kid) &&
      (key.algorithm === undefined || key.algorithm === algorithm) &&
      fitsAlgorithm(key.key, algorithm),
  )
}

/** A source with one shared secret, for HS256 and its like. */
export function createSecretKeySource(secret: string): KeySource {
  const keys = [{ kid: undefined, algorithm: undefined, key: createSecretKey(Buffer.from(secret, 'utf8')) }]
  return { find: (algorithm) => selectKeys(keys, algorithm, undefined) }
}

function parseJwk(jwk: unknown, { acceptsSecrets, requiresUse }: JwksPolicy): VerificationKey | undefined {
  if (!isJsonObject(jwk)) return undefined
  const { kty, use, key_ops: operations, alg, kid } = jwk
  if (use !== 'sig' && (requiresUse === true || use !== undefined)) return undefined
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return undefined
  if (alg !== undefined && !isAlgorithmName(alg)) return undefined
  if (kid !== undefined && typeof kid !== 'string') return undefined
  const key = kty === 'oct' && acceptsSecrets === true ? importSecret(jwk['k']) : importPublicKey(kty, jwk)
  if (key === undefined) return undefined
  if (key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_RSA_BITS) return undefined
  if (alg !== undefined && !fitsAlgorithm(key, alg)) return undefined
  return { kid, algorithm: alg, key }
}

function importSecret(k: unknown): KeyObject | undefined {
  if (typeof k !== 'string' || !/^[\w-]+$/.test(k)) return undefined
  const secret = Buffer.from(k, 'base64url')
  return secret.length < MIN_SECRET_BYTES ? undefined : createSecretKey(secret)
}

function importPublicKey(kty: unknown, jwk: Record<string, unknown>): KeyObject | undefined {
  if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') return undefined
  // Only the public members: `x5c`, `x5u` and a private part are not looked at.
  const { n, e, crv, x, y } = jwk
  try {
    return createPublicKey({ key: { kty, n, e, crv, x, y }, format: 'jwk' } as JsonWebKeyInput)
  } catch {
    return undefined
  }
}
