import { Secret } from '../../lib/secret.ts'
import type { RedisCredentials } from './connection.ts'

/** What a command for credentials printed. */
export interface PrintedCredentials {
  readonly credentials: RedisCredentials
  /** Milliseconds since the epoch; `undefined` where it does not say. */
  readonly expiresAt: number | undefined
}

/**
 * Reads what a command printed: JSON with `password` or `access_token`, and perhaps `username` or `user`, `expires_at` or `expires_on`, or `expires_in`;
 * else user and password, on a line each or with a blank between them, or the password alone. `username` is who it is where that is
 * not printed; where it is given, a single line is the password, blanks and all.
 * `undefined`: it is none of these.
 */
export function readCredentials(
  output: string,
  username: string | undefined,
  now: number,
): PrintedCredentials | undefined {
  const text = output.trim()
  return text.startsWith('{') ? readJson(text, username, now) : readLines(text, username)
}

function readLines(text: string, username: string | undefined): PrintedCredentials | undefined {
  const lines = text.split(/\r?\n/)
  if (lines.length > 2 || !lines.every(isWord)) return undefined
  const [first = '', second] = lines.length === 1 && username === undefined ? text.split(/[ \t]+/, 2) : lines
  const credentials = second === undefined ? { username, password: first } : { username: first, password: second }
  return { credentials: { ...credentials, password: new Secret(credentials.password) }, expiresAt: undefined }
}

function readJson(text: string, username: string | undefined, now: number): PrintedCredentials | undefined {
  const printed = parse(text)
  const password = printed?.['password'] ?? printed?.['access_token']
  const user = printed?.['username'] ?? printed?.['user'] ?? username
  if (printed === undefined || !isWord(password) || !(user === undefined || isWord(user))) return undefined
  const expiresAt = readExpiry(printed, now)
  if (expiresAt === 'unreadable') return undefined
  return { credentials: { username: user, password: new Secret(password) }, expiresAt }
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A date, or seconds: since the epoch, or from now. Numbers may be texts. */
function readExpiry(printed: Readonly<Record<string, unknown>>, now: number): number | undefined | 'unreadable' {
  const at = printed['expires_at'] ?? printed['expires_on']
  const inSeconds = printed['expires_in']
  let ms: number | undefined
  if (at !== undefined) ms = isNumeric(at) ? Number(at) * 1000 : Date.parse(String(at))
  else if (inSeconds !== undefined) ms = isNumeric(inSeconds) ? now + Number(inSeconds) * 1000 : Number.NaN
  return ms === undefined || Number.isFinite(ms) ? ms : 'unreadable'
}

function isNumeric(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && /^\d{1,15}$/.test(value))
}

/** Something, without what belongs to no user and no password. */
function isWord(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !/[\x00-\x1f\x7f]/.test(value)
}
