import { escapedPath, unescapePath } from '../lib/go-url.ts'
import { compileEndpoint } from './endpoint.ts'

/** A URL of the configuration whose path or query may give way to those of a request. */
export interface ServiceUrl {
  /** `http://host:port` */
  readonly origin: string
  /** As it goes on the wire. */
  readonly path: string
  /** Without `?`; empty when there is none. */
  readonly query: string
  /** The `Authorization` that name and password of the URL stand for. */
  readonly authorization: string | undefined
}

/**
 * Compiles the URL of a service.
 * @param key of the handler's configuration, for messages
 * @throws {HandlerConfigError} when nothing can be sent there.
 */
export function compileServiceUrl(text: string, key: readonly string[]): ServiceUrl {
  const { origin, authorization } = compileEndpoint(text, key)
  // Not the path of a URL object, which takes dots out of it.
  const [, path = '', query = ''] = /^[^:]+:\/*[^/?#]*([^?#]*)(?:\?([^#]*))?/.exec(text) ?? []
  return { origin, path: encodePath(path), query: encodeQuery(query), authorization }
}

function encodePath(text: string): string {
  const raw = Buffer.from(text, 'utf8').toString('latin1')
  const path = escapedPath(unescapePath(raw) ?? text, raw)
  return path.startsWith('/') ? path : `/${path}`
}

/** What cannot stand in a request line is encoded. */
function encodeQuery(raw: string): string {
  return raw.toWellFormed().replace(/[^\x21-\x7e]+/g, encodeURIComponent)
}
