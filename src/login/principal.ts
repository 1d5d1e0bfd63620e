import { GateError } from '../kernel/errors.ts'
import { compileGjson } from '../lib/gjson/gjson.ts'
import type { Session } from '../sessions/contract.ts'

/** Who is asking, as handlers and templates see it. */
export interface Principal {
  readonly subject: string
  readonly extra: Readonly<Record<string, unknown>>
}

/** Reads the subject out of claims. @throws {GateError} ERR_CREDENTIALS_INVALID when there is none. */
export type SubjectReader = (claims: Session['claims']) => string

/**
 * Creates the view of sessions that templates get: the claims, and beside them what claims cannot overwrite. Made once
 * for each opened session and then shared.
 */
export function createPrincipals(subjectOf: SubjectReader): (session: Session) => Principal {
  const made = new WeakMap<Session, Principal>()
  return (session) => {
    const known = made.get(session)
    if (known !== undefined) return known
    const principal = { subject: subjectOf(session.claims), extra: extraOf(session) }
    made.set(session, principal)
    return principal
  }
}

/** @param subjectFrom `session.subject_from`: a gjson path into the claims. */
export function createSubjectReader(subjectFrom: string): SubjectReader {
  const find = compileGjson(subjectFrom)
  return (claims) => {
    const value = parseFound(find(Buffer.from(JSON.stringify(claims))))
    if (typeof value === 'string' && value !== '') return value
    if (typeof value === 'number') return String(value)
    // Fails closed: an empty subject would be somebody else to every rule that reads it.
    throw new GateError('ERR_CREDENTIALS_INVALID', { detail: `the claims have no text at "${subjectFrom}"` })
  }
}

/** A path may make what is no JSON, such as one that ends in a modifier. */
function parseFound(raw: string | undefined): unknown {
  try {
    return raw === undefined ? undefined : JSON.parse(raw)
  } catch {
    return undefined
  }
}

function extraOf(session: Session): Principal['extra'] {
  const { claims, tokens, provider, createdAt, expiresAt, authTime, acr, amr } = session
  return {
    ...claims,
    access_token: tokens.accessToken,
    id_token: tokens.idToken,
    session: {
      provider,
      created_at: timestamp(createdAt),
      expires_at: timestamp(expiresAt),
      ...(authTime !== undefined && { auth_time: timestamp(authTime) }),
      ...(acr !== undefined && { acr }),
      ...(amr !== undefined && { amr }),
    },
  }
}

/** RFC 3339: a number of this size would be printed as 1.78e+09 by a Go template. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString()
}
