import { TokenError } from '../credentials/verify.ts'
import { type GateError, toGateError } from '../kernel/errors.ts'
import type { SessionDraft } from '../sessions/contract.ts'
import type { LoginContext } from './context.ts'
import { LoginFailure } from './failure.ts'
import { verifyIdToken, WeakAuthenticationError } from './id-token.ts'
import type { Claims } from './id-token-checks.ts'
import type { Provider } from './provider.ts'
import { toProviderError } from './provider-error.ts'
import { exchangeCode, type TokenResponse, TokenRefusedError } from './token-request.ts'
import { limitsOf, type ProviderSpeech, UnreadableCeilingError } from './session-limits.ts'
import { inStage } from './stage.ts'
import { strengthOf } from './step-up.ts'
import type { Transaction } from './transaction.ts'
import { fetchUserinfo, joinUserinfo, SubjectMismatchError } from './userinfo.ts'

/** Who came back from the provider: a session, but for where its browser is. */
export type Identity = Omit<SessionDraft, 'address' | 'userAgent'>

/** What the browser came back with. */
export interface CodeResponse {
  readonly code: string
  /** `iss`, where the provider sent it. */
  readonly issuer: string | undefined
}

/** Spends the code and believes what comes back only after every check. */
export async function authenticate(
  { clock, settings, subjectOf }: LoginContext,
  provider: Provider,
  transaction: Transaction,
  response: CodeResponse,
): Promise<Identity> {
  try {
    const tokens = await inStage('token', () => exchangeCode(provider, response.code, transaction, clock.now()))
    const expected = {
      accessToken: tokens.accessToken,
      now: clock.now(),
      nonce: { value: transaction.nonce, isRequired: true },
      subject: undefined,
      otherwiseIssuer: response.issuer,
      ...strengthOf(provider.options, transaction.stepUp),
    }
    return await inStage('id_token', async () => {
      const { claims, ofIdToken } = await readClaims(provider, tokens, expected)
      checkSubject(() => subjectOf(claims))
      const identity = { ...identityOf(provider, await issuerOf(provider), tokens, claims), ...howOf(ofIdToken) }
      checkAge(identity, transaction, clock.now())
      return {
        ...identity,
        ...limitsOf(provider.options, transaction.rememberMe === true ? settings.rememberMe : undefined),
        expiresAt: ceilingOf(provider, { claims, tokenResponse: tokens.others }, clock.now()),
      }
    })
  } catch (cause: unknown) {
    const isWeak = cause instanceof WeakAuthenticationError && transaction.stepUp !== undefined
    throw isWeak
      ? new LoginFailure('authentication_insufficient', { cause, detail: cause.message })
      : toFailure(cause, provider.id)
  }
}

/**
 * As the rule will judge it, without leeway: what it would refuse at once is not let back to it, or it went on for ever. No rule asks
 * for 0, but a link may, and no login ever came back within no time.
 */
function checkAge({ authTime }: Pick<Identity, 'authTime'>, { stepUp }: Transaction, now: number): void {
  if (!stepUp?.maxAgeSeconds || authTime === undefined) return
  if (authTime + stepUp.maxAgeSeconds * 1000 > now) return
  throw new WeakAuthenticationError('auth_time of the ID token is longer ago than max_age', true)
}

/** Until when the provider lets the session last. */
function ceilingOf(provider: Provider, speech: ProviderSpeech, now: number): number | undefined {
  const ceiling = provider.ceilingOf(speech, now)
  if (ceiling === undefined || ceiling > now) return ceiling
  throw new LoginFailure('provider_refused', { detail: 'the provider says that its session is over already' })
}

interface SaidClaims {
  /** Those of the ID token, joined by those of UserInfo; the latter alone where a provider gives no ID token and need not. */
  readonly claims: Claims
  readonly ofIdToken: Claims
}

async function readClaims(
  provider: Provider,
  { idToken, accessToken }: TokenResponse,
  context: Parameters<typeof verifyIdToken>[2],
): Promise<SaidClaims> {
  const asksUserinfo = provider.options.userinfo
  if (idToken === undefined) {
    if (!asksUserinfo || provider.needsIdToken(await provider.metadata())) {
      throw new Error('the token endpoint gave no ID token')
    }
    return { claims: await inStage('userinfo', () => fetchUserinfo(provider, accessToken)), ofIdToken: {} }
  }
  const ofIdToken = await verifyIdToken(provider, idToken, context)
  if (!asksUserinfo) return { claims: ofIdToken, ofIdToken }
  return { claims: await inStage('userinfo', () => joinUserinfo(provider, accessToken, ofIdToken)), ofIdToken }
}

function checkSubject(read: () => string): void {
  try {
    read()
  } catch (cause: unknown) {
    throw new LoginFailure('claims_missing', { detail: toGateError(cause).detail ?? 'no subject' })
  }
}

function toFailure(cause: unknown, providerId: string): GateError {
  if (cause instanceof TokenError || cause instanceof SubjectMismatchError || cause instanceof UnreadableCeilingError) {
    return new LoginFailure('answer_untrusted', { cause, detail: cause.message })
  }
  // A code that came too late or twice is nobody's fault; anything else is in our configuration or in the provider.
  if (cause instanceof TokenRefusedError && cause.error === 'invalid_grant') {
    return new LoginFailure('provider_refused', { cause, detail: cause.message })
  }
  return toProviderError(cause, providerId)
}

async function issuerOf(provider: Provider): Promise<string> {
  return (await provider.metadata()).issuer ?? provider.options.issuer
}

function identityOf(
  { id }: Provider,
  issuer: string,
  { accessToken, idToken = '', refreshToken, accessTokenExpiresAt, scope }: TokenResponse,
  claims: Claims,
): Pick<Identity, 'subject' | 'provider' | 'issuer' | 'claims' | 'tokens'> {
  const tokens = { accessToken, idToken, refreshToken, accessTokenExpiresAt, scope }
  return { subject: String(claims['sub']), provider: id, issuer, claims, tokens }
}

/** How and when the person authenticated: only the ID token speaks of that. What UserInfo has may be what people write about themselves. */
function howOf({ auth_time: authTime, acr, amr, sid }: Claims): Pick<Identity, 'authTime' | 'acr' | 'amr' | 'sid'> {
  return {
    authTime: typeof authTime === 'number' ? authTime * 1000 : undefined,
    acr: typeof acr === 'string' ? acr : undefined,
    amr: Array.isArray(amr) && amr.every((method) => typeof method === 'string') ? amr : undefined,
    sid: typeof sid === 'string' && sid !== '' ? sid : undefined,
  }
}
