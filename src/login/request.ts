import type { RequestView } from '../kernel/request.ts'

/** What the login routes read of a request; a front's request view is one. */
export type LoginRequest = Pick<
  RequestView,
  'method' | 'host' | 'path' | 'rawQuery' | 'headers' | 'clientAddress' | 'requestId' | 'readBody'
>

/** All `Cookie` lines as one: a browser may split them (RFC 9113 §8.2.3). */
export function cookieHeader({ headers }: LoginRequest): string {
  return headers.count('cookie') > 1 ? headers.getAll('cookie').join('; ') : (headers.get('cookie') ?? '')
}

/**
 * Whether a person's browser goes here, as far as it can be told: not a script, an image, or a fetch ahead of need, none
 * of which may begin a login or end a session (A-33, C-04).
 */
export function isNavigation({ headers }: LoginRequest): boolean {
  const mode = headers.get('sec-fetch-mode') ?? 'navigate'
  const destination = headers.get('sec-fetch-dest') ?? 'document'
  if (mode !== 'navigate' || !['document', 'iframe', 'frame'].includes(destination)) return false
  if (`${headers.get('sec-purpose') ?? ''}${headers.get('purpose') ?? ''}`.includes('prefetch')) return false
  const accept = headers.get('accept')
  return accept === undefined || accept.includes('text/html') || accept.includes('*/*')
}
