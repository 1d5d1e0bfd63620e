import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../kernel/clock.ts'
import { GateError } from '../kernel/errors.ts'
import { rateLimited } from '../kernel/rate-limited.ts'
import { encodeQuery } from '../lib/go-query.ts'
import { type Outbound, type OutboundTarget, UnexpectedStatusError } from '../lib/outbound.ts'
import type { RetryPolicy } from '../lib/retry.ts'
import { createSingleFlight, type SingleFlight } from '../lib/single-flight.ts'
import { callMaybeWithRetries, type ClientGrant } from './client-token.ts'
import { type ClientTokenSource, createClientTokenSource } from './client-token-source.ts'
import { type Introspection, parseIntrospection } from './introspection.ts'

export interface IntrospectionOptions {
  readonly target: OutboundTarget
  /** Of every call: name, value, name, value, … */
  readonly headers: readonly string[]
  /** The grant whose token the calls carry. */
  readonly preAuthorization: ClientGrant | undefined
  /** Nothing: one attempt, with the deadline of the caller. */
  readonly retry: RetryPolicy | undefined
  /** Answers that are remembered. */
  readonly maxRemembered: number
}

/** A question to the endpoint; all that its answer depends on, beside the options. */
export interface IntrospectionQuestion {
  readonly token: string
  /** Sent as `X-Forwarded-Host`. */
  readonly host: string | undefined
  /** Sent as `scope`, for the server to check; nothing leaves it out. */
  readonly scope: string | undefined
}

/** Asks one introspection endpoint. */
export interface Introspector {
  /**
   * Asks; equal questions at the same time are one call. The answer is shared: nobody may change it.
   * @throws {GateError} ERR_INTROSPECTION_FAILED, ERR_RATE_LIMITED
   */
  ask(question: IntrospectionQuestion): Promise<Introspection>
  /** What was remembered of a token, unless it is older than that. */
  recall(question: Omit<IntrospectionQuestion, 'scope'>, maxAgeMs: number): Introspection | undefined
  /** Remembers an answer that did not depend on a scope. */
  remember(question: Omit<IntrospectionQuestion, 'scope'>, answer: Introspection): void
}

/** Introspectors; those with the same options remember the same answers. They live as long as the process. */
export interface Introspections {
  with(options: IntrospectionOptions): Introspector
}

export interface IntrospectionsDeps {
  readonly outbound: Pick<Outbound, 'call'>
  readonly clock: Clock
}

const MAX_ENDPOINTS = 1000
/** Of one endpoint, keys and answers together. */
const MAX_REMEMBERED_CHARS = 32 * 1024 * 1024
const MAX_REMEMBERED = 100_000
/** Characters of an answer that are not counted one by one. */
const OVERHEAD_CHARS = 500
const STATUS_OK = 200
const STATUS_UNAUTHORIZED = 401
const STATUS_TOO_MANY = 429

interface Remembered {
  readonly answer: Introspection
  readonly at: number
}

interface Endpoint {
  readonly flight: SingleFlight<Introspection>
  readonly remembered: LRUCache<string, Remembered>
  readonly tokens: ClientTokenSource | undefined
}

/** Creates the introspectors. */
export function createIntrospections(deps: IntrospectionsDeps): Introspections {
  const endpoints = new LRUCache<string, Endpoint>({ max: MAX_ENDPOINTS })
  return {
    with(options) {
      const { target, headers, preAuthorization: grant, retry, maxRemembered } = options
      const parameters = grant === undefined ? undefined : [...grant.parameters]
      const key = digest([target.origin, target.path, headers, grant, parameters, retry, maxRemembered])
      let endpoint = endpoints.get(key)
      if (endpoint === undefined) {
        endpoint = createEndpoint(options, deps)
        endpoints.set(key, endpoint)
      }
      return createIntrospector(options, endpoint, deps)
    },
  }
}

function createEndpoint({ maxRemembered, preAuthorization }: IntrospectionOptions, deps: IntrospectionsDeps): Endpoint {
  return {
    flight: createSingleFlight(),
    remembered: new LRUCache({
      max: Math.min(maxRemembered, MAX_REMEMBERED),
      maxSize: MAX_REMEMBERED_CHARS,
      sizeCalculation: ({ answer }, key) => key.length + JSON.stringify(answer).length + OVERHEAD_CHARS,
    }),
    tokens: preAuthorization === undefined ? undefined : createClientTokenSource(preAuthorization, deps),
  }
}

/** Tokens are neither kept nor joined: of all parts together, as a list, only the digest is the key (V-002, V-049). */
function digest(parts: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url')
}

function createIntrospector(
  options: IntrospectionOptions,
  { flight, remembered, tokens }: Endpoint,
  { outbound, clock }: IntrospectionsDeps,
): Introspector {
  async function call({ token, host, scope }: IntrospectionQuestion): Promise<Introspection> {
    const headers = [...options.headers, 'Content-Type', 'application/x-www-form-urlencoded']
    if (host !== undefined) headers.push('X-Forwarded-Host', host)
    const ownToken = await tokens?.get()
    if (ownToken !== undefined) headers.push('Authorization', `Bearer ${ownToken}`)
    const form = new Map([['token', [token]]])
    if (scope !== undefined) form.set('scope', [scope])
    const request = { method: 'POST', headers, body: encodeQuery(form), isRepeatable: true }
    const response = await callMaybeWithRetries(outbound, options.target, request, options.retry)
    if (response.status === STATUS_TOO_MANY) throw rateLimited(response)
    if (response.status === STATUS_UNAUTHORIZED && ownToken !== undefined) tokens?.drop(ownToken)
    if (response.status !== STATUS_OK) throw new UnexpectedStatusError('the introspection endpoint', response.status)
    return parseIntrospection(response.body)
  }

  return {
    ask(question) {
      const key = digest([question.token, question.host, question.scope])
      return flight.run(key, () => call(question).catch(throwExplained))
    },
    recall({ token, host }, maxAgeMs) {
      const known = remembered.get(digest([token, host]))
      return known !== undefined && clock.now() - known.at < maxAgeMs ? known.answer : undefined
    },
    remember({ token, host }, answer) {
      remembered.set(digest([token, host]), { answer, at: clock.now() })
    },
  }
}

/** Not knowing whether a token is good is an error of ours, and never a yes. */
function throwExplained(cause: unknown): never {
  if (cause instanceof GateError) throw cause
  const detail = cause instanceof Error ? cause.message : String(cause)
  throw new GateError('ERR_INTROSPECTION_FAILED', { cause, detail })
}
