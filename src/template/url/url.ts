import { isIPv6 } from 'node:net'
import { escapePart, isValidEncoding, unescapePart } from './escape.ts'

/** A URL taken apart as Go's net/url does. */
export interface GoUrl {
  readonly scheme: string
  readonly opaque: string
  readonly user: UserInfo | null
  readonly host: string
  /** Decoded. */
  readonly path: string
  readonly fragment: string
  readonly rawQuery: string
  readonly rawPath: string
  readonly rawFragment: string
  readonly forceQuery: boolean
  readonly omitHost: boolean
}

export interface UserInfo {
  readonly name: string
  readonly password: string | undefined
}

export const EMPTY_URL: GoUrl = {
  scheme: '',
  opaque: '',
  user: null,
  host: '',
  path: '',
  fragment: '',
  rawQuery: '',
  rawPath: '',
  rawFragment: '',
  forceQuery: false,
  omitHost: false,
}

/** @throws {Error} with Go's message, but for the URL itself, which may hold a secret */
export function parseUrl(text: string): GoUrl {
  const [whole, fragment] = cut(text, '#')
  let url: GoUrl
  try {
    url = parseWithoutFragment(whole)
  } catch (cause) {
    throw failure(cause)
  }
  if (fragment === '') return url
  try {
    return withFragment(url, fragment)
  } catch (cause) {
    throw failure(cause)
  }
}

export function formatUrl(url: GoUrl): string {
  let out = url.scheme === '' ? '' : `${url.scheme}:`
  if (url.opaque !== '') out += url.opaque
  else {
    const { user, host } = url
    const hasAuthority = url.scheme !== '' || host !== '' || user !== null
    if (hasAuthority && !(url.omitHost && host === '' && user === null)) {
      if (host !== '' || url.path !== '' || user !== null) out += '//'
      if (user !== null) out += `${formatUser(user)}@`
      if (host !== '') out += escapePart(host, 'host')
    }
    const path = escapedPath(url)
    if (path !== '' && !path.startsWith('/') && host !== '') out += '/'
    if (out === '' && cut(path, '/')[0].includes(':')) out += './'
    out += path
  }
  if (url.forceQuery || url.rawQuery !== '') out += `?${url.rawQuery}`
  return url.fragment === '' ? out : `${out}#${escapedFragment(url)}`
}

export function formatUser(user: UserInfo): string {
  const name = escapePart(user.name, 'user')
  return user.password === undefined ? name : `${name}:${escapePart(user.password, 'user')}`
}

export function escapedPath({ path, rawPath }: GoUrl): string {
  if (rawPath !== '' && isValidEncoding(rawPath, 'path') && decodesTo(rawPath, 'path', path)) return rawPath
  return path === '*' ? '*' : escapePart(path, 'path')
}

export function escapedFragment({ fragment, rawFragment }: GoUrl): string {
  const isKept = rawFragment !== '' && isValidEncoding(rawFragment, 'fragment')
  return isKept && decodesTo(rawFragment, 'fragment', fragment) ? rawFragment : escapePart(fragment, 'fragment')
}

export function requestUri(url: GoUrl): string {
  let out = url.opaque === '' ? escapedPath(url) || '/' : url.opaque
  if (url.opaque.startsWith('//')) out = `${url.scheme}:${out}`
  return url.forceQuery || url.rawQuery !== '' ? `${out}?${url.rawQuery}` : out
}

export function splitHostPort(hostPort: string): { host: string; port: string } {
  const [, before, port] = /^(.*):([0-9]*)$/s.exec(hostPort) ?? []
  const host = before ?? hostPort
  return { host: host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host, port: port ?? '' }
}

/** The URL with another path, given in encoded form. */
export function withPath(url: GoUrl, encoded: string): GoUrl {
  const path = unescapePart(encoded, 'path')
  return { ...url, path, rawPath: escapePart(path, 'path') === encoded ? '' : encoded }
}

function withFragment(url: GoUrl, encoded: string): GoUrl {
  const fragment = unescapePart(encoded, 'fragment')
  return { ...url, fragment, rawFragment: escapePart(fragment, 'fragment') === encoded ? '' : encoded }
}

function parseWithoutFragment(text: string): GoUrl {
  if (/[\x00-\x1f\x7f]/.test(text)) throw new Error('net/url: invalid control character in URL')
  if (text === '*') return { ...EMPTY_URL, path: '*' }
  if (text.startsWith(':')) throw new Error('missing protocol scheme')
  const scheme = /^([a-zA-Z][a-zA-Z0-9+\-.]*):/.exec(text)?.[1] ?? ''
  let rest = scheme === '' ? text : text.slice(scheme.length + 1)
  const forceQuery = rest.indexOf('?') === rest.length - 1 && rest.endsWith('?')
  const [beforeQuery, rawQuery] = cut(rest, '?')
  rest = beforeQuery
  const base = { ...EMPTY_URL, scheme: scheme.toLowerCase(), forceQuery, rawQuery }
  if (!rest.startsWith('/')) {
    if (scheme !== '') return { ...base, opaque: rest }
    if (cut(rest, '/')[0].includes(':')) throw new Error('first path segment in URL cannot contain colon')
  }
  if (rest.startsWith('//') && (scheme !== '' || !rest.startsWith('///'))) {
    const slash = rest.indexOf('/', 2)
    const authority = rest.slice(2, slash < 0 ? undefined : slash)
    return withPath({ ...base, ...parseAuthority(base.scheme, authority) }, slash < 0 ? '' : rest.slice(slash))
  }
  return withPath({ ...base, omitHost: scheme !== '' }, rest)
}

function parseAuthority(scheme: string, authority: string): { user: UserInfo | null; host: string } {
  const at = authority.lastIndexOf('@')
  const host = parseHost(scheme, authority.slice(at + 1))
  if (at < 0) return { user: null, host }
  const info = authority.slice(0, at)
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(info)) throw new Error('net/url: invalid userinfo')
  const [name, password] = cut(info, ':')
  return {
    user: {
      name: unescapePart(name, 'user'),
      password: info.includes(':') ? unescapePart(password, 'user') : undefined,
    },
    host,
  }
}

function parseHost(scheme: string, host: string): string {
  const open = host.lastIndexOf('[')
  if (open > 0) throw new Error('invalid IP-literal')
  if (open === 0) return parseIpLiteral(host)
  const colon = scheme === 'http' || scheme === 'https' ? host.indexOf(':') : host.lastIndexOf(':')
  if (colon >= 0) checkPort(host.slice(colon))
  return unescapePart(host, 'host')
}

function parseIpLiteral(host: string): string {
  const close = host.lastIndexOf(']')
  if (close < 0) throw new Error("missing ']' in host")
  checkPort(host.slice(close + 1))
  const name = host.slice(1, close)
  const zone = name.indexOf('%25')
  const address = unescapePart(zone < 0 ? name : name.slice(0, zone), 'host')
  if (!isIPv6(address)) throw new Error('invalid host: unable to parse IP')
  return `[${address}${zone < 0 ? '' : unescapePart(name.slice(zone), 'zone')}]${host.slice(close + 1)}`
}

function checkPort(port: string): void {
  if (!/^(?::[0-9]*)?$/.test(port)) throw new Error('invalid port after host')
}

function decodesTo(encoded: string, part: 'path' | 'fragment', decoded: string): boolean {
  try {
    return unescapePart(encoded, part) === decoded
  } catch {
    return false
  }
}

function failure(cause: unknown): Error {
  return new Error(`parse: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
}

function cut(text: string, separator: string): [before: string, after: string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}
