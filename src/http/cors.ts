import type { HeaderList } from '../kernel/headers.ts'
import { canonicalHeaderName } from '../lib/go-header.ts'
import { isBoundedPattern } from '../lib/origin-pattern.ts'
import type { Answer } from './answer.ts'

/** `serve.<listener>.cors`. */
export interface CorsOptions {
  readonly enabled: boolean
  readonly allowedOrigins: readonly string[]
  readonly allowedMethods: readonly string[]
  readonly allowedHeaders: readonly string[]
  readonly exposedHeaders: readonly string[]
  readonly allowCredentials: boolean
  /** 0: not told; negative: told to keep nothing. */
  readonly maxAgeSeconds: number
}

/** Cross-origin requests, answered as Oathkeeper does. */
export interface Cors {
  /**
   * Answers a preflight request; gives false for every other one, whose answer it has given the headers then.
   * @param headers of the request
   */
  handle(method: string, headers: HeaderList, response: Answer): boolean
}

const PREFLIGHT_VARY = ['Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'] as const
const VARY = ['Vary', 'Origin'] as const

/** What counts where a list is given and empty. */
const SIMPLE_METHODS = ['GET', 'POST', 'HEAD']
const USUAL_HEADERS = ['accept', 'content-type', 'x-requested-with']

/** Compiles the settings of one listener; nothing when it has nothing to do with CORS. */
export function compileCors(options: CorsOptions): Cors | undefined {
  if (!options.enabled) return undefined
  const allowsOrigin = compileOrigins(options.allowedOrigins)
  const methods = new Set(options.allowedMethods.length === 0 ? SIMPLE_METHODS : options.allowedMethods)
  const allowsMethod = (method: string): boolean => method === 'OPTIONS' || methods.has(method)
  const allowsHeaders = compileHeaders(options.allowedHeaders)
  const exposed = options.exposedHeaders.map(canonicalHeaderName).join(', ')
  const credentials = options.allowCredentials ? ['Access-Control-Allow-Credentials', 'true'] : []
  const forPreflight = [...credentials, ...maxAge(options.maxAgeSeconds)]
  const forActual = [...(exposed === '' ? [] : ['Access-Control-Expose-Headers', exposed]), ...credentials]

  function preflight(asked: string, headers: HeaderList): string[] {
    const flat: string[] = [...PREFLIGHT_VARY]
    const origin = headers.get('origin') ?? ''
    const names = headers.getAll('access-control-request-headers')
    if (origin === '' || !allowsOrigin(origin) || !allowsMethod(asked) || !allowsHeaders(names)) return flat
    flat.push('Access-Control-Allow-Origin', origin, 'Access-Control-Allow-Methods', asked)
    if ((names[0] ?? '') !== '') for (const line of names) flat.push('Access-Control-Allow-Headers', line)
    flat.push(...forPreflight)
    return flat
  }

  return {
    handle(method, headers, response) {
      const asked = method === 'OPTIONS' ? (headers.get('access-control-request-method') ?? '') : ''
      if (asked !== '') {
        response.writeHead(204, preflight(asked, headers))
        response.end()
        return true
      }
      const origin = headers.get('origin') ?? ''
      const isAllowed = origin !== '' && allowsOrigin(origin) && allowsMethod(method)
      response.added = isAllowed ? [...VARY, 'Access-Control-Allow-Origin', origin, ...forActual] : VARY
      return false
    },
  }
}

function maxAge(seconds: number): string[] {
  return seconds === 0 ? [] : ['Access-Control-Max-Age', String(Math.max(0, seconds))]
}

/** The origin is compared as it is, with what is configured in lower case: a browser sends nothing else. */
function compileOrigins(origins: readonly string[]): (origin: string) => boolean {
  if (origins.length === 0 || origins.includes('*')) return () => true
  const lower = origins.map((origin) => origin.toLowerCase())
  const exact = new Set(lower.filter((origin) => !origin.includes('*')))
  const patterns = lower.filter((origin) => origin.includes('*') && isBoundedPattern(origin)).map(cutAtWildcard)
  return (origin) =>
    exact.has(origin) ||
    patterns.some(
      ({ before, behind }) =>
        origin.length >= before.length + behind.length && origin.startsWith(before) && origin.endsWith(behind),
    )
}

function cutAtWildcard(pattern: string): { readonly before: string; readonly behind: string } {
  const at = pattern.indexOf('*')
  return { before: pattern.slice(0, at), behind: pattern.slice(at + 1) }
}

/** Empty elements of the list that are put up with (RFC 9110 §5.6.1.2). */
const MAX_EMPTY = 16
const ELEMENT = /^[ \t]?(.*?)[ \t]?$/s

/** Browsers ask for names that are sorted, unique and in lower case (Fetch §4.9); nothing else is allowed. */
function compileHeaders(allowed: readonly string[]): (lines: readonly string[]) => boolean {
  if (allowed.includes('*')) return () => true
  const names = allowed.length === 0 ? USUAL_HEADERS : allowed.map((name) => name.toLowerCase())
  const place = new Map([...new Set(names)].sort().map((name, index) => [name, index]))
  return (lines) => {
    let last = -1
    let empty = 0
    for (const element of lines.flatMap((line) => line.split(','))) {
      const name = ELEMENT.exec(element)?.[1] ?? ''
      if (name === '') {
        if (++empty > MAX_EMPTY) return false
        continue
      }
      const found = place.get(name)
      if (found === undefined || found <= last) return false
      last = found
    }
    return true
  }
}
