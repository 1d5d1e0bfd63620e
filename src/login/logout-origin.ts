import { isNavigation, type LoginRequest } from './request.ts'
import type { LoginSettings } from './settings.ts'

/**
 * Whether a request to end the session is the person's own: no other site may log people out (C-04, V-098). A `POST`
 * must come from one of our origins. A `GET` must be a navigation that the browser vouches for, by a link of the same
 * origin or typed; a browser that vouches for nothing is asked to confirm.
 */
export function isOwnLogout(request: LoginRequest, settings: LoginSettings): boolean {
  const site = request.headers.get('sec-fetch-site')
  const vouched = site === 'same-origin' || site === 'none'
  if (request.method !== 'POST') return vouched && isNavigation(request)
  const origin = request.headers.get('origin')
  // `null` is what a page with a strict referrer policy sends too, so it says nothing by itself.
  if (origin !== undefined && origin !== 'null') return settings.returnTargets.isKnownOrigin(origin)
  if (site !== undefined) return vouched
  const referrer = URL.parse(request.headers.get('referer') ?? '')
  return referrer !== null && settings.returnTargets.isKnownOrigin(referrer.origin)
}
