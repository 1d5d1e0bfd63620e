import { GateError } from '../kernel/errors.ts'
import { UnexpectedStatusError } from '../lib/outbound.ts'
import { isJsonObject, parseStrictJson } from '../lib/strict-json.ts'
import type { Session, UserinfoOutcome, UserinfoSource } from '../sessions/contract.ts'
import type { Claims } from './id-token-checks.ts'
import { isIssuerOf, type Provider } from './provider.ts'
import { toProviderError } from './provider-error.ts'
import { joinUserinfo, SubjectMismatchError, SubjectMissingError } from './userinfo.ts'

/** Creates what reads the claims of UserInfo again while a session goes on. */
export function createUserinfoSource(providers: Pick<ReadonlyMap<string, Provider>, 'get'>): UserinfoSource {
  return {
    isRead: (id) => providers.get(id)?.options.userinfo === true,
    async read(session) {
      const provider = providers.get(session.provider)
      if (provider === undefined) return NOT_CONFIGURED
      try {
        // The access token is for who gave it, and not for who has the name now.
        if (!(await isIssuerOf(provider, session.issuer))) return NOT_CONFIGURED
        return { kind: 'read', claims: await readUserinfoAgain(provider, session, session.tokens.accessToken) }
      } catch (cause: unknown) {
        return toOutcome(cause, provider.id)
      }
    },
  }
}

/**
 * Joins UserInfo to the claims of the ID token that the session has.
 * @throws {SubjectMismatchError} when it speaks of somebody else.
 */
export function readUserinfoAgain(provider: Provider, session: Session, accessToken: string): Promise<Claims> {
  return joinUserinfo(provider, accessToken, knownClaims(session))
}

const NOT_CONFIGURED: UserinfoOutcome = { kind: 'failed', detail: 'its provider is not configured any more' }

function toOutcome(cause: unknown, providerId: string): UserinfoOutcome {
  if (cause instanceof SubjectMismatchError && !(cause instanceof SubjectMissingError)) {
    return { kind: 'rejected', detail: cause.message }
  }
  const error = cause instanceof GateError ? cause : toProviderError(cause, providerId)
  const detail = error.detail ?? error.message
  if (!(cause instanceof UnexpectedStatusError)) return { kind: 'failed', detail }
  const { status, retryAfterMs } = cause
  return { kind: 'failed', detail, retryAfterMs, isTokenRefused: status === 401 }
}

/** The claims of the ID token that was verified before it was kept. */
function knownClaims({ subject, claims: { nonce }, tokens: { idToken } }: Session): Claims {
  if (idToken === '') return { sub: subject }
  const claims = parseStrictJson(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString())
  if (!isJsonObject(claims)) throw new Error('the ID token that was kept cannot be read')
  // A refreshed one may be without: what the next one is compared with stays.
  return typeof nonce === 'string' ? { nonce, ...claims } : claims
}
