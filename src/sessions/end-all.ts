import type { ActiveSessions } from './active-sessions.ts'
import type { EndAllOptions, EndReason, SessionsOf } from './contract.ts'
import { LONGEST_LIFETIME_MS } from './lifetimes.ts'
import { latestEndOf, readMetadata } from './record.ts'
import { indexOfAll, type SessionRecords } from './records.ts'
import { publicSessionId } from './ticket.ts'
import type { OwedEnds, Tombstones } from './tombstones.ts'

export interface EndAllParts {
  readonly records: SessionRecords
  readonly active: ActiveSessions
  readonly tombstones: Tombstones
  readonly owedEnds: OwedEnds
}

/** So many sessions are ended at once. */
const CHUNK = 50
/** By so much the clock of the instance where a session began may be ahead: rather one too many is ended than one too few. */
const CLOCKS_APART_MS = 1_000

/** Ends all sessions that are meant, by what stands in the open in their records: no ticket is needed. */
export async function endAll(
  parts: EndAllParts,
  of: SessionsOf,
  reason: EndReason,
  { createdUntil = Number.POSITIVE_INFINITY }: EndAllOptions = {},
): Promise<number> {
  const end = (): Promise<number> => endInStore(parts, of, reason, createdUntil)
  try {
    return await end()
  } catch (cause: unknown) {
    const { clock } = parts.records
    refuseHere(parts, of, reason, createdUntil)
    // Only what exists now: the store may be back after the next login.
    const now = clock.now()
    const until = Math.min(createdUntil, now + CLOCKS_APART_MS)
    const owed = (): Promise<number> => endInStore(parts, of, reason, until)
    parts.owedEnds.add(JSON.stringify([of, reason]), now + LONGEST_LIFETIME_MS, owed)
    throw cause
  }
}

async function endInStore(
  parts: EndAllParts,
  of: SessionsOf,
  reason: EndReason,
  createdUntil: number,
): Promise<number> {
  const keys = await parts.records.store.findSessions(indexOfAll(of))
  let count = 0
  for (let at = 0; at < keys.length; at += CHUNK) {
    const chunk = keys.slice(at, at + CHUNK)
    const results = await Promise.allSettled(chunk.map((key) => endOne(parts, key, reason, createdUntil)))
    for (const result of results) {
      if (result.status === 'rejected') throw result.reason
      if (result.value) count++
    }
  }
  return count
}

/** A record that cannot be read is filed where those that are meant are: it ends too. */
async function endOne(
  { records, active, tombstones }: EndAllParts,
  key: string,
  reason: EndReason,
  createdUntil: number,
): Promise<boolean> {
  const record = await records.store.getSession(key)
  if (record === undefined) return false
  const metadata = readMetadata(record.value)
  if (metadata !== undefined && metadata.createdAt > createdUntil) return false
  tombstones.add(key, metadata === undefined ? record.expiresAt : latestEndOf(metadata))
  active.deleteKey(key)
  const { provider = '', expiresAt = record.expiresAt } = metadata ?? {}
  await records.end(key, { id: publicSessionId(key), provider, expiresAt }, reason)
  return true
}

/** The store cannot say which they are; those that are open here are known. */
function refuseHere(
  { records, active, tombstones }: EndAllParts,
  of: SessionsOf,
  reason: EndReason,
  createdUntil: number,
): void {
  const meant = [...active.opened()].filter(
    ({ content: { session } }) =>
      session.issuer === of.issuer &&
      (of.subject === undefined || session.subject === of.subject) &&
      (of.sid === undefined || session.sid === of.sid) &&
      session.createdAt <= createdUntil,
  )
  for (const { ticket, content } of meant) {
    tombstones.add(ticket.key, content.session.lifetimeEndsAt)
    active.deleteKey(ticket.key)
    records.ends.note(ticket.key, reason)
  }
}
