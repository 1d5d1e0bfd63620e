import { cleanPath } from '../lib/go-path.ts'
import { unescapePath } from '../lib/go-url.ts'

declare const judged: unique symbol

/** A URL that people may be sent to. Only `ReturnTargets` makes one, so that no other string gets into a `Location`. */
export type ReturnTarget = string & { readonly [judged]: true }

export interface ReturnTargets {
  /** The target, absolute and normalised; `undefined` when it may not be gone to. `baseUrl` is what a path belongs to. */
  judge(wanted: string, baseUrl: string): ReturnTarget | undefined
  root(baseUrl: string): ReturnTarget
  /** Whether an origin, as `URL.origin` or an `Origin` header writes it, is one of ours. */
  isKnownOrigin(origin: string): boolean
}

export interface ReturnTargetOptions {
  /** Origins as `URL.origin` writes them: those of `login.base_url` and `login.allowed_return_origins`. */
  readonly origins: readonly string[]
  readonly basePath: string
}

const MAX_CHARS = 4096

// C0 and C1 controls, space, and the backslash that browsers take for a slash. Tabs and line feeds are the ones that
// `new URL` drops without a word ("/<TAB>/evil.test").
const NEVER = /[\x00-\x20\x7f-\xa0\\\u2028\u2029\ufeff]/
const PATH_FORM = /^\/(?!\/)/
// Scheme in lower case, an authority without user, then the end or a path. Letters beyond ASCII in a host would be
// mapped by the URL parser to others ("evil。test", full-width letters).
const ABSOLUTE_FORM = /^https?:\/\/[A-Za-z0-9.[\]:-]+(?:\/|$)/

/**
 * The one place that decides where people may be sent (open redirects: CVE-2020-4037, CVE-2020-11053, CVE-2021-29456).
 * A target is a path, or a URL of a known origin. What comes out is always absolute, so that no path can be read as a
 * host, and it is parsed again exactly as it is written to the wire.
 */
export function createReturnTargets({ origins, basePath }: ReturnTargetOptions): ReturnTargets {
  const known = new Set(origins)

  function judge(wanted: string, baseUrl: string): ReturnTarget | undefined {
    if (wanted.length > MAX_CHARS || NEVER.test(wanted)) return undefined
    if (!PATH_FORM.test(wanted) && !ABSOLUTE_FORM.test(wanted)) return undefined
    const url = URL.parse(wanted, baseUrl)
    if (url === null || !known.has(url.origin) || isBelow(url.pathname, basePath)) return undefined
    return isReturnTarget(url.href) ? url.href : undefined
  }

  /** Looks once more at the very string that goes into `Location`. */
  function isReturnTarget(href: string): href is ReturnTarget {
    const url = URL.parse(href)
    return url !== null && url.href === href && known.has(url.origin) && href.startsWith(`${url.origin}/`)
  }

  return { judge, root: (baseUrl) => `${baseUrl}/` as ReturnTarget, isKnownOrigin: (origin) => known.has(origin) }
}

/** A return to a login route would go round in circles, or log out who has just logged in. */
function isBelow(pathname: string, basePath: string): boolean {
  const decoded = unescapePath(pathname)
  // No listener of ours serves a path that cannot be decoded.
  if (decoded === undefined) return true
  const path = cleanPath(decoded)
  return path === basePath || path.startsWith(`${basePath}/`)
}
