import { getDomain } from 'tldts'

/** A host with an empty label in it has no registrable domain. */
const EMPTY_LABEL = /^\.|\.\.|\.$/

/**
 * Whether every host that the wildcard of an origin can stand for belongs to one owner: behind the label with the last
 * `*` follows a domain that can be registered, as in `https://*.example.com`. `https://*.com` and `https://*example.com`
 * would let in whoever registers a fitting name.
 */
export function isBoundedPattern(pattern: string): boolean {
  const fromWildcard = pattern.slice(pattern.lastIndexOf('*'))
  const dot = fromWildcard.indexOf('.')
  if (dot === -1) return false
  const base = fromWildcard
    .slice(dot + 1)
    .toLowerCase()
    .replace(/:.*$/s, '')
  if (EMPTY_LABEL.test(base)) return false
  return (
    getDomain(base, { allowPrivateDomains: true, extractHostname: false, detectIp: false, validateHostname: false }) !==
    null
  )
}
