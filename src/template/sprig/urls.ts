import { EMPTY_URL, formatUrl, formatUser, parseUrl, splitHostPort } from '../url/url.ts'
import { anyMap, entryOf } from '../values/collection.ts'
import { fn, type GoFunc } from '../values/func.ts'
import { ANY_MAP_PARAM, STRING } from '../values/param.ts'
import { kindOf } from '../values/types.ts'
import type { GoMap, Value } from '../values/value.ts'

/** URLs taken apart into maps and put together from them. */
export const URLS: Readonly<Record<string, GoFunc>> = {
  urlJoin: fn([ANY_MAP_PARAM], join),
  urlParse: fn([STRING], parse),
}

function parse(text: string): GoMap {
  const url = attempt('unable to parse url', () => parseUrl(text))
  return anyMap([
    ['scheme', url.scheme],
    ['host', url.host],
    ['hostname', splitHostPort(url.host).host],
    ['path', url.path],
    ['query', url.rawQuery],
    ['opaque', url.opaque],
    ['fragment', url.fragment],
    ['userinfo', url.user === null ? '' : formatUser(url.user)],
  ])
}

function join(parts: GoMap | Readonly<Record<string, Value>>): string {
  const part = (key: string): string => {
    const value = entryOf(parts, key)
    if (value === undefined) return ''
    if (value === null) throw new Error('runtime error: invalid memory address or nil pointer dereference')
    if (typeof value === 'string') return value
    throw new Error(`unable to parse ${key} key, must be of type string, but ${kindOf(value)} found`)
  }
  const [scheme, host, path, rawQuery, opaque, fragment] = [
    part('scheme'),
    part('host'),
    part('path'),
    part('query'),
    part('opaque'),
    part('fragment'),
  ]
  const info = part('userinfo')
  const withUser = attempt('unable to parse userinfo in dict', () => parseUrl(`proto://${info}@host`))
  const user = info === '' ? null : withUser.user
  return formatUrl({ ...EMPTY_URL, scheme, host, path, rawQuery, opaque, fragment, user })
}

function attempt<T>(what: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw new Error(`${what}: ${(cause as Error).message}`, { cause })
  }
}
