import { hash } from 'node:crypto'
import type { Clock } from '../kernel/clock.ts'
import { parseBoundedJson } from '../lib/bounded-json.ts'
import type { ArrivingLogin, ProviderLogouts, SessionManager, SessionsOf, SessionStore } from './contract.ts'

/** Longer than a logout token is accepted, and longer than a login that the provider has let through takes to get here. */
const NOTE_MS = 300_000
/** By so much the provider's clock may be behind ours. */
const LEEWAY_MS = 60_000
/** Providers tell times in seconds. */
const SECOND_MS = 1000

/** What is noted of a logout for logins that are under way. */
interface LogoutNote {
  /** By the provider's clock. */
  readonly issuedAt: number
  /** By ours. */
  readonly seenAt: number
  /** Hashed: a note is short, however long the provider's names are. */
  readonly subject: string | undefined
}

/**
 * Creates the keeper of logouts. What a logout is about is noted before its sessions are looked for, and a login looks for such
 * notes after its session is in the store: whichever comes first, one of them sees the other.
 */
export function createProviderLogouts(
  sessions: Pick<SessionManager, 'endAll'>,
  store: SessionStore,
  clock: Clock,
): ProviderLogouts {
  const covers = async (of: SessionsOf, { subject, startedAt, issuedAt }: ArrivingLogin): Promise<boolean> => {
    const note = parseNote(await store.getNote(nameOf(of)))
    if (note === undefined || startedAt >= note.seenAt) return false
    if (note.subject !== undefined && note.subject !== noteName([subject])) return false
    // A session at the provider that is over stays so; a person may be back.
    return of.sid !== undefined || issuedAt === undefined || issuedAt <= note.issuedAt
  }
  return {
    async complete({ of, tokenId, issuedAt }) {
      const done = noteName(['logout token', of.issuer, tokenId])
      const now = clock.now()
      const end = () => sessions.endAll(of, 'backchannel', { createdUntil: issuedAt + SECOND_MS + LEEWAY_MS })
      try {
        if ((await store.getNote(done)) !== undefined) return 'repeated'
        const note: LogoutNote = {
          issuedAt,
          seenAt: now,
          subject: of.subject === undefined ? undefined : noteName([of.subject]),
        }
        await store.putNote(nameOf(of), JSON.stringify(note), now + NOTE_MS)
      } catch (cause: unknown) {
        // What is known here is over here all the same, and the rest as soon as the store can be told.
        await end().catch(() => undefined)
        throw cause
      }
      const count = await end()
      await store.putNote(done, '1', now + NOTE_MS)
      return count
    },
    async hasOvertaken(login) {
      const { issuer, subject, sid } = login
      const [bySubject, bySid] = await Promise.all([
        covers({ issuer, subject }, login),
        sid !== undefined && covers({ issuer, sid }, login),
      ])
      return bySubject || bySid
    },
  }
}

/** With a `sid` it is about that, whoever it belongs to. */
function nameOf({ issuer, subject, sid }: SessionsOf): string {
  return noteName(sid === undefined ? ['logout of subject', issuer, subject] : ['logout of sid', issuer, sid])
}

function noteName(parts: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url')
}

function parseNote(text: string | undefined): LogoutNote | undefined {
  return text === undefined ? undefined : (parseBoundedJson(text) as LogoutNote)
}
