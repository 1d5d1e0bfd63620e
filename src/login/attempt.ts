import { type GateError, toGateError } from '../kernel/errors.ts'
import type { StepUp } from '../kernel/step-up.ts'
import { authenticate, type Identity } from './authenticate.ts'
import { type AuthorizationResponse, readAuthorizationResponse } from './authorization-response.ts'
import type { LoginContext } from './context.ts'
import { InterruptedLogin, LoginFailure, orInterrupt } from './failure.ts'
import { WeakAuthenticationError } from './id-token.ts'
import type { Attempt } from './login-cookie.ts'
import type { Header } from './page.ts'
import type { Provider } from './provider.ts'
import { cookieHeader, type LoginRequest } from './request.ts'
import type { ReturnTarget } from './return-target.ts'
import type { LoginPath } from './send-to-provider.ts'
import { parseTransaction, type Transaction } from './transaction.ts'

/** A login that only lacks its session. */
export interface FinishedAttempt {
  readonly identity: Identity
  readonly returnTo: ReturnTarget
  /** When it began. */
  readonly startedAt: number
  readonly stepUp: StepUp | undefined
  /** Of the session that the browser had when it began. */
  readonly ticketBefore: string | undefined
  /** Remove what the attempt left in the browser. */
  readonly spent: readonly Header[]
}

/**
 * Finishes the attempt that a browser comes back from the provider with. Until the state is taken nothing is used up, so that
 * a response in another browser, or from another provider, does not spoil the login that it belongs to.
 */
export async function finishAttempt(context: LoginContext, request: LoginRequest): Promise<FinishedAttempt> {
  const response = readAuthorizationResponse(request.rawQuery)
  const { attempt, provider } = findAttempt(context, cookieHeader(request), response)
  await checkIssuer(response, provider)
  const transaction = parseTransaction(await context.states.take(attempt.state, attempt.secret))

  // From here on the attempt is over, whatever comes of it.
  const spent: Header[] = [['Set-Cookie', context.loginCookies.clear(attempt.state)]]
  const returnTo = transaction === undefined ? undefined : returnTargetOf(context, transaction)
  try {
    if (transaction === undefined || transaction.issuer !== provider.options.issuer) {
      throw new LoginFailure('attempt_unknown', { detail: 'the state is unknown, used up or expired' })
    }
    const { issuer } = response
    const identity = await authenticate(context, provider, transaction, { code: codeOf(response), issuer })
    const { baseUrl, startedAt, stepUp, ticketBefore } = transaction
    const goal = returnTo ?? context.settings.afterLogin(baseUrl)
    return { identity, returnTo: goal, startedAt, stepUp, ticketBefore, spent }
  } catch (cause: unknown) {
    const error = toGateError(cause)
    if (transaction !== undefined && returnTo !== undefined && helpsToForce(error, transaction)) {
      const { baseUrl, redirectUri, stepUp, rememberMe, ticketBefore } = transaction
      const again = { provider, baseUrl, redirectUri, returnTo, stepUp, rememberMe, ticketBefore, isForced: true }
      throw new AnotherRound(again, spent)
    }
    const { stepUp, rememberMe } = transaction ?? {}
    throw new InterruptedLogin(error, { provider: provider.id, returnTo, stepUp, rememberMe }, spent)
  }
}

/** The browser is to go to the provider once more before anything can be said. */
export class AnotherRound extends Error {
  override readonly name = 'AnotherRound'
  readonly path: LoginPath
  /** Remove what the attempt left in the browser. */
  readonly spent: readonly Header[]

  constructor(path: LoginPath, spent: readonly Header[]) {
    super('the login needs another round')
    this.path = path
    this.spent = spent
  }
}

/**
 * Whether the provider gave an authentication that is too old, by our clock if not by its own, and was not told yet to ask the
 * person in any case. Once is enough: who ignores that too would go on for ever.
 */
function helpsToForce(error: GateError, { stepUp, isForced }: Transaction): boolean {
  const { cause } = error
  return cause instanceof WeakAuthenticationError && cause.isStale && stepUp !== undefined && isForced !== true
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
 * The response must come from the provider that this login was begun at (mix-up), errors included. Where its issuer is not
 * known, what it says of itself is compared with its ID token later.
 * @see [RFC 9207 §2.4](https://www.rfc-editor.org/rfc/rfc9207.html#section-2.4)
 */
async function checkIssuer({ issuer }: AuthorizationResponse, provider: Provider): Promise<void> {
  const metadata = await orInterrupt(() => provider.metadata(), { provider: provider.id })
  if (metadata.issuer === undefined || issuer === metadata.issuer) return
  if (issuer === undefined && !metadata.sendsIssuer) return
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

function returnTargetOf({ settings }: LoginContext, { returnTo, baseUrl }: Transaction): ReturnTarget | undefined {
  // The configuration may have changed since the login began.
  return settings.baseUrls.all.includes(baseUrl) ? settings.returnTargets.judge(returnTo, baseUrl) : undefined
}
