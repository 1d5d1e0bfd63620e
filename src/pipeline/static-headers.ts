import { HandlerConfigError } from '../kernel/handlers.ts'
import { canonicalHeaderName } from '../lib/go-header.ts'
import { toHeaderValue } from '../lib/header-value.ts'
import { CONNECTION_HEADERS } from './connection-headers.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Names of headers that are copied, in lower case; those of a connection are left out. */
export function compileHeaderNames(names: readonly unknown[], key: string): Set<string> {
  const compiled = names.map((name, index) => {
    if (typeof name !== 'string') throw new HandlerConfigError([key, index], 'must be the name of a header')
    return name.toLowerCase()
  })
  return new Set(compiled.filter((name) => !CONNECTION_HEADERS.has(name)))
}

/**
 * Headers that are set on every call, by their canonical name in wire form; those of a connection are left out.
 * @throws {HandlerConfigError} when a name or value cannot be sent.
 */
export function compileStaticHeaders(headers: Readonly<Record<string, unknown>>, key: string): Map<string, string> {
  const compiled = new Map<string, string>()
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') throw new HandlerConfigError([key, name], 'must be a text')
    if (!TOKEN.test(name)) throw new HandlerConfigError([key, name], `"${name}" is not the name of a header`)
    if (!CONNECTION_HEADERS.has(name.toLowerCase())) compiled.set(canonicalHeaderName(name), toHeaderValue(value))
  }
  return compiled
}
