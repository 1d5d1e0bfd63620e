import type { HeaderMap, MatchContext, MatchedUrl } from '../../../kernel/exchange.ts'
import { HeaderList } from '../../../kernel/headers.ts'
import { canonicalHeaderName } from '../../../lib/go-header.ts'
import { goMember } from '../../../lib/go-json.ts'
import { toHeaderValue } from '../../../lib/header-value.ts'
import { isJsonObject } from '../../../lib/strict-json.ts'
import { CONNECTION_HEADERS } from '../../connection-headers.ts'

/** An authentication session as a hydrator answers it. */
export interface HydratedSession {
  readonly subject: string
  readonly extra: Readonly<Record<string, unknown>> | undefined
  /** By canonical name, in wire form. Nobody changes the lists. */
  readonly headers: HeaderMap
  readonly matchContext: MatchContext
}

/**
 * Reads the answer of a hydrator, as Go decodes it: what is missing or null has its zero value, what is unknown is not
 * looked at, and a value of another type spoils the whole.
 * @throws {TypeError} that names the member and quotes nothing of the answer.
 */
export function readSession(answer: unknown): HydratedSession {
  const session = objectOf(answer, 'the answer') ?? {}
  const context = objectOf(goMember(session, 'match_context'), 'match_context') ?? {}
  return {
    subject: textOf(goMember(session, 'subject'), 'subject'),
    extra: objectOf(goMember(session, 'extra'), 'extra'),
    headers: readHeaders(goMember(session, 'header')),
    matchContext: {
      captureGroups: listOf(goMember(context, 'regexp_capture_groups'), 'regexp_capture_groups'),
      url: readUrl(goMember(context, 'url')),
      method: textOf(goMember(context, 'method'), 'method'),
      headers: readRequestHeaders(goMember(context, 'header')),
    },
  }
}

function readUrl(value: unknown): MatchedUrl | undefined {
  const url = objectOf(value, 'url')
  if (url === undefined) return undefined
  const text = (name: string): string => textOf(goMember(url, name), `url.${name}`)
  const flag = (name: string): boolean => flagOf(goMember(url, name), `url.${name}`)
  objectOf(goMember(url, 'User'), 'url.User')
  return {
    scheme: text('Scheme'),
    opaque: text('Opaque'),
    host: text('Host'),
    path: text('Path'),
    rawPath: text('RawPath'),
    rawQuery: text('RawQuery'),
    fragment: text('Fragment'),
    rawFragment: text('RawFragment'),
    forceQuery: flag('ForceQuery'),
    omitHost: flag('OmitHost'),
  }
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

function readHeaders(value: unknown): HeaderMap {
  const headers: HeaderMap = new Map()
  for (const [name, list] of Object.entries(objectOf(value, 'header') ?? {})) {
    const values = listOf(list, 'header') ?? []
    // Sent on, it would end in an error of the upstream's connection.
    if (!TOKEN.test(name)) throw new TypeError('a name in header is not the name of a header')
    if (CONNECTION_HEADERS.has(name.toLowerCase())) continue
    headers.set(canonicalHeaderName(name), values.length === 0 ? [''] : values.map(toHeaderValue))
  }
  return headers
}

function readRequestHeaders(value: unknown): HeaderList | undefined {
  const header = objectOf(value, 'match_context.header')
  if (header === undefined) return undefined
  const flat = Object.entries(header).flatMap(([name, list]) =>
    (listOf(list, 'match_context.header') ?? []).flatMap((text) => [name, toHeaderValue(text)]),
  )
  return new HeaderList(flat)
}

function objectOf(value: unknown, name: string): Record<string, unknown> | undefined {
  if (value === undefined || value === null) return undefined
  if (isJsonObject(value)) return value
  throw new TypeError(`${name} is not an object`)
}

function listOf(value: unknown, name: string): string[] | undefined {
  if (value === undefined || value === null) return undefined
  if (!Array.isArray(value)) throw new TypeError(`${name} is not a list`)
  return value.map((item: unknown) => textOf(item, name))
}

function textOf(value: unknown, name: string): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  throw new TypeError(`${name} is not a text`)
}

function flagOf(value: unknown, name: string): boolean {
  if (value === undefined || value === null) return false
  if (typeof value === 'boolean') return value
  throw new TypeError(`${name} is neither true nor false`)
}
