import { constants, type KeyObject } from 'node:crypto'

interface Algorithm {
  /** Digest for `crypto.verify`; `null` where the key brings its own. */
  readonly digest: string | null
  readonly family: 'RSA' | 'EC' | 'OKP' | 'oct'
  /** Named curve of node:crypto, for EC. */
  readonly curve?: string
  readonly padding?: number
  /** Digest that `at_hash` uses. */
  readonly halfHash: 'sha256' | 'sha384' | 'sha512'
}

const { RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING } = constants

/** Signature algorithms that can be accepted. `none` is not one of them, in any spelling. */
export const ALGORITHMS = {
  RS256: { family: 'RSA', digest: 'sha256', padding: RSA_PKCS1_PADDING, halfHash: 'sha256' },
  RS384: { family: 'RSA', digest: 'sha384', padding: RSA_PKCS1_PADDING, halfHash: 'sha384' },
  RS512: { family: 'RSA', digest: 'sha512', padding: RSA_PKCS1_PADDING, halfHash: 'sha512' },
  PS256: { family: 'RSA', digest: 'sha256', padding: RSA_PKCS1_PSS_PADDING, halfHash: 'sha256' },
  PS384: { family: 'RSA', digest: 'sha384', padding: RSA_PKCS1_PSS_PADDING, halfHash: 'sha384' },
  PS512: { family: 'RSA', digest: 'sha512', padding: RSA_PKCS1_PSS_PADDING, halfHash: 'sha512' },
  ES256: { family: 'EC', digest: 'sha256', curve: 'prime256v1', halfHash: 'sha256' },
  ES384: { family: 'EC', digest: 'sha384', curve: 'secp384r1', halfHash: 'sha384' },
  ES512: { family: 'EC', digest: 'sha512', curve: 'secp521r1', halfHash: 'sha512' },
  EdDSA: { family: 'OKP', digest: null, halfHash: 'sha512' },
  Ed25519: { family: 'OKP', digest: null, halfHash: 'sha512' },
  HS256: { family: 'oct', digest: 'sha256', halfHash: 'sha256' },
  HS384: { family: 'oct', digest: 'sha384', halfHash: 'sha384' },
  HS512: { family: 'oct', digest: 'sha512', halfHash: 'sha512' },
} as const satisfies Record<string, Algorithm>

export type AlgorithmName = keyof typeof ALGORITHMS

export function isAlgorithmName(name: unknown): name is AlgorithmName {
  return typeof name === 'string' && Object.hasOwn(ALGORITHMS, name)
}

export function algorithm(name: AlgorithmName): Algorithm {
  return ALGORITHMS[name]
}

/** Every algorithm whose key the verifier may publish. */
export const ASYMMETRIC_ALGORITHMS: readonly AlgorithmName[] = Object.keys(ALGORITHMS)
  .filter(isAlgorithmName)
  .filter((name) => algorithm(name).family !== 'oct')

/** Whether a key is of the type, and on the curve, that the algorithm needs: no key serves two families. */
export function fitsAlgorithm(key: KeyObject, name: AlgorithmName): boolean {
  const { family, curve } = algorithm(name)
  if (family === 'oct') return key.type === 'secret'
  if (key.type !== 'public') return false
  if (family === 'RSA') return key.asymmetricKeyType === 'rsa'
  if (family === 'OKP') return key.asymmetricKeyType === 'ed25519'
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === curve
}
