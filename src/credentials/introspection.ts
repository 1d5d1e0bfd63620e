import { decodeJsonBytes } from '../lib/decode-json.ts'
import { goMember } from '../lib/go-json.ts'
import { isJsonObject } from '../lib/strict-json.ts'

/** What an introspection endpoint says of a token (RFC 7662). */
export interface Introspection {
  readonly active: boolean
  /** Empty where it says nothing; so are all texts. */
  readonly subject: string
  readonly issuer: string
  readonly tokenUse: string
  readonly scopes: readonly string[]
  readonly audiences: readonly string[]
  /** Seconds since the epoch; 0 where it says nothing. */
  readonly expires: number
  /** What templates see: the members of `ext`, and user name, client, scope and audience. */
  readonly extra: Readonly<Record<string, unknown>>
}

/**
 * Reads an answer. What has another type than RFC 7662 gives it is a mistake of the whole answer.
 * @throws {SyntaxError} that quotes nothing of it.
 */
export function parseIntrospection(body: Uint8Array): Introspection {
  const document = decodeJsonBytes(body)
  if (!isJsonObject(document)) throw new SyntaxError('not a JSON object')
  const text = (name: string): string => readText(goMember(document, name), name)
  const audiences = readAudiences(document)
  const scope = text('scope')
  return {
    active: readActive(goMember(document, 'active')),
    subject: text('sub'),
    issuer: text('iss'),
    tokenUse: text('token_use'),
    scopes: scope.split(' '),
    audiences,
    expires: readExpiry(goMember(document, 'exp')),
    extra: {
      ...readExt(goMember(document, 'ext')),
      username: text('username'),
      client_id: text('client_id'),
      scope,
      ...(audiences.length > 0 && { aud: audiences }),
    },
  }
}

function wrongType(name: string): never {
  throw new SyntaxError(`${name} has the wrong type`)
}

/** A member that is null counts as one that is not there. */
function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null
}

function readText(value: unknown, name: string): string {
  if (isAbsent(value)) return ''
  return typeof value === 'string' ? value : wrongType(name)
}

function readActive(value: unknown): boolean {
  if (isAbsent(value)) return false
  return typeof value === 'boolean' ? value : wrongType('active')
}

function readExpiry(value: unknown): number {
  if (isAbsent(value)) return 0
  return Number.isSafeInteger(value) ? (value as number) : wrongType('exp')
}

function readExt(value: unknown): Record<string, unknown> {
  if (isAbsent(value)) return {}
  return isJsonObject(value) ? value : wrongType('ext')
}

/** As in Oathkeeper, an audience of null is a mistake. */
function readAudiences(document: Record<string, unknown>): readonly string[] {
  const value = goMember(document, 'aud')
  if (value === undefined) return []
  if (typeof value === 'string') return [value]
  return Array.isArray(value) && value.every((audience) => typeof audience === 'string') ? value : wrongType('aud')
}
