import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type JsonWebKeyInput,
  type KeyObject,
  sign as signBytes,
} from 'node:crypto'
import { isJsonObject } from '../lib/strict-json.ts'
import { algorithm, type AlgorithmName, fitsAlgorithm, isAlgorithmName } from './algorithms.ts'

/** A key that signs tokens. */
export interface SigningKey {
  /** Gives the token with this payload, in compact form. */
  sign(payload: string): string
}

/** A JWK without a private member. */
export type PublicJwk = Readonly<Record<string, unknown>>

/** What one JWK Set brings: the key to sign with, and what others verify with. */
export interface SigningKeySet {
  /** Or why nothing can be signed, in a sentence. */
  readonly signingKey: SigningKey | string
  readonly publicKeys: readonly PublicJwk[]
}

interface Key {
  readonly kind: 'private' | 'public' | 'secret'
  readonly key: KeyObject
  readonly kid: string
  readonly alg: unknown
}

const MAX_KEYS = 100
const MIN_RSA_BITS = 2048
const NO_KEY = 'no suitable key could be found'

/**
 * Reads a JWK Set with private keys. One key that cannot be read spoils the set: what an operator means to sign with must
 * not change because of a slip.
 * @throws {SyntaxError} that names the key and holds nothing of it.
 */
export function parseSigningKeys(document: unknown): SigningKeySet {
  const jwks: unknown = isJsonObject(document) ? (document['keys'] ?? []) : undefined
  if (!Array.isArray(jwks)) throw new SyntaxError('not a JWK Set')
  if (jwks.length > MAX_KEYS) throw new SyntaxError(`a JWK Set with more than ${MAX_KEYS} keys`)
  const keys = jwks.map((jwk, index) => importKey(jwk, `keys[${index}]`))
  return {
    signingKey: chooseSigningKey(keys.map(({ key }) => key)),
    publicKeys: keys.flatMap(({ key, jwk }) => (key.kind === 'secret' ? [] : [publicJwk(key, jwk)])),
  }
}

/**
 * Chooses as Oathkeeper does: every private key met is the one to sign with, every public key gives the id that the token
 * names, and the walk ends when both are known. So a private key may sign under the id of its public half, and of several
 * private keys alone the last one signs.
 */
function chooseSigningKey(keys: readonly Key[]): SigningKey | string {
  let chosen: Key | undefined
  let kid = ''
  for (const key of keys) {
    if (key.kind !== 'public') chosen = key
    if (key.kind !== 'private') kid = key.kid
    if (chosen !== undefined && kid !== '') break
  }
  if (chosen === undefined || chosen.kid === '') return NO_KEY
  const { alg } = chosen
  if (!isAlgorithmName(alg))
    return `signing key "${chosen.kid}" declares unsupported algorithm ${JSON.stringify(alg ?? '')}`
  const half = chosen.kind === 'secret' ? chosen.key : createPublicKey(chosen.key)
  if (!fitsAlgorithm(half, alg)) return `signing key "${chosen.kid}" is of another type than its algorithm ${alg} needs`
  return createSigningKey(chosen.key, alg, kid === '' ? chosen.kid : kid)
}

function createSigningKey(key: KeyObject, alg: AlgorithmName, kid: string): SigningKey {
  const { family, digest, padding } = algorithm(alg)
  const header = base64Url(JSON.stringify({ alg, kid, typ: 'JWT' }))
  const signature = (input: string): Buffer => {
    if (family === 'oct')
      return createHmac(digest ?? '', key)
        .update(input)
        .digest()
    return signBytes(digest, Buffer.from(input), { key, padding, saltLength: SALT, dsaEncoding: 'ieee-p1363' })
  }
  return {
    sign(payload) {
      const input = `${header}.${base64Url(payload)}`
      return `${input}.${signature(input).toString('base64url')}`
    },
  }
}

/** RSA_PSS_SALTLEN_DIGEST: RFC 7518 §3.5 fixes the salt to the size of the digest. */
const SALT = -1

function base64Url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url')
}

function importKey(jwk: unknown, place: string): { readonly key: Key; readonly jwk: PublicJwk } {
  if (!isJsonObject(jwk)) throw new SyntaxError(`${place} is not a JWK`)
  const { kid = '', alg, d } = jwk
  if (typeof kid !== 'string') throw new SyntaxError(`${place}.kid is not a string`)
  const kind = jwk['kty'] === 'oct' ? 'secret' : d === undefined ? 'public' : 'private'
  const key = importMembers(kind, jwk)
  if (key === undefined || !isOfKnownType(key)) throw new SyntaxError(`${place} is not a key that can be read`)
  if (key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_RSA_BITS) {
    throw new SyntaxError(`${place} is an RSA key of less than ${MIN_RSA_BITS} bits`)
  }
  return { key: { kind, key, kid, alg }, jwk }
}

function isOfKnownType({ type, asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (type === 'secret' || asymmetricKeyType === 'rsa' || asymmetricKeyType === 'ed25519') return true
  return asymmetricKeyType === 'ec' && CURVES.has(asymmetricKeyDetails?.namedCurve ?? '')
}

const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

function importMembers(kind: Key['kind'], jwk: Record<string, unknown>): KeyObject | undefined {
  try {
    if (kind === 'secret') {
      const { k } = jwk
      return typeof k === 'string' && k !== '' ? createSecretKey(k, 'base64url') : undefined
    }
    const { kty, n, e, crv, x, y, d, p, q, dp, dq, qi } = jwk
    const input = { key: { kty, n, e, crv, x, y, d, p, q, dp, dq, qi }, format: 'jwk' } as JsonWebKeyInput
    return kind === 'private' ? createPrivateKey(input) : createPublicKey(input)
  } catch {
    return undefined
  }
}

/** What of a JWK everybody may see, besides the numbers of the public key. */
const PUBLIC_MEMBERS = ['use', 'kid', 'alg', 'x5u', 'x5c', 'x5t', 'x5t#S256'] as const

function publicJwk({ kind, key }: Key, jwk: PublicJwk): PublicJwk {
  const numbers = (kind === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' })
  const described = PUBLIC_MEMBERS.flatMap((name) => (jwk[name] === undefined ? [] : [[name, jwk[name]] as const]))
  return { ...Object.fromEntries(described), ...numbers }
}
