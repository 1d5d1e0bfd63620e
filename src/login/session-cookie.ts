import { attributeTail, findCookie, maxAge, visitCookies } from './cookie-header.ts'
import type { LoginSettings } from './settings.ts'

/** The cookie that holds a session's ticket. */
export interface SessionCookie {
  readonly name: string
  /** The ticket; nothing when there is none, and nothing when there are two: which one is ours cannot be known (D-08). */
  readTicket(cookieHeader: string): string | undefined
  hasSeveral(cookieHeader: string): boolean
  /** Every value under our name; for logout, which ends whatever there is. */
  readTickets(cookieHeader: string): string[]
  /** `Set-Cookie` value for a new ticket. Of a person who asked to stay signed in the browser keeps it. */
  write(ticket: string, lifetimeMs: number, isRemembered?: boolean): string
  /** `Set-Cookie` value that removes it. */
  readonly clear: string
}

export type SessionCookieSettings = Pick<LoginSettings, 'cookieName' | 'cookie' | 'secure'>

/** Creates the reader and writer of the session cookie. */
export function createSessionCookie({ cookieName: name, cookie, secure }: SessionCookieSettings): SessionCookie {
  const tail = attributeTail({ ...cookie, secure })
  return {
    name,
    readTicket(header) {
      const found = findCookie(header, name)
      return found === undefined || found === 'several' ? undefined : found.value
    },
    hasSeveral: (header) => findCookie(header, name) === 'several',
    readTickets(header) {
      const tickets: string[] = []
      visitCookies(header, (other, value) => {
        if (other === name) tickets.push(value)
      })
      return tickets
    },
    write: (ticket, lifetimeMs, isRemembered = false) =>
      `${name}=${ticket}${tail}${cookie.persistent || isRemembered ? maxAge(lifetimeMs) : ''}`,
    clear: `${name}=${tail}; Max-Age=0`,
  }
}
