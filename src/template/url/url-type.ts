import { cleanPath } from '../../lib/go-path.ts'
import { fn, methods, variadic } from '../values/func.ts'
import { type Param, STRING } from '../values/param.ts'
import { GoStruct, type StructType } from '../values/value.ts'
import { parseQuery } from './query.ts'
import {
  escapedFragment,
  escapedPath,
  formatUrl,
  formatUser,
  type GoUrl,
  parseUrl,
  requestUri,
  splitHostPort,
  type UserInfo,
  withPath,
} from './url.ts'

const SELF: Param<GoStruct> = { name: '*url.URL', literal: 'none', accepts: (v) => v instanceof GoStruct }

/** Go's url.Userinfo. */
const USERINFO: StructType = {
  name: 'url.Userinfo',
  fields: [
    { name: 'username', get: (self) => (self as UserInfo).name },
    { name: 'password', get: (self) => (self as UserInfo).password ?? '' },
    { name: 'passwordSet', get: (self) => (self as UserInfo).password !== undefined },
  ],
  methods: methods({
    Username: fn([SELF], ({ self }) => (self as UserInfo | null)?.name ?? ''),
    Password: fn([SELF], () => {
      throw new Error('invalid function signature for Password: second return value should be error; is bool')
    }),
    String: fn([SELF], ({ self }) => describeUser(self)),
  }),
  string: describeUser,
}

/** Go's url.URL. */
const URL_TYPE: StructType = {
  name: 'url.URL',
  fields: [
    { name: 'Scheme', get: (self) => urlOf(self).scheme },
    { name: 'Opaque', get: (self) => urlOf(self).opaque },
    { name: 'User', get: (self) => new GoStruct(USERINFO, true, urlOf(self).user) },
    { name: 'Host', get: (self) => urlOf(self).host },
    { name: 'Path', get: (self) => urlOf(self).path },
    { name: 'Fragment', get: (self) => urlOf(self).fragment },
    { name: 'RawQuery', get: (self) => urlOf(self).rawQuery },
    { name: 'RawPath', get: (self) => urlOf(self).rawPath },
    { name: 'RawFragment', get: (self) => urlOf(self).rawFragment },
    { name: 'ForceQuery', get: (self) => urlOf(self).forceQuery },
    { name: 'OmitHost', get: (self) => urlOf(self).omitHost },
  ],
  methods: methods({
    EscapedFragment: fn([SELF], ({ self }) => escapedFragment(urlOf(self))),
    EscapedPath: fn([SELF], ({ self }) => escapedPath(urlOf(self))),
    Hostname: fn([SELF], ({ self }) => splitHostPort(urlOf(self).host).host),
    IsAbs: fn([SELF], ({ self }) => urlOf(self).scheme !== ''),
    JoinPath: variadic([SELF], STRING, ({ self }, elements) => urlPointer(joinPath(urlOf(self), elements))),
    Parse: fn([SELF, STRING], ({ self }, text) => urlPointer(resolve(urlOf(self), parseUrl(text)))),
    Port: fn([SELF], ({ self }) => splitHostPort(urlOf(self).host).port),
    Query: fn([SELF], ({ self }) => parseQuery(urlOf(self).rawQuery)),
    Redacted: fn([SELF], ({ self }) => formatUrl(redacted(urlOf(self)))),
    RequestURI: fn([SELF], ({ self }) => requestUri(urlOf(self))),
    ResolveReference: fn([SELF, SELF], (base, reference) =>
      urlPointer(resolve(urlOf(base.self), urlOf(reference.self))),
    ),
    String: fn([SELF], ({ self }) => formatUrl(urlOf(self))),
  }),
  string: (self) => formatUrl(urlOf(self)),
}

/** A *url.URL. */
export function urlPointer(url: GoUrl): GoStruct {
  return new GoStruct(URL_TYPE, true, url)
}

/** A *url.URL that points nowhere. */
export const NIL_URL: GoStruct = new GoStruct(URL_TYPE, true, null)

function describeUser(self: unknown): string {
  return self === null ? '' : formatUser(self as UserInfo)
}

function urlOf(self: unknown): GoUrl {
  return self as GoUrl
}

function redacted(url: GoUrl): GoUrl {
  return url.user?.password === undefined ? url : { ...url, user: { name: url.user.name, password: 'xxxxx' } }
}

function joinPath(url: GoUrl, elements: readonly string[]): GoUrl {
  const base = escapedPath(url)
  const isAbsolute = base.startsWith('/')
  const parts = [isAbsolute ? base : `/${base}`, ...elements].filter((part) => part !== '')
  let path = cleanPath(parts.join('/'))
  if (!isAbsolute) path = path.slice(1)
  const last = elements.at(-1) ?? base
  if (last.endsWith('/') && !path.endsWith('/')) path += '/'
  try {
    return withPath(url, path)
  } catch {
    return url
  }
}

/** RFC 3986 §5.2, as Go does it. */
function resolve(base: GoUrl, reference: GoUrl): GoUrl {
  const scheme = reference.scheme || base.scheme
  if (reference.scheme !== '' || reference.host !== '' || reference.user !== null) {
    return withPath({ ...reference, scheme }, resolvePath(escapedPath(reference), ''))
  }
  const bare = { ...reference, scheme, user: null, host: '', path: '' }
  if (reference.opaque !== '') return bare
  let merged: GoUrl = { ...reference, scheme }
  if (reference.path === '' && !reference.forceQuery && reference.rawQuery === '') {
    merged = { ...merged, rawQuery: base.rawQuery }
    if (reference.fragment === '') merged = { ...merged, fragment: base.fragment, rawFragment: base.rawFragment }
  }
  if (reference.path === '' && base.opaque !== '')
    return { ...merged, opaque: base.opaque, user: null, host: '', path: '' }
  const path = resolvePath(escapedPath(base), escapedPath(reference))
  return withPath({ ...merged, host: base.host, user: base.user }, path)
}

function resolvePath(base: string, reference: string): string {
  let full = reference
  if (reference === '') full = base
  else if (!reference.startsWith('/')) full = base.slice(0, base.lastIndexOf('/') + 1) + reference
  if (full === '') return ''
  const segments: string[] = []
  const parts = full.replace(/^\//, '').split('/')
  for (const part of parts) {
    if (part === '..') segments.pop()
    else if (part !== '.') segments.push(part)
  }
  const last = parts.at(-1)
  const path = `/${segments.join('/')}`
  return (last === '.' || last === '..') && path !== '/' ? `${path}/` : path
}
