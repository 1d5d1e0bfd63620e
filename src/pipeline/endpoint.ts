import { HandlerConfigError } from '../kernel/handlers.ts'
import type { OutboundTarget } from '../lib/outbound.ts'

/** A service that a handler asks, taken apart at load. */
export interface Endpoint extends OutboundTarget {
  /** `Authorization` for the name and password that the URL holds. */
  readonly authorization: string | undefined
}

/**
 * Compiles the URL of a service.
 * @param path where it is in the handler's configuration
 * @throws {HandlerConfigError} when nothing can be sent there.
 */
export function compileEndpoint(url: string, path: readonly string[]): Endpoint {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    throw new HandlerConfigError(path, 'must be an http:// or https:// URL')
  }
  const { origin, pathname, search, username, password } = parsed
  return { origin, path: pathname + search, authorization: basicOf(username, password) }
}

/** The value of `Authorization` for a name and a password (RFC 7617). */
export function basicAuthorization(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`, 'utf8').toString('base64')}`
}

function basicOf(username: string, password: string): string | undefined {
  if (username === '' && password === '') return undefined
  return basicAuthorization(decode(username), decode(password))
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
