import type { RequestView } from '../kernel/request.ts'
import { isJsonObject, parseStrictJson } from '../lib/strict-json.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Session, SessionManager } from '../sessions/contract.ts'
import type { ForkSession, TakeForkSession } from '../sessions/fork-session.ts'
import { findCookie, visitCookies } from './cookie-header.ts'
import { cookieHeader } from './request.ts'
import type { SessionCookie } from './session-cookie.ts'

/** Cookies of the fork. Their values are credentials there, so they never leave here. */
export const FORK_COOKIES = ['IG_SESSION_ID', 'wso2_session_id'] as const

/** A session that was moved, and what its browser has to be told. */
export interface Migrated {
  readonly ticket: string
  readonly session: Session
  /** `Set-Cookie` values. */
  readonly setCookies: readonly string[]
}

export interface Migration {
  /** Takes over the session of the fork that a request brings; `undefined` at once when it brings none. */
  migrate(request: RequestView): Promise<Migrated | undefined> | undefined
  /** Takes it out, to end it; gives its ID token. */
  end(cookies: string): Promise<string | undefined>
}

export interface MigrationDeps {
  readonly take: TakeForkSession
  readonly sessions: SessionManager
  readonly clock: Clock
  /** That of the host which the request came to. */
  readonly cookieFor: (request: RequestView) => SessionCookie
  /** `Set-Cookie` values that remove the fork's cookies, but for the one that has our own name. */
  readonly forget: (cookies: string) => readonly string[]
}

const FORK_ID = /^[0-9a-f]{32}$/
/** No provider of the configuration has it: nothing is refreshed there. */
const PROVIDER = 'migrated'

/** Creates what moves sessions of the fork into ours, under a new ticket, each once. */
export function createMigration({ take, sessions, clock, cookieFor, forget }: MigrationDeps): Migration {
  /** A browser asks for several things at once: whoever comes while the session is moved gets the same one. */
  const flights = new Map<string, Promise<{ readonly ticket: string; readonly session: Session } | undefined>>()

  async function move(id: string, request: RequestView) {
    const old = await take(id)
    if (old === undefined) return undefined
    const userAgent = request.headers.get('user-agent') ?? ''
    return sessions.create({ ...draftOf(old), address: request.clientAddress, userAgent })
  }

  return {
    migrate(request) {
      const cookies = cookieHeader(request)
      const [id] = forkIds(cookies)
      if (id === undefined) return undefined
      const known = flights.get(id)
      const flight = known ?? move(id, request).finally(() => flights.delete(id))
      if (known === undefined) flights.set(id, flight)
      return flight.then((moved): Migrated | undefined => {
        if (moved === undefined) return undefined
        const { ticket, session } = moved
        const cookie = cookieFor(request).write(ticket, session.expiresAt - clock.now())
        return { ticket, session, setCookies: [cookie, ...forget(cookies)] }
      })
    },
    async end(cookies) {
      let idToken: string | undefined
      for (const id of forkIds(cookies)) idToken = (await take(id))?.idToken ?? idToken
      return idToken
    },
  }
}

/** `Set-Cookie` values that remove the fork's cookies which a browser has, but for `ownName`. */
export function forgetForkCookies(cookies: string, ownName: string, secure: boolean): string[] {
  const found = new Set<string>()
  visitCookies(cookies, (name) => void (isForkCookie(name) && name !== ownName && found.add(name)))
  return [...found].map((name) => `${name}=; Path=/; HttpOnly${secure ? '; Secure' : ''}; SameSite=Lax; Max-Age=0`)
}

export function isForkCookie(name: string): boolean {
  return FORK_COOKIES.some((cookie) => cookie === name)
}

function forkIds(cookies: string): string[] {
  return FORK_COOKIES.flatMap((name) => {
    const found = findCookie(cookies, name)
    return found === undefined || found === 'several' || !FORK_ID.test(found.value) ? [] : [found.value]
  })
}

function draftOf({ subject, username, accessToken, idToken, expiresAt }: ForkSession) {
  return {
    subject,
    provider: PROVIDER,
    issuer: issuerOf(idToken) ?? issuerOf(accessToken) ?? PROVIDER,
    claims: { sub: subject, username },
    tokens: { accessToken, idToken, refreshToken: undefined, accessTokenExpiresAt: undefined, scope: undefined },
    authTime: undefined,
    acr: undefined,
    amr: undefined,
    sid: undefined,
    expiresAt,
  }
}

/** For finding the person's sessions; nobody is let in for it. */
function issuerOf(token: string): string | undefined {
  try {
    const claims = parseStrictJson(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    return isJsonObject(claims) && typeof claims['iss'] === 'string' ? claims['iss'] : undefined
  } catch {
    return undefined
  }
}
