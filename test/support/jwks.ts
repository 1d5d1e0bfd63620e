import { generateKeyPairSync, randomBytes } from 'node:crypto'

/** A JWK with its private part. */
export type Jwk = Readonly<Record<string, unknown>>

const PRIVATE = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'])

/** Makes a new key that signs with the algorithm. */
export function makeJwk(kid: string, alg: string): Jwk {
  return { ...makeKey(alg), kid, alg, use: 'sig' }
}

/** The public half of a JWK, under another id if wanted. */
export function publicHalf(jwk: Jwk, changes: Jwk = {}): Jwk {
  return { ...Object.fromEntries(Object.entries(jwk).filter(([name]) => !PRIVATE.has(name))), ...changes }
}

function makeKey(alg: string): Jwk {
  if (alg.startsWith('HS')) return { kty: 'oct', k: randomBytes(64).toString('base64url') }
  const { privateKey } = makePair(alg)
  return { ...privateKey.export({ format: 'jwk' }) }
}

function makePair(alg: string) {
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519')
  if (!alg.startsWith('ES')) return generateKeyPairSync('rsa', { modulusLength: 2048 })
  const curves: Record<string, string> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }
  return generateKeyPairSync('ec', { namedCurve: curves[alg] ?? alg })
}
