import type { RequestView } from '../kernel/request.ts'
import type { StepUp } from '../kernel/step-up.ts'
import { isWithinDomain } from './check-cookie.ts'
import type { LoginSettings } from './settings.ts'
import { stepUpQuery } from './step-up.ts'

/** A longer one would not get through the header limits of those in between. */
const MAX_RETURN_CHARS = 6000

export interface BeginQuery {
  readonly returnTo: string | undefined
  readonly provider: string | undefined
  readonly stepUp?: StepUp | undefined
  readonly rememberMe?: boolean | undefined
  /** Why the session before is over; the person is told before the login begins. */
  readonly sessionEnd?: string | undefined
}

/** URL of the route that begins a login, at an origin of the configuration. */
export function beginUrl(settings: LoginSettings, baseUrl: string, wanted: BeginQuery): string {
  const { returnTo, provider, stepUp, rememberMe, sessionEnd } = wanted
  const query: string[] = []
  const encoded = returnTo === undefined ? '' : encodeURIComponent(returnTo)
  if (encoded !== '' && encoded.length <= MAX_RETURN_CHARS) query.push(`return_to=${encoded}`)
  if (provider !== undefined) query.push(`provider=${provider}`)
  if (stepUp !== undefined) query.push(...stepUpQuery(stepUp))
  if (rememberMe !== undefined) query.push(`remember_me=${rememberMe}`)
  if (sessionEnd !== undefined) query.push(`reason=${sessionEnd}`)
  return `${baseUrl}${settings.basePath}/login${query.length === 0 ? '' : `?${query.join('&')}`}`
}

/** Where a request that needs a session is sent: to the login of its origin, and back to what it asked for. */
export function beginUrlFor(
  settings: LoginSettings,
  request: RequestView,
  provider: string | undefined,
  stepUp?: StepUp,
  sessionEnd?: string,
): string {
  const own = settings.baseUrls.find(request.host)
  const baseUrl = own ?? settings.baseUrls.of(request.host)
  const returnTo = returnToOf(settings, request, baseUrl, own !== undefined)
  return beginUrl(settings, baseUrl, { returnTo, provider, stepUp, sessionEnd })
}

function returnToOf(settings: LoginSettings, request: RequestView, baseUrl: string, isOwnHost: boolean): string {
  const { originalUri } = request
  // Another host may be returned to only where the cookie that is set here reaches it: else people would go in circles.
  const elsewhere = isOwnHost ? undefined : sharedOrigin(settings, request)
  if (elsewhere !== undefined) return elsewhere + originalUri
  // As a path alone `//host/x` would lead to another host.
  return originalUri.startsWith('//') ? baseUrl + originalUri : originalUri
}

function sharedOrigin({ cookie, returnTargets }: LoginSettings, { host, scheme }: RequestView): string | undefined {
  const url = URL.parse(`${scheme}://${host}`)
  if (url === null || cookie.domain === undefined || !isWithinDomain(url.hostname, cookie.domain)) return undefined
  return returnTargets.judge(`${url.origin}/`, url.origin) === undefined ? undefined : url.origin
}
