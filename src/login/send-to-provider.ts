import type { Reply } from '../kernel/reply.ts'
import type { StepUp } from '../kernel/step-up.ts'
import { authorizationUrl } from './authorization-request.ts'
import type { LoginContext } from './context.ts'
import { publish } from './events.ts'
import { LoginFailure, orInterrupt } from './failure.ts'
import { type Header, redirect } from './page.ts'
import type { Provider } from './provider.ts'
import { cookieHeader, type LoginRequest } from './request.ts'
import type { ReturnTarget } from './return-target.ts'
import { strengthOf } from './step-up.ts'
import { createTransaction } from './transaction.ts'

/** Where a login begins, goes and ends. */
export interface LoginPath {
  readonly provider: Provider
  /** The origin of ours that it began at. */
  readonly baseUrl: string
  /** Where the provider sends the browser back to. */
  readonly redirectUri: string
  readonly returnTo: ReturnTarget
  /** How the person has to log in. */
  readonly stepUp?: StepUp | undefined
  /** The provider has to ask who it is, whatever it knows (`prompt=login`). */
  readonly isForced?: boolean
  /** The person asked to stay signed in. */
  readonly rememberMe?: boolean | undefined
  /** Of the session that is to end with the login; default: the one that the browser has. */
  readonly ticketBefore?: string | undefined
}

/**
 * Begins a login: an attempt of its own for this browser. Nothing is kept, and nobody is sent to a provider, unless the provider
 * is known to be there and the store has taken the state.
 */
export async function sendToProvider(
  context: LoginContext,
  request: LoginRequest,
  path: LoginPath,
  moreHeaders: readonly Header[] = [],
): Promise<Reply> {
  const { settings, states, clock, loginCookies } = context
  const { provider, ...start } = path
  const { returnTo, stepUp, rememberMe } = path
  const cookies = cookieHeader(request)
  if (context.sessionCookie.hasSeveral(cookies)) throw cookiesRepeated(context, returnTo)

  const interrupted = { provider: provider.id, returnTo, stepUp, rememberMe }
  if (strengthOf(provider.options, stepUp).acrValues?.length === 0) {
    const detail = 'acr_values is nothing that authorization_params.acr_values of the provider has'
    throw new LoginFailure('authentication_insufficient', { ...interrupted, detail })
  }
  const metadata = await orInterrupt(() => provider.metadata(), interrupted)
  const startedAt = clock.now()
  const ticketBefore = path.ticketBefore ?? context.sessionCookie.readTicket(cookies)
  const transaction = createTransaction({ ...start, issuer: provider.options.issuer, startedAt, ticketBefore })
  const { attempt, setCookie } = loginCookies.begin(provider.id)
  const expiresAt = startedAt + settings.stateTtlMs
  await orInterrupt(
    () => states.put(attempt.state, attempt.secret, transaction, expiresAt, request.clientAddress),
    interrupted,
  )
  const headers = [setCookie, ...loginCookies.evict(cookies)].map((value): Header => ['Set-Cookie', value])
  const url = authorizationUrl(provider, metadata, transaction, attempt.state)
  publish({ type: 'begun', provider: provider.id })
  return redirect(302, url, settings.secure, [...headers, ...moreHeaders])
}

/** Each login would be forgotten at once, and people would go round in circles. */
function cookiesRepeated({ sessionCookie }: LoginContext, returnTo: ReturnTarget): LoginFailure {
  const headers: Header[] = [
    ['Set-Cookie', sessionCookie.clear],
    ['Clear-Site-Data', '"cookies"'],
  ]
  return new LoginFailure('cookies_repeated', { returnTo, headers })
}
