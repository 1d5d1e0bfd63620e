import { TokenError } from '../credentials/verify.ts'
import type { Clock } from '../kernel/clock.ts'
import { GateError } from '../kernel/errors.ts'
import { UnexpectedStatusError } from '../lib/outbound.ts'
import type { RefreshOutcome, RefreshTokens, Session } from '../sessions/contract.ts'
import { verifyIdToken } from './id-token.ts'
import type { Claims } from './id-token-checks.ts'
import { isIssuerOf, type Provider } from './provider.ts'
import { toProviderError } from './provider-error.ts'
import { type ProviderSpeech, UnreadableCeilingError } from './session-limits.ts'
import { exchangeRefreshToken, type TokenResponse, TokenRefusedError, WithheldError } from './token-request.ts'
import { joinUserinfo, SubjectMismatchError, SubjectMissingError } from './userinfo.ts'
import { readUserinfoAgain } from './userinfo-source.ts'

/**
 * Creates the function that asks a provider for new tokens. The refresh token is sent once: whether it is spent is not
 * known after a failure, and a second try with a rotated one would end the whole family at the provider.
 */
export function createRefresh(
  providers: Pick<ReadonlyMap<string, Provider>, 'get'>,
  clock: Pick<Clock, 'now'>,
): RefreshTokens {
  return async (session, maySend) => {
    const provider = providers.get(session.provider)
    const { refreshToken } = session.tokens
    if (provider === undefined) return NOT_CONFIGURED
    if (refreshToken === undefined) return { kind: 'rejected', detail: 'it has no refresh token' }
    try {
      if (!(await isIssuerOf(provider, session.issuer))) return NOT_CONFIGURED
      const response = await exchangeRefreshToken(provider, refreshToken, clock.now(), maySend)
      return await renew(provider, session, response, clock)
    } catch (cause: unknown) {
      return toOutcome(cause, provider.id)
    }
  }
}

const NOT_CONFIGURED: RefreshOutcome = { kind: 'rejected', detail: 'its provider is not configured any more' }

function toOutcome(cause: unknown, providerId: string): RefreshOutcome {
  if (cause instanceof WithheldError) return { kind: 'withheld' }
  if (cause instanceof TokenRefusedError && cause.error === 'invalid_grant') {
    return { kind: 'rejected', detail: cause.message }
  }
  if (cause instanceof TokenError || cause instanceof SubjectMismatchError) {
    return { kind: 'rejected', detail: cause.message }
  }
  const isTold = cause instanceof UnexpectedStatusError || cause instanceof TokenRefusedError
  return {
    kind: 'failed',
    error: toProviderError(cause, providerId),
    retryAfterMs: isTold ? cause.retryAfterMs : undefined,
  }
}

async function renew(
  provider: Provider,
  session: Session,
  response: TokenResponse,
  clock: Pick<Clock, 'now'>,
): Promise<RefreshOutcome> {
  const verified = await verifyRenewed(provider, session, response, clock)
  const { refreshToken, scope } = session.tokens
  const tokens = {
    accessToken: response.accessToken,
    accessTokenExpiresAt: response.accessTokenExpiresAt,
    idToken: verified === undefined ? session.tokens.idToken : verified.idToken,
    refreshToken: response.refreshToken ?? refreshToken,
    scope: response.scope ?? scope,
  }
  const speech = { claims: verified?.claims, tokenResponse: response.others }
  const expiresAt = renewedCeiling(provider, speech, clock.now())
  if (!provider.options.userinfo) return { kind: 'refreshed', tokens, claims: verified?.claims, expiresAt }
  const claims = await renewUserinfo(provider, response, verified?.claims, session)
  return { kind: 'refreshed', tokens, claims, expiresAt, hasUserinfo: claims !== undefined }
}

/** What cannot be read changes nothing: the end that was said before stays. */
function renewedCeiling(provider: Provider, speech: ProviderSpeech, now: number): number | undefined {
  try {
    return provider.ceilingOf(speech, now)
  } catch (cause: unknown) {
    if (cause instanceof UnreadableCeilingError) return undefined
    throw cause
  }
}

/**
 * Checks the new ID token, where there is one. While the provider's keys cannot be had it is left aside: the refresh
 * token is spent already, and to lose its successor would end the session.
 */
async function verifyRenewed(
  provider: Provider,
  session: Session,
  { idToken, accessToken }: TokenResponse,
  clock: Pick<Clock, 'now'>,
): Promise<{ readonly idToken: string; readonly claims: Claims } | undefined> {
  if (idToken === undefined) return undefined
  const { nonce, iss } = session.claims
  try {
    const claims = await verifyIdToken(provider, idToken, {
      accessToken,
      now: clock.now(),
      subject: session.subject,
      nonce: { value: typeof nonce === 'string' ? nonce : undefined, isRequired: false },
      otherwiseIssuer: typeof iss === 'string' ? iss : undefined,
      // Asked for when the person logged in; that moment only moves away.
      maxAgeSeconds: undefined,
      acrValues: undefined,
    })
    return { idToken, claims: typeof nonce === 'string' ? { nonce, ...claims } : claims }
  } catch (cause: unknown) {
    if (cause instanceof GateError) return undefined
    throw cause
  }
}

/** UserInfo that cannot be had leaves the claims as they are; one that speaks of somebody else ends the session. */
async function renewUserinfo(
  provider: Provider,
  { accessToken }: TokenResponse,
  verified: Claims | undefined,
  session: Session,
): Promise<Claims | undefined> {
  try {
    return verified === undefined
      ? await readUserinfoAgain(provider, session, accessToken)
      : await joinUserinfo(provider, accessToken, verified)
  } catch (cause: unknown) {
    if (cause instanceof SubjectMismatchError && !(cause instanceof SubjectMissingError)) throw cause
    return undefined
  }
}
