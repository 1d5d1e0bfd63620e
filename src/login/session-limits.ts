import { compileGjson } from '../lib/gjson/gjson.ts'
import { isJsonObject } from '../lib/strict-json.ts'
import type { Session, SessionDraft } from '../sessions/contract.ts'
import type { Claims } from './id-token-checks.ts'
import type { ProviderOptions, RememberMeOptions } from './options.ts'

/** What a provider said at a login or a refresh. */
export interface ProviderSpeech {
  /** Of the ID token; nothing where there was none. */
  readonly claims: Claims | undefined
  /** The members of the token endpoint's answer that are no tokens. */
  readonly tokenResponse: Readonly<Record<string, unknown>>
}

/** Until when the provider lets the session last, in milliseconds since the epoch; nothing where it does not say. */
export type CeilingReader = (speech: ProviderSpeech, now: number) => number | undefined

/** The provider says until when the session lasts, and nobody can tell when that is. */
export class UnreadableCeilingError extends Error {
  override readonly name = 'UnreadableCeilingError'
}

/** Numbers below are seconds from now; it is 31 years, and as a time it is in 2001. */
const FIRST_NUMERIC_DATE = 1_000_000_000
/** The end of the year 9999: beyond it are milliseconds taken for seconds. */
const LAST_NUMERIC_DATE = 253_402_300_799

/**
 * Creates the reader of `login.providers[].session.ceiling_from`.
 * @throws {UnreadableCeilingError} from the reader, for what is there and is no number of seconds.
 */
export function createCeilingReader(paths: readonly string[]): CeilingReader {
  const finders = paths.map((path) => ({ path, find: compileGjson(path) }))
  return ({ claims = {}, tokenResponse }, now) => {
    if (finders.length === 0) return undefined
    const document = Buffer.from(JSON.stringify({ claims, token_response: tokenResponse }))
    const ends = finders.flatMap(({ path, find }) => readEnd(path, find(document), now) ?? [])
    return ends.length === 0 ? undefined : Math.min(...ends)
  }
}

function readEnd(path: string, raw: string | undefined, now: number): number | undefined {
  const value = raw === undefined ? null : parse(raw)
  // Keycloak says 0 where there is no end.
  if (value === null || value === 0) return undefined
  const seconds = typeof value === 'string' && /^\d{1,12}$/.test(value) ? Number(value) : value
  if (typeof seconds !== 'number' || !(seconds > 0 && seconds <= LAST_NUMERIC_DATE)) {
    throw new UnreadableCeilingError(`${path} is not a number of seconds`)
  }
  const ms = Math.floor(seconds) * 1000
  return seconds < FIRST_NUMERIC_DATE ? now + ms : ms
}

function parse(raw: string): unknown {
  try {
    return JSON.parse(raw)
  } catch {
    return undefined
  }
}

/** The members of a token endpoint's answer that may be kept for a moment: no token, and nothing that could be one. */
export function withoutTokens(response: unknown): Readonly<Record<string, unknown>> {
  if (!isJsonObject(response)) return {}
  return Object.fromEntries(Object.entries(response).filter(([name]) => !name.endsWith('token')))
}

/** How long a session of this login lives, where that is not what the section `session` says. */
export function limitsOf(
  { session: own }: ProviderOptions,
  remembered: RememberMeOptions | undefined,
): Pick<SessionDraft, 'lifetimeMs' | 'idleTimeout' | 'isRemembered'> {
  if (remembered === undefined) return { lifetimeMs: own?.lifetimeMs, idleTimeout: own?.idleTimeout }
  // Whoever asks to stay signed in gets no more than the provider's sessions may have.
  return {
    lifetimeMs: Math.min(remembered.lifetimeMs, own?.lifetimeMs ?? remembered.lifetimeMs),
    idleTimeout: shorter(remembered.idleTimeout, own?.idleTimeout),
    isRemembered: true,
  }
}

function shorter(one: number | 'off', other: number | 'off' | undefined): number | 'off' {
  if (other === undefined || other === 'off') return one
  return one === 'off' ? other : Math.min(one, other)
}

/** How long a persistent cookie is of use: what the provider says about the end may change at a refresh. */
export function longestRemainingMs({ tokens, expiresAt, lifetimeEndsAt }: Session, now: number): number {
  return (tokens.refreshToken === undefined ? expiresAt : lifetimeEndsAt) - now
}
