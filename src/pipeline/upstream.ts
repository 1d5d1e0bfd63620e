import type { UpstreamTarget } from '../kernel/gate.ts'
import type { RuleUpstream } from '../kernel/rule.ts'

/** Scheme, authority and path; user information, query and fragment do not count, as in Oathkeeper. */
const PARTS = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(?:[^/?#@]*@)?([^/?#]*)([^?#]*)/
const HAS_SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/
const NOT_IN_URL = /[\x00-\x20\x7f\\]/

/**
 * Compiles where a rule forwards to. Nothing for a rule without `upstream.url`, and for a URL that Oathkeeper's check lets
 * pass although nothing can be forwarded to it (a bare path, a scheme other than http and https).
 * @throws {Error} with Go's words for what is not a URL.
 */
export function compileUpstream(upstream: RuleUpstream): UpstreamTarget | undefined {
  const { url, preserveHost, stripPath } = upstream
  if (url === '') return undefined
  if ((!HAS_SCHEME.test(url) && !url.startsWith('/')) || NOT_IN_URL.test(url)) throw invalid(url)
  const parts = PARTS.exec(url)
  if (parts === null) return undefined
  const [, scheme = '', host = '', path = ''] = parts
  const protocol = scheme.toLowerCase()
  if (protocol !== 'http' && protocol !== 'https') return undefined
  if (host === '' || !URL.canParse(`${protocol}://${host}`)) throw invalid(url)
  const { hostname, port } = new URL(`${protocol}://${host}`)
  const defaultPort = protocol === 'https' ? '443' : '80'
  return {
    origin: `${protocol}://${hostname}:${port === '' ? defaultPort : port}`,
    host,
    basePath: decodePath(path, url),
    preserveHost,
    stripPath: trimSlashes(stripPath),
  }
}

function decodePath(path: string, url: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw invalid(url)
  }
}

function trimSlashes(path: string): string {
  return path.replace(/^\/+/, '').replace(/\/+$/, '')
}

function invalid(url: string): Error {
  return new Error(`parse ${JSON.stringify(url)}: invalid URI for request`)
}
