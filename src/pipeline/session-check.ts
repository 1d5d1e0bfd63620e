import { z } from 'zod'
import type { Clock } from '../kernel/clock.ts'
import { GateError } from '../kernel/errors.ts'
import type { Exchange } from '../kernel/exchange.ts'
import { HandlerConfigError } from '../kernel/handlers.ts'
import type { Logger } from '../kernel/logger.ts'
import type { RequestView } from '../kernel/request.ts'
import { isNestedDeeper } from '../lib/bounded-json.ts'
import { decodeJson } from '../lib/decode-json.ts'
import { compileGjson, type GjsonPath } from '../lib/gjson/gjson.ts'
import { canonicalHeaderName } from '../lib/go-header.ts'
import { escapePath } from '../lib/go-url.ts'
import { type Outbound, OutboundError } from '../lib/outbound.ts'
import { createSingleFlight } from '../lib/single-flight.ts'
import { isJsonObject } from '../lib/strict-json.ts'
import { uri } from './fields.ts'
import { rateLimited } from '../kernel/rate-limited.ts'
import { compileServiceUrl, type ServiceUrl } from './service-url.ts'
import { compileHeaderNames, compileStaticHeaders } from './static-headers.ts'

/** Keys of every handler that has a session service say who is asking. */
export const sessionCheckFields = {
  check_session_url: uri().describe('The session service. 200 with a JSON document says who is asking.'),
  preserve_query: z
    .boolean()
    .default(true)
    .describe('Keeps the query of `check_session_url`; `false` sends that of the request instead.'),
  preserve_path: z
    .boolean()
    .default(false)
    .describe('Keeps the path of `check_session_url`; otherwise the path of the request takes its place.'),
  preserve_host: z.boolean().default(false).describe('Sends the host of the request as `X-Forwarded-Host`.'),
  force_method: z.string().default('').describe('Method of the call, instead of that of the request.'),
  forward_http_headers: z.array(z.unknown()).default([]).describe('Names of headers of the request that are sent too.'),
  additional_headers: z.record(z.string(), z.string()).default({}).describe('Further headers of the call.'),
}

/** The gjson paths, whose defaults differ. */
export function sessionPathFields(subjectFrom: string) {
  return {
    extra_from: z.string().default('extra').describe('gjson path of what templates see as `.Extra`.'),
    subject_from: z.string().default(subjectFrom).describe('gjson path of the subject.'),
  }
}

type Fields = {
  readonly [Key in keyof typeof sessionCheckFields]: z.output<(typeof sessionCheckFields)[Key]>
} & { readonly extra_from: string; readonly subject_from: string }

export interface SessionCheckOptions {
  /** Type of the handler, for the log. */
  readonly handler: string
  readonly config: Fields
  /** Stands for an empty `subject_from`. */
  readonly defaultSubjectFrom: string
  /** The header that is always sent, in lower case. */
  readonly credential: 'cookie' | 'authorization'
  /** Its lines, where they are not those of the request. */
  readonly credentialOf?: (request: RequestView) => readonly string[]
}

export interface SessionCheckDeps {
  readonly outbound: Pick<Outbound, 'call'>
  readonly clock: Clock
  readonly logger: Logger
}

/** Asks the session service about a request, and takes over what it says. */
export type SessionCheck = (exchange: Exchange) => Promise<true>

interface Identity {
  readonly subject: string
  readonly extra: Readonly<Record<string, unknown>> | undefined
}

const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const STATUS_OK = 200
const STATUS_TOO_MANY = 429

/** Compiles the call to a session service. Equal calls at the same time are one. */
export function compileSessionCheck(options: SessionCheckOptions, deps: SessionCheckDeps): SessionCheck {
  const { config } = options
  const url = compileServiceUrl(config.check_session_url, ['check_session_url'])
  if (config.force_method !== '' && !METHOD.test(config.force_method)) {
    throw new HandlerConfigError(['force_method'], 'is not an HTTP method')
  }
  const pathOf = compilePath(url, config)
  const headersOf = compileHeaders(url, options)
  const readIdentity = compileIdentity(config, options.defaultSubjectFrom)
  const flight = createSingleFlight<Identity>()
  const warn = createWarning(options.handler, deps)

  async function ask(method: string, path: string, headers: readonly string[]): Promise<Identity> {
    const target = { origin: url.origin, path }
    const response = await deps.outbound.call(target, { method, headers }).catch(throwExplained)
    // Differs from Oathkeeper: a redirect is not followed, so that the credentials go to the configured service only.
    if (response.status === STATUS_TOO_MANY) throw rateLimited(response)
    if (response.status !== STATUS_OK) {
      const detail = `the session service answered with status ${response.status}`
      throw new GateError('ERR_CREDENTIALS_INVALID', { detail })
    }
    return readIdentity(response.body)
  }

  return async (exchange) => {
    const { request } = exchange
    const method = config.force_method === '' ? request.method : config.force_method
    const path = pathOf(request)
    const headers = headersOf(request)
    const key = JSON.stringify([method, path, headers])
    const { subject, extra } = await flight.run(key, () => ask(method, path, headers))
    if (subject === '') warn(exchange.ruleId)
    exchange.subject = subject
    exchange.extra = extra
    return true
  }
}

function compilePath(url: ServiceUrl, config: Fields): (request: RequestView) => string {
  return (request) => {
    const path = config.preserve_path ? url.path : escapePath(request.path) || '/'
    const query = config.preserve_query ? url.query : request.rawQuery
    return query === '' ? path : `${path}?${query}`
  }
}

/** Copies what is allowed to be sent, and lays the configured headers over it. */
function compileHeaders(url: ServiceUrl, options: SessionCheckOptions): (request: RequestView) => string[] {
  const { config, credential, credentialOf } = options
  const fixed = compileStaticHeaders(config.additional_headers, 'additional_headers')
  if (config.preserve_host) fixed.delete('X-Forwarded-Host')
  const copied = compileHeaderNames(config.forward_http_headers, 'forward_http_headers')
  copied.add(credential)
  for (const name of fixed.keys()) copied.delete(name.toLowerCase())
  const isOwnCredential = credentialOf !== undefined && copied.delete(credential)
  const appended = [...fixed].flat()
  const sendsAuthorization = ({ headers }: RequestView): boolean =>
    fixed.has('Authorization') || (copied.has('authorization') && headers.has('authorization'))
  return (request) => {
    const headers: string[] = []
    for (const [name, value] of request.headers) {
      if (copied.has(name.toLowerCase())) headers.push(canonicalHeaderName(name), value)
    }
    if (isOwnCredential) for (const line of credentialOf(request)) headers.push(canonicalHeaderName(credential), line)
    headers.push(...appended)
    if (config.preserve_host) headers.push('X-Forwarded-Host', request.receivedHost)
    if (url.authorization !== undefined && !sendsAuthorization(request)) {
      headers.push('Authorization', url.authorization)
    }
    return headers
  }
}

const WARN_EVERY_MS = 60_000

/** Says that a service names no subject, which Oathkeeper accepts: once a minute is enough. */
function createWarning(handler: string, { clock, logger }: SessionCheckDeps): (rule: string) => void {
  let quietUntil = 0
  return (rule) => {
    if (clock.now() < quietUntil) return
    quietUntil = clock.now() + WARN_EVERY_MS
    logger.warn({ handler, rule }, 'the session service named no subject: requests go on without one')
  }
}

/** Not to be reached is no answer, and an answer that cannot be read is none either: nobody is let in. */
function throwExplained(cause: unknown): never {
  if (!(cause instanceof OutboundError)) throw cause
  throw new GateError('ERR_ACCESS_FORBIDDEN', { cause, reason: cause.message, detail: cause.message })
}

function compileIdentity(config: Fields, defaultSubjectFrom: string): (document: Uint8Array) => Identity {
  const readSubject = compileReader('subject_from', config.subject_from || defaultSubjectFrom, 'string')
  const readExtra = compileReader('extra_from', config.extra_from || 'extra', 'map[string]interface {}')
  return (document) => {
    if (isNestedDeeper(Buffer.from(document).toString('latin1'))) {
      throw new GateError('ERR_ACCESS_FORBIDDEN', { reason: 'The answer of the session service is nested too deep.' })
    }
    const subject = readSubject(document)
    const extra = readExtra(document)
    if (subject !== undefined && typeof subject !== 'string') throw mismatch('subject_from', subject, 'string')
    if (extra !== undefined && !isJsonObject(extra)) throw mismatch('extra_from', extra, 'map[string]interface {}')
    return { subject: subject ?? '', extra }
  }
}

/** What is found at a path, decoded; nothing when it is not there, or null. */
function compileReader(key: string, path: string, type: string): (document: Uint8Array) => unknown {
  const find: GjsonPath = compileGjson(path)
  return (document) => {
    const raw = find(document)
    if (raw === undefined) return undefined
    try {
      return decodeJson(raw) ?? undefined
    } catch (cause: unknown) {
      throw unreadable(key, `json: cannot unmarshal what was found into Go value of type ${type}`, cause)
    }
  }
}

function mismatch(key: string, value: unknown, type: string): GateError {
  const found = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
  return unreadable(key, `json: cannot unmarshal ${found} into Go value of type ${type}`)
}

function unreadable(key: string, why: string, cause?: unknown): GateError {
  return new GateError('ERR_ACCESS_FORBIDDEN', {
    reason: `The configured ${key} GJSON path returned an error on JSON output: ${why}`,
    cause,
  })
}
