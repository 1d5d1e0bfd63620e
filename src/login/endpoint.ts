/**
 * Whether a URL may be spoken to: https, or http on this machine only; no user, no fragment.
 * @see [RFC 6749 §3.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-3.1)
 */
export function isSafeEndpoint(value: unknown): value is string {
  if (typeof value !== 'string' || value.includes('#')) return false
  const url = URL.parse(value)
  if (url === null || url.username !== '' || url.password !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
}

export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(?:\.\d{1,3}){3}$/.test(hostname)
  )
}
