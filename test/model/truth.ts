import type { Session, SessionsOf } from '../../src/sessions/contract.ts'
import { decodeRecord } from '../../src/sessions/record.ts'
import { deriveSealKey, type SealKey } from '../../src/sessions/seal.ts'
import { parseTicket } from '../../src/sessions/ticket.ts'
import type { Observed } from './observed.ts'
import type { SimRecord } from './sim-server.ts'
import { parseRefreshToken, type TokenFamily } from './sim-provider.ts'

/** What was asked to end a session, and how it went. */
export interface EndCall {
  readonly instance: Observed
  readonly calledAt: number
  settledAt: number | undefined
  outcome: 'pending' | 'ended' | 'nothing' | 'failed'
}

/** What was asked to end all sessions of somebody. */
export interface EndAllCall extends EndCall {
  readonly of: SessionsOf
}

/** Whether a session is one of those that are meant. */
export function isMeant({ subject, sid }: Session, of: SessionsOf): boolean {
  return (of.subject === undefined || of.subject === subject) && (of.sid === undefined || of.sid === sid)
}

/** What is true of a session, whoever knows it. */
export interface TrueSession {
  readonly number: number
  readonly ticket: string
  readonly key: string
  readonly sealKey: SealKey
  /** When it was asked for, by the true time. */
  readonly begunAt: number
  /** As it was created. */
  readonly first: Session
  /** Nothing: there is no refresh token. */
  readonly family: TokenFamily | undefined
  readonly ends: EndCall[]
  /** All sessions of the person were ended just when this one began. */
  mayBeEnded: boolean
  /** When it was asked for, whatever the answer was, or whether there was one. */
  readonly tries: number[]
  /** Where and when it was used: the last ones. */
  readonly uses: { readonly instance: Observed; readonly at: number }[]
  /** Number of the refresh token that is in the store. */
  stored: number
  /** When each was there first. */
  readonly storedAt: Map<number, number>
}

const KEPT_USES = 64

export function createTrueSession(
  number: number,
  begunAt: number,
  ticket: string,
  session: Session,
  family: TokenFamily | undefined,
): TrueSession {
  const parsed = parseTicket(ticket)
  if (parsed === undefined) throw new Error('a ticket that cannot be read')
  return {
    number,
    ticket,
    key: parsed.key,
    sealKey: deriveSealKey(parsed.secret, 'session record v1'),
    begunAt,
    first: session,
    family,
    ends: [],
    mayBeEnded: false,
    tries: [],
    uses: [],
    stored: 0,
    storedAt: new Map(),
  }
}

export function noteUse(session: TrueSession, instance: Observed, at: number): void {
  session.uses.push({ instance, at })
  if (session.uses.length > KEPT_USES) session.uses.shift()
}

export function noteTry(session: TrueSession, at: number): void {
  session.tries.push(at)
  if (session.tries.length > KEPT_USES) session.tries.shift()
}

/** Number of the refresh token in a record. */
export function storedNumber({ key, sealKey }: TrueSession, record: SimRecord): number {
  const content = decodeRecord(key, sealKey, record.value)
  if (content === undefined) throw new Error('a record that its ticket does not open')
  const { refreshToken } = content.session.tokens
  return refreshToken === undefined ? 0 : parseRefreshToken(refreshToken).number
}

export function numberOfAccessToken(session: Session): number {
  return Number(session.tokens.accessToken.split('/')[2])
}
