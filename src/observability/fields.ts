import { inspect } from 'node:util'
import { escapeInJson, quoteJson, quoteText } from './quote.ts'

/** Fields of these names never show their value, whoever put it there. */
const SECRET_NAME = /authorization|cookie|password|secret|token|ticket|verifier|^(?:state|code|nonce|query)$/i
/** What is about a secret and is none. */
const HARMLESS_NAME = /^(?:authorization_handler|.+_code)$/
const REDACTED = '"[secret]"'
const MAX_DEPTH = 4

/** What there is to know of a field by its name. */
export interface FieldName {
  /** As a JSON string. */
  readonly json: string
  /** As the key of `key=value`. */
  readonly text: string
  /** The value must not be seen. */
  readonly isSecret: boolean
}

/** The product's own names are few; a limit keeps names that come from elsewhere from filling memory. */
const MAX_KNOWN_NAMES = 500
const knownNames = new Map<string, FieldName>()

export function describeName(name: string): FieldName {
  const known = knownNames.get(name)
  if (known !== undefined) return known
  const described = { json: quoteJson(name), text: quoteText(name), isSecret: isSecret(name) }
  if (knownNames.size < MAX_KNOWN_NAMES) knownNames.set(name, described)
  return described
}

function isSecret(name: string): boolean {
  return SECRET_NAME.test(name) && !HARMLESS_NAME.test(name)
}

/** Writes the value of a field as JSON. */
export function fieldJson({ isSecret: hidden }: FieldName, value: unknown): string {
  return hidden ? REDACTED : valueJson(value)
}

/** A value whose own members are shown whatever their names are: who makes one answers for what is in it. */
export class Verbatim {
  readonly value: unknown

  constructor(value: unknown) {
    this.value = value
  }
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
  if (value instanceof Verbatim) return escapeInJson(JSON.stringify(value.value))
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
  if (describeName(name).isSecret) return '[secret]'
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
