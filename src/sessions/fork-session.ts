import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import { parseBoundedJson } from '../lib/bounded-json.ts'
import type { MaybePromise } from './contract.ts'

/** A session of the fork, as far as it is worth something here. */
export interface ForkSession {
  readonly subject: string
  readonly username: string
  readonly accessToken: string
  /** Empty where there is none. */
  readonly idToken: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/**
 * Takes a session of the fork out of the store, by the id that its cookie holds: of several callers one at most gets it, once.
 * `undefined` when there is none, when it is over, or when it cannot be read. Rejects when the store cannot be asked.
 */
export type TakeForkSession = (id: string) => Promise<ForkSession | undefined>

/** Creates the taker. `takeRecord` reads and removes the record of an id. */
export function createForkSessionTaker(
  takeRecord: (id: string) => MaybePromise<Uint8Array | undefined>,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): TakeForkSession {
  return async (id) => {
    const record = await takeRecord(id)
    if (record === undefined) return undefined
    const session = parseForkSession(record, id)
    if (session === undefined) logger.warn({}, 'a session of the fork cannot be read; it is gone now')
    return session !== undefined && session.expiresAt > clock.now() ? session : undefined
  }
}

/** Go's encoding of its struct: field names as they are, times as RFC 3339. */
function parseForkSession(record: Uint8Array, id: string): ForkSession | undefined {
  let value: unknown
  try {
    value = parseBoundedJson(Buffer.from(record).toString())
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { ID, Sub, Username, AccessToken, IDToken, ExpiresAt } = value as Readonly<Record<string, unknown>>
  const expiresAt = typeof ExpiresAt === 'string' ? Date.parse(ExpiresAt) : Number.NaN
  // What the browser presented is compared with what the record says of itself (CVE-2022-39263).
  if (ID !== id || !isText(Sub) || !isText(AccessToken) || Number.isNaN(expiresAt)) return undefined
  return {
    subject: Sub,
    username: isText(Username) ? Username : '',
    accessToken: AccessToken,
    idToken: isText(IDToken) ? IDToken : '',
    expiresAt,
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
