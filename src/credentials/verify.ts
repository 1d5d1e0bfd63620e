import { createHmac, timingSafeEqual, verify as verifySignature } from 'node:crypto'
import { isJsonObject, parseStrictJsonBytes } from '../lib/strict-json.ts'
import { algorithm, type AlgorithmName, isAlgorithmName } from './algorithms.ts'
import type { KeySource, VerificationKey } from './key-set.ts'

/** Why a token is not accepted. The message is for the operator's log and holds nothing of the token. */
export class TokenError extends Error {
  override readonly name = 'TokenError'
}

export interface VerifyOptions {
  /** From configuration. What the token's header says is only compared with it. */
  readonly algorithms: readonly AlgorithmName[]
  readonly keys: KeySource
  /** Whether a `typ`, in lower case, is accepted; `undefined` stands for a header without one. */
  readonly acceptsType: (typ: string | undefined) => boolean
  /** Refuses a token that does not say by which key it is signed. */
  readonly requiresKeyId?: boolean
}

/** A token whose signature is good. Nothing is said yet about its claims. */
export interface VerifiedToken {
  readonly algorithm: AlgorithmName
  /** The key that verified it. */
  readonly key: VerificationKey
  readonly claims: Readonly<Record<string, unknown>>
}

const MAX_TOKEN_CHARS = 48 * 1024
const MAX_HEADER_CHARS = 4 * 1024

/**
 * Verifies a JWS in compact form. Key and algorithm come from configuration; `jku`, `x5u`, `jwk` and `x5c` of the header
 * are not looked at, extensions (`crit`, `b64`) are refused, and five-part tokens (JWE) are no JWS. Answers at once while
 * the keys are at hand.
 * @throws {TokenError} when the token is not acceptable; whatever `keys.find` throws when keys cannot be had.
 * @see [RFC 7515 §5.2](https://www.rfc-editor.org/rfc/rfc7515.html#section-5.2)
 */
export function verifyToken(token: string, options: VerifyOptions): VerifiedToken | Promise<VerifiedToken> {
  const parts = splitToken(token)
  const name = checkHeader(parts.header, options)
  const kid = readKeyId(parts.header, options)
  const keys = options.keys.find(name, kid)
  return keys instanceof Promise
    ? keys.then((found) => verifyWith(found, name, kid, parts))
    : verifyWith(keys, name, kid, parts)
}

interface TokenParts {
  readonly header: Record<string, unknown>
  readonly signingInput: Buffer
  readonly payload: Buffer
  readonly signature: Buffer
}

function verifyWith(
  keys: readonly VerificationKey[],
  name: AlgorithmName,
  kid: string | undefined,
  { signingInput, payload, signature }: TokenParts,
): VerifiedToken {
  if (keys.length === 0) {
    throw new TokenError(`no key for ${name}${kid === undefined ? '' : ' and the kid of the token'}`)
  }
  const key = keys.find((candidate) => isSignedBy(candidate, name, signingInput, signature))
  if (key === undefined) throw new TokenError('signature is wrong')
  return { algorithm: name, key, claims: parseObject(payload, 'payload') }
}

/**
 * Reads a JWS in compact form whose sender is known by other means, such as TLS; nobody's signature is looked at. `algorithm`
 * is what its header names, if that is one.
 * @throws {TokenError} when the token cannot be read.
 */
export function readToken(
  token: string,
  acceptsType: VerifyOptions['acceptsType'],
): { readonly algorithm: AlgorithmName | undefined; readonly claims: VerifiedToken['claims'] } {
  const { header, payload } = splitToken(token)
  checkType(header, acceptsType)
  const { alg } = header
  return { algorithm: isAlgorithmName(alg) ? alg : undefined, claims: parseObject(payload, 'payload') }
}

function splitToken(token: string): TokenParts {
  // Sizes and dots first: no work grows with what a stranger sends.
  if (token.length > MAX_TOKEN_CHARS) throw new TokenError('token is too large')
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  if (first === -1 || second === -1 || token.includes('.', second + 1)) throw new TokenError('not three parts')
  if (first > MAX_HEADER_CHARS) throw new TokenError('header is too large')
  return {
    header: parseObject(decodeBase64Url(token.slice(0, first), 'header'), 'header'),
    signingInput: Buffer.from(token.slice(0, second), 'latin1'),
    payload: decodeBase64Url(token.slice(first + 1, second), 'payload'),
    signature: decodeBase64Url(token.slice(second + 1), 'signature'),
  }
}

function checkHeader(header: Record<string, unknown>, { algorithms, acceptsType }: VerifyOptions): AlgorithmName {
  const { alg } = header
  if (!isAlgorithmName(alg) || !algorithms.includes(alg)) throw new TokenError('algorithm is not accepted')
  checkType(header, acceptsType)
  return alg
}

function checkType(header: Record<string, unknown>, acceptsType: VerifyOptions['acceptsType']): void {
  const { typ } = header
  if ('crit' in header || 'b64' in header) throw new TokenError('header extensions are not accepted')
  if (typ !== undefined && typeof typ !== 'string') throw new TokenError('typ is not a string')
  if (!acceptsType(typ?.toLowerCase())) throw new TokenError('token is of another type')
}

function readKeyId({ kid }: Record<string, unknown>, { requiresKeyId }: VerifyOptions): string | undefined {
  if (kid !== undefined && typeof kid !== 'string') throw new TokenError('kid is not a string')
  if (requiresKeyId === true && !kid) throw new TokenError('kid is missing')
  return kid
}

function isSignedBy(key: VerificationKey, name: AlgorithmName, input: Buffer, signature: Buffer): boolean {
  const { family, digest, padding } = algorithm(name)
  if (family === 'oct') {
    const expected = createHmac(digest ?? '', key.key)
      .update(input)
      .digest()
    return expected.length === signature.length && timingSafeEqual(expected, signature)
  }
  try {
    return verifySignature(
      digest,
      input,
      { key: key.key, padding, dsaEncoding: 'ieee-p1363', saltLength: SALT },
      signature,
    )
  } catch {
    return false
  }
}

/** RSA_PSS_SALTLEN_DIGEST: RFC 7518 §3.5 fixes the salt to the size of the digest. */
const SALT = -1

/** Strict: no padding, no other alphabet, no bits that two encodings could share. */
function decodeBase64Url(text: string, part: string): Buffer {
  const bytes = Buffer.from(text, 'base64url')
  if (text === '' || bytes.toString('base64url') !== text) throw new TokenError(`${part} is not base64url`)
  return bytes
}

function parseObject(bytes: Buffer, part: string): Record<string, unknown> {
  let value: unknown
  try {
    value = parseStrictJsonBytes(bytes)
  } catch (cause: unknown) {
    throw new TokenError(`${part} ${cause instanceof Error ? cause.message : 'cannot be read'}`)
  }
  if (!isJsonObject(value)) throw new TokenError(`${part} is not an object`)
  return value
}
