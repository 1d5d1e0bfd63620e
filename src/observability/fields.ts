import { inspect } from 'node:util'
import { escapeInJson, quoteJson } from './quote.ts'

/** Fields of these names never show their value, whoever put it there. */
const SECRET_NAME = /authorization|cookie|password|secret|token|ticket|verifier|^(?:state|code|nonce|query)$/i
/** What is about a secret and is none. */
const HARMLESS_NAME = /^(?:authorization_handler|.+_code)$/
const REDACTED = '"[secret]"'
const MAX_DEPTH = 4

const MAX_KNOWN_NAMES = 500
const knownNames = new Map<string, boolean>()

/** Writes the value of a field as JSON. */
export function fieldJson(name: string, value: unknown): string {
  return isSecret(name) ? REDACTED : valueJson(value)
}

/** Whether the name says that the value must not be seen. */
export function isSecret(name: string): boolean {
  const known = knownNames.get(name)
  if (known !== undefined) return known
  const secret = SECRET_NAME.test(name) && !HARMLESS_NAME.test(name)
  if (knownNames.size < MAX_KNOWN_NAMES) knownNames.set(name, secret)
  return secret
}

function valueJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quoteJson(value)
    case 'number':
      return Number.isFinite(value) ? String(value) : `"${value}"`
    case 'boolean':
      return value ? 'true' : 'false'
    case 'undefined':
      return 'null'
    default:
      return objectJson(value)
  }
}

function objectJson(value: unknown): string {
  if (value === null) return 'null'
  const plain = value instanceof Error ? describeError(value, 0) : value
  try {
    const json = JSON.stringify(plain, redactMember)
    return json === undefined ? quoteJson(inspect(plain)) : escapeInJson(json)
  } catch {
    // A cycle or a bigint: rare enough to be told as text.
    return quoteJson(inspect(plain, { depth: 1 }))
  }
}

function redactMember(name: string, value: unknown): unknown {
  if (isSecret(name)) return '[secret]'
  return value instanceof Error ? describeError(value, 0) : value
}

interface ErrorDescription {
  readonly message: string
  readonly code?: unknown
  readonly detail?: unknown
  readonly cause?: ErrorDescription
}

/** An error for the log: what it says and why it came to it, without a stack. */
function describeError(error: Error, depth: number): ErrorDescription {
  const { code, detail } = error as Error & { readonly code?: unknown; readonly detail?: unknown }
  return {
    message: error.message,
    ...(code === undefined ? {} : { error_code: code }),
    ...(detail === undefined ? {} : { detail }),
    ...(error.cause instanceof Error && depth < MAX_DEPTH ? { cause: describeError(error.cause, depth + 1) } : {}),
  }
}
