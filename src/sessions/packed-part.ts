import { isNestedDeeper, parseBoundedJson } from '../lib/bounded-json.ts'
import type { SessionTokens } from './contract.ts'

/** What is packed; whatever else there is stays as it is. */
interface Packable {
  readonly claims: Readonly<Record<string, unknown>>
  readonly tokens: SessionTokens
}

/** Lengths of the bytes of which the text is made, each in base64url, joined by dots. */
type Lengths = readonly number[]

interface Packed {
  /** Those that the ID token does not say. */
  readonly otherClaims?: Readonly<Record<string, unknown>>
  readonly packed: { readonly [Name in TokenName]?: Lengths }
}

/** In the order in which their bytes follow. */
const TOKENS = ['accessToken', 'idToken', 'refreshToken'] as const
type TokenName = (typeof TOKENS)[number]

const LENGTH_BYTES = 4

/**
 * Writes a part of a record in few bytes: the length of some JSON (4 bytes), the JSON, then the bytes of the tokens, which are for the
 * most part base64url of something. Claims that the ID token says are not said again.
 * @throws {RangeError} when the claims are nested deeper than a reader takes.
 */
export function packPart<Part extends Packable>(part: Part): Buffer {
  const { claims, tokens, ...rest } = part
  const packed: Record<string, Lengths> = {}
  const bytes: Buffer[] = []
  const kept: Record<string, unknown> = { ...tokens }
  for (const name of TOKENS) {
    const pieces = piecesOf(tokens[name])
    if (pieces === undefined) continue
    packed[name] = pieces.map(({ length }) => length)
    bytes.push(...pieces)
    kept[name] = undefined
  }
  const otherClaims = packed['idToken'] === undefined ? undefined : without(claims, claimsOf(tokens.idToken))
  const json = JSON.stringify({
    ...rest,
    tokens: kept,
    packed,
    ...(otherClaims === undefined ? { claims } : { otherClaims }),
  })
  if (isNestedDeeper(json)) throw new RangeError('the claims of a session are nested too deep')
  const head = Buffer.alloc(LENGTH_BYTES + Buffer.byteLength(json))
  head.writeUInt32BE(head.length - LENGTH_BYTES)
  head.write(json, LENGTH_BYTES)
  return Buffer.concat([head, ...bytes])
}

/** @throws {Error} when it is none. */
export function unpackPart<Part extends Packable>(bytes: Buffer): Part {
  const end = LENGTH_BYTES + bytes.readUInt32BE()
  const { packed, otherClaims, ...rest } = parseBoundedJson(bytes.toString('utf8', LENGTH_BYTES, end)) as Packable &
    Packed
  const tokens: Record<string, unknown> = { ...rest.tokens }
  let at = end
  for (const name of TOKENS) {
    const lengths = packed[name]
    if (lengths === undefined) continue
    tokens[name] = lengths.map((length) => bytes.toString('base64url', at, (at += length))).join('.')
  }
  const claims = otherClaims === undefined ? rest.claims : { ...claimsOf(String(tokens['idToken'])), ...otherClaims }
  return { ...rest, tokens, claims } as unknown as Part
}

/** What the text is made of; `undefined` when it cannot be made again out of that, letter by letter. */
function piecesOf(token: string | undefined): Buffer[] | undefined {
  if (token === undefined || token === '') return undefined
  const pieces = token.split('.').map((part) => Buffer.from(part, 'base64url'))
  return pieces.map((piece) => piece.toString('base64url')).join('.') === token ? pieces : undefined
}

/** Of a JSON Web Token; nothing when it is none. */
function claimsOf(token: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const claims = parseBoundedJson(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims)
      ? (claims as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}

/** What `claims` says that `said` does not; `undefined` unless both together are `claims` again. */
function without(
  claims: Readonly<Record<string, unknown>>,
  said: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> | undefined {
  if (said === undefined || !Object.keys(said).every((name) => Object.hasOwn(claims, name))) return undefined
  return Object.fromEntries(
    Object.entries(claims).filter(
      ([name, value]) => !Object.hasOwn(said, name) || JSON.stringify(said[name]) !== JSON.stringify(value),
    ),
  )
}
