import { TokenError } from '../credentials/verify.ts'
import { type GateError, toGateError } from '../kernel/errors.ts'
import type { Reply } from '../kernel/reply.ts'
import type { SessionDraft } from '../sessions/contract.ts'
import { type AuthorizationResponse, readAuthorizationResponse } from './authorization-response.ts'
import type { LoginContext } from './context.ts'
import { publish } from './events.ts'
import { InterruptedLogin, LoginFailure, orInterrupt } from './failure.ts'
import { requestedStrength, verifyIdToken } from './id-token.ts'
import type { Claims } from './id-token-checks.ts'
import type { Attempt } from './login-cookie.ts'
import { type Header, redirect, renderPage } from './page.ts'
import type { Provider } from './provider.ts'
import { toProviderError } from './provider-error.ts'
import { cookieHeader, type LoginRequest } from './request.ts'
import type { ReturnTarget } from './return-target.ts'
import { exchangeCode, type TokenResponse, TokenRefusedError } from './token-request.ts'
import { parseTransaction, type Transaction } from './transaction.ts'
import { joinUserinfo, SubjectMismatchError } from './userinfo.ts'

/**
 * `GET /callback`: the browser comes back from the provider. Until the state is taken nothing is used up, so that a
 * response in another browser, or from another provider, does not spoil the login that it belongs to.
 */
export async function callback(context: LoginContext, request: LoginRequest): Promise<Reply> {
  const response = readAuthorizationResponse(request.rawQuery)
  const cookies = cookieHeader(request)
  const { attempt, provider } = findAttempt(context, cookies, response)
  await checkIssuer(response, provider)
  const transaction = parseTransaction(await context.states.take(attempt.state, attempt.secret))

  // From here on the attempt is over, whatever comes of it.
  const spent: Header = ['Set-Cookie', context.loginCookies.clear(attempt.state)]
  const returnTo = transaction === undefined ? undefined : returnTargetOf(context, transaction)
  try {
    if (transaction === undefined || transaction.issuer !== provider.options.issuer) {
      throw new LoginFailure('attempt_unknown', { detail: 'the state is unknown, used up or expired' })
    }
    const identity = await authenticate(context, provider, transaction, codeOf(response))
    return await enter(context, request, identity, returnTo ?? context.settings.afterLogin(transaction.baseUrl), spent)
  } catch (cause: unknown) {
    throw new InterruptedLogin(toGateError(cause), { provider: provider.id, returnTo }, [spent])
  }
}

function findAttempt(
  { loginCookies, providers }: LoginContext,
  cookies: string,
  { state }: AuthorizationResponse,
): { readonly attempt: Attempt; readonly provider: Provider } {
  const attempt = loginCookies.find(cookies, state)
  const provider = attempt === undefined ? undefined : providers.get(attempt.providerId)
  if (attempt !== undefined && provider !== undefined) return { attempt, provider }
  throw new LoginFailure('attempt_unknown', { detail: 'this browser has no login cookie that belongs to the state' })
}

/**
 * The response must come from the provider that this login was begun at (mix-up), errors included.
 * @see [RFC 9207 §2.4](https://www.rfc-editor.org/rfc/rfc9207.html#section-2.4)
 */
async function checkIssuer({ issuer }: AuthorizationResponse, provider: Provider): Promise<void> {
  const { sendsIssuer } = await orInterrupt(() => provider.metadata(), { provider: provider.id })
  if (issuer === provider.options.issuer || (issuer === undefined && !sendsIssuer)) return
  const detail = issuer === undefined ? 'iss is missing, though the provider always sends it' : 'iss is another issuer'
  throw new LoginFailure('issuer_foreign', { detail, provider: provider.id })
}

function codeOf({ result }: AuthorizationResponse): string {
  if (result.kind === 'code') return result.code
  // Of the provider's own words only the code goes into the log, if it is one; nothing goes into the page (V-011).
  const error = /^[a-z_]{1,64}$/.test(result.error) ? result.error : 'an error of no known form'
  const detail = `the provider answered: ${error}`
  throw new LoginFailure(error === 'access_denied' ? 'access_denied' : 'provider_refused', { detail })
}

type Identity = Omit<SessionDraft, 'address' | 'userAgent'>

/** Spends the code and believes what comes back only after every check. */
async function authenticate(
  { clock, subjectOf }: LoginContext,
  provider: Provider,
  transaction: Transaction,
  code: string,
): Promise<Identity> {
  try {
    const response = await exchangeCode(provider, code, transaction, clock.now())
    const { idToken } = response
    if (idToken === undefined) throw new Error('the token endpoint gave no ID token')
    const idTokenClaims = await verifyIdToken(provider, idToken, {
      accessToken: response.accessToken,
      now: clock.now(),
      nonce: { value: transaction.nonce, isRequired: true },
      subject: undefined,
      ...requestedStrength(provider),
    })
    const claims = provider.options.userinfo
      ? await joinUserinfo(provider, response.accessToken, idTokenClaims)
      : idTokenClaims
    checkSubject(() => subjectOf(claims))
    return identityOf(provider, { ...response, idToken }, claims)
  } catch (cause: unknown) {
    throw toFailure(cause, provider.id)
  }
}

function checkSubject(read: () => string): void {
  try {
    read()
  } catch (cause: unknown) {
    throw new LoginFailure('claims_missing', { detail: toGateError(cause).detail ?? 'no subject' })
  }
}

function toFailure(cause: unknown, providerId: string): GateError {
  if (cause instanceof TokenError || cause instanceof SubjectMismatchError) {
    return new LoginFailure('answer_untrusted', { cause, detail: cause.message })
  }
  // A code that came too late or twice is nobody's fault; anything else is in our configuration or in the provider.
  if (cause instanceof TokenRefusedError && cause.error === 'invalid_grant') {
    return new LoginFailure('provider_refused', { cause, detail: cause.message })
  }
  return toProviderError(cause, providerId)
}

function identityOf(
  { id, options }: Provider,
  tokens: TokenResponse & { readonly idToken: string },
  claims: Claims,
): Identity {
  const { sub, auth_time: authTime, acr, amr, sid } = claims
  return {
    subject: String(sub),
    provider: id,
    issuer: options.issuer,
    claims,
    tokens,
    authTime: typeof authTime === 'number' ? authTime * 1000 : undefined,
    acr: typeof acr === 'string' ? acr : undefined,
    amr: Array.isArray(amr) && amr.every((method) => typeof method === 'string') ? amr : undefined,
    sid: typeof sid === 'string' && sid !== '' ? sid : undefined,
  }
}

const MAX_USER_AGENT_CHARS = 256

/** A new session under a new id; the one that the browser had before ends (session fixation). */
async function enter(
  context: LoginContext,
  request: LoginRequest,
  identity: Identity,
  returnTo: ReturnTarget,
  spent: Header,
): Promise<Reply> {
  const { sessions, sessionCookie, settings, clock, logger } = context
  const userAgent = (request.headers.get('user-agent') ?? '').slice(0, MAX_USER_AGENT_CHARS)
  const { ticket, session } = await sessions.create({ ...identity, address: request.clientAddress, userAgent })
  await supersede(context, cookieHeader(request))
  const { provider, subject, id } = session
  publish({ type: 'completed', provider })
  logger.info({ provider, subject, session: id, requestId: request.requestId }, 'login completed')
  const lifetimeMs = session.expiresAt - clock.now()
  const headers: Header[] = [['Set-Cookie', sessionCookie.write(ticket, lifetimeMs)], spent]
  if (settings.cookie.sameSite !== 'strict') return redirect(302, returnTo, settings.secure, headers)
  // A redirect that comes from the provider's site counts as cross-site to its end: the browser would not send the
  // cookie that it has just been given. A page that goes on by itself begins anew.
  return renderPage(
    {
      status: 200,
      title: 'You are signed in',
      paragraphs: [],
      actions: [{ kind: 'link', label: 'Continue', href: returnTo }],
      forwardTo: returnTo,
      headers,
    },
    settings.secure,
  )
}

async function supersede({ sessions, sessionCookie, logger }: LoginContext, cookies: string): Promise<void> {
  const before = sessionCookie.readTicket(cookies)
  if (before === undefined) return
  try {
    await sessions.end(before, 'superseded')
  } catch (cause: unknown) {
    // Its ticket is refused here from now on; the manager ends it in the store when it can.
    const { code, detail } = toGateError(cause)
    logger.warn({ code, detail }, 'the session before this login could not be ended yet')
  }
}

function returnTargetOf({ settings }: LoginContext, { returnTo, baseUrl }: Transaction): ReturnTarget | undefined {
  // The configuration may have changed since the login began.
  return settings.baseUrls.all.includes(baseUrl) ? settings.returnTargets.judge(returnTo, baseUrl) : undefined
}
