import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { integer, readDer, sequence } from './der.ts'

/** A private key in the PEM form that Go's x509 package writes for its type; a sentence for an unknown type. */
export function generatePrivateKey(type: string): string {
  switch (type) {
    case '':
    case 'rsa':
      return pemOf(rsaKey(4096))
    case 'dsa':
      return pemOf(generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 }).privateKey)
    case 'ecdsa':
      return pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
    case 'ed25519':
      return pemOf(generateKeyPairSync('ed25519').privateKey)
    default:
      return `Unknown type ${type}`
  }
}

export function rsaKey(bits: number): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength: bits }).privateKey
}

/** @throws {Error} when the text is no private key */
export function parsePrivateKey(pem: string): KeyObject {
  const type = /-----BEGIN ([^-]+)-----/.exec(pem)?.[1]
  if (type === undefined) throw new Error('no PEM data in input')
  if (!type.endsWith('PRIVATE KEY')) throw new Error(`no private key data in PEM block of type ${type}`)
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    throw new Error(`parsing ${type.replace(/ ?PRIVATE KEY$/, '') || 'PKCS#8'} private key from PEM`, { cause })
  }
}

export function pemOf(key: KeyObject): string {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return key.export({ type: 'pkcs1', format: 'pem' }).toString()
    case 'ec':
      return key.export({ type: 'sec1', format: 'pem' }).toString()
    case 'dsa':
      return dsaPem(key)
    default:
      return key.export({ type: 'pkcs8', format: 'pem' }).toString()
  }
}

export function toPem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/** OpenSSL's own form, which the runtime does not write: version, p, q, g, y, x. */
function dsaPem(key: KeyObject): string {
  const [info] = readDer(key.export({ type: 'pkcs8', format: 'der' }))
  const [, algorithm, secret] = readDer(info?.body ?? Buffer.alloc(0))
  const parameters = readDer(readDer(algorithm?.body ?? Buffer.alloc(0))[1]?.body ?? Buffer.alloc(0))
  const [p, q, g] = parameters.map(({ body }) => valueOf(body)) as [bigint, bigint, bigint]
  const x = valueOf(readDer(secret?.body ?? Buffer.alloc(0))[0]?.body ?? Buffer.alloc(1))
  const numbers = [0n, p, q, g, power(g, x, p), x].map(integer)
  return toPem('DSA PRIVATE KEY', sequence(...numbers))
}

function valueOf(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex')}`)
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  for (let factor = base % modulus, left = exponent; left > 0n; left >>= 1n, factor = (factor * factor) % modulus) {
    if (left & 1n) result = (result * factor) % modulus
  }
  return result
}
