/**
 * Visits the pairs of a `Cookie` header. Names are compared as they are: browsers ignore the case of `__Host-`, servers
 * must not (RFC 6265bis §5.4). Values are not decoded.
 */
export function visitCookies(header: string, visit: (name: string, value: string) => void): void {
  for (let at = 0; at < header.length;) {
    const semicolon = header.indexOf(';', at)
    const end = semicolon === -1 ? header.length : semicolon
    const pair = header.slice(at, end).trim()
    const equals = pair.indexOf('=')
    if (equals > 0) visit(pair.slice(0, equals), pair.slice(equals + 1))
    else if (equals === -1 && pair !== '') visit(pair, '')
    at = end + 1
  }
}

/** The value of a cookie; `undefined` when there is none, `several` when there are more: somebody else set one (D-08). */
export function findCookie(header: string, name: string): { readonly value: string } | 'several' | undefined {
  // Most headers of most sites lack the name, or have it once: no pair is cut out in vain.
  let found: { readonly value: string } | undefined
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, at + name.length)) {
    if (!isStartOfPair(header, at) || header[at + name.length] !== '=') continue
    if (found !== undefined) return 'several'
    const semicolon = header.indexOf(';', at)
    found = { value: header.slice(at + name.length + 1, semicolon === -1 ? undefined : semicolon).trimEnd() }
  }
  return found
}

function isStartOfPair(header: string, at: number): boolean {
  for (let i = at - 1; i >= 0; i--) {
    const char = header[i]
    if (char === ';') return true
    if (char !== ' ' && char !== '\t') return false
  }
  return true
}

export interface CookieAttributes {
  readonly path: string
  readonly domain?: string | undefined
  readonly secure: boolean
  readonly sameSite: 'lax' | 'strict' | 'none'
}

/** The tail of a `Set-Cookie` that creation and deletion share, or the browser keeps the cookie (RFC 6265bis §5.7). */
export function attributeTail({ path, domain, secure, sameSite }: CookieAttributes): string {
  const site = { lax: 'Lax', strict: 'Strict', none: 'None' }[sameSite]
  return `; Path=${path}${domain === undefined ? '' : `; Domain=${domain}`}; HttpOnly${secure ? '; Secure' : ''}; SameSite=${site}`
}

/** Browsers cut longer lifetimes to this (RFC 6265bis §5.5). */
const MAX_AGE_SECONDS = 400 * 24 * 3600

export function maxAge(ms: number): string {
  return `; Max-Age=${Math.max(0, Math.min(MAX_AGE_SECONDS, Math.floor(ms / 1000)))}`
}
