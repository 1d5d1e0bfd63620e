import { createHmac, createPrivateKey, type JsonWebKeyInput, sign } from 'node:crypto'
import { algorithm, isAlgorithmName } from '../../src/credentials/algorithms.ts'
import type { Jwk } from './jwks.ts'

/** Encodes one part of a JSON Web Token. */
export function encodePart(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

/** Signs claims with a JWK; `header` lays over what the key says. */
export function signJwt(jwk: Jwk, claims: unknown, header: Readonly<Record<string, unknown>> = {}): string {
  const name = jwk['alg']
  if (!isAlgorithmName(name)) throw new Error(`no algorithm: ${String(name)}`)
  const input = `${encodePart({ typ: 'JWT', alg: name, kid: jwk['kid'], ...header })}.${encodePart(claims)}`
  const { family, digest, padding } = algorithm(name)
  if (family === 'oct') {
    const secret = Buffer.from(String(jwk['k']), 'base64url')
    return `${input}.${createHmac(digest ?? '', secret)
      .update(input)
      .digest('base64url')}`
  }
  const key = createPrivateKey({ key: jwk, format: 'jwk' } as JsonWebKeyInput)
  const signature = sign(digest, Buffer.from(input), { key, padding, dsaEncoding: 'ieee-p1363', saltLength: -1 })
  return `${input}.${signature.toString('base64url')}`
}
