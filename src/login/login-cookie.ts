import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../kernel/clock.ts'
import { attributeTail, findCookie, maxAge, visitCookies } from './cookie-header.ts'
import type { LoginSettings } from './settings.ts'

/** One login attempt, as the browser that began it holds it. */
export interface Attempt {
  /** Names the attempt and its cookie: goes through the provider as `state`. */
  readonly state: string
  /** Only the browser has it. Bound to the provider: with another one it opens nothing. */
  readonly secret: string
  readonly providerId: string
}

/**
 * A cookie for each login attempt, so that any number of tabs can log in at once: each finds its own, in any order. A
 * cookie that is left over blocks nothing and ends by itself.
 */
export interface LoginCookies {
  begin(providerId: string): { readonly attempt: Attempt; readonly setCookie: string }
  /** The attempt that `state` names, if this browser began it. */
  find(cookieHeader: string, state: string): Attempt | undefined
  /** Whether the browser has begun attempts that have not come to their end. */
  hasAttempts(cookieHeader: string): boolean
  clear(state: string): string
  /** `Set-Cookie` values that remove the oldest attempts of a browser that has too many (headers have a limit). */
  evict(cookieHeader: string): string[]
  isOwn(name: string): boolean
  /** For the return from the provider's logout: what to send, and whether it is what came back. */
  beginLogout(): { readonly state: string; readonly setCookie: string }
  isLogout(cookieHeader: string, state: string): boolean
  readonly clearLogout: string
}

export type LoginCookieSettings = Pick<LoginSettings, 'cookieName' | 'secure' | 'stateTtlMs'>

const MAX_ATTEMPTS = 64
const TAG_CHARS = 8
const TAG = /^[A-Za-z0-9_-]{8}$/
const STATE = /^[A-Za-z0-9_-]{32}$/
// When it began (seconds, base 36), the browser's secret, the provider.
const VALUE = /^([0-9a-z]{1,8})\.([A-Za-z0-9_-]{32})\.([a-z0-9-]{1,64})$/
const LOGOUT_TTL_MS = 600_000

/** Creates the reader and writer of the cookies that live as long as an attempt. They are for this host only. */
export function createLoginCookies(settings: LoginCookieSettings, clock: Clock): LoginCookies {
  const { secure, stateTtlMs } = settings
  const stem = settings.cookieName.replace(/^__(?:host|secure)-/i, '')
  const prefix = `${secure ? '__Host-' : ''}${stem}-login-`
  const logoutName = `${secure ? '__Host-' : ''}${stem}-logout`
  const tail = attributeTail({ path: '/', secure, sameSite: 'lax' })
  const nameOf = (state: string) => prefix + state.slice(0, TAG_CHARS)

  return {
    begin(providerId) {
      const state = randomBytes(24).toString('base64url')
      const secret = randomBytes(24).toString('base64url')
      const begun = Math.floor(clock.now() / 1000).toString(36)
      return {
        attempt: { state, secret: bindTo(secret, providerId), providerId },
        setCookie: `${nameOf(state)}=${begun}.${secret}.${providerId}${tail}${maxAge(stateTtlMs)}`,
      }
    },
    find(header, state) {
      if (!STATE.test(state)) return undefined
      const found = findCookie(header, nameOf(state))
      if (found === undefined || found === 'several') return undefined
      const [, , secret, providerId] = VALUE.exec(found.value) ?? []
      if (secret === undefined || providerId === undefined) return undefined
      return { state, secret: bindTo(secret, providerId), providerId }
    },
    hasAttempts(header) {
      let isFound = false
      visitCookies(header, (name) => (isFound ||= name.startsWith(prefix)))
      return isFound
    },
    clear: (state) => `${nameOf(state)}=${tail}; Max-Age=0`,
    evict(header) {
      const attempts: { readonly name: string; readonly begun: number }[] = []
      visitCookies(header, (name, value) => {
        // Its name goes into `Set-Cookie`: only one that we could have given.
        if (!name.startsWith(prefix) || !TAG.test(name.slice(prefix.length))) return
        const [, begun = '0'] = VALUE.exec(value) ?? []
        attempts.push({ name, begun: Number.parseInt(begun, 36) })
      })
      if (attempts.length < MAX_ATTEMPTS) return []
      attempts.sort((a, b) => a.begun - b.begun)
      const names = new Set(attempts.slice(0, attempts.length - MAX_ATTEMPTS + 1).map(({ name }) => name))
      return [...names].map((name) => `${name}=${tail}; Max-Age=0`)
    },
    isOwn: (name) => name === logoutName || name.startsWith(prefix),
    beginLogout() {
      const state = randomBytes(24).toString('base64url')
      return { state, setCookie: `${logoutName}=${state}${tail}${maxAge(LOGOUT_TTL_MS)}` }
    },
    isLogout(header, state) {
      const found = findCookie(header, logoutName)
      return found !== undefined && found !== 'several' && STATE.test(state) && isSameSecret(found.value, state)
    },
    clearLogout: `${logoutName}=${tail}; Max-Age=0`,
  }
}

/** Structured, so that no part can be moved into the next. */
function bindTo(secret: string, providerId: string): string {
  return hash('sha256', JSON.stringify(['oathkeeper login attempt', secret, providerId]), 'base64url')
}

export function isSameSecret(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}
