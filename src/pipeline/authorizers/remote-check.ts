import { z } from 'zod'
import { GateError } from '../../kernel/errors.ts'
import type { Exchange } from '../../kernel/exchange.ts'
import { type AuthorizeStep, HandlerConfigError } from '../../kernel/handlers.ts'
import { canonicalHeaderName } from '../../lib/go-header.ts'
import { bytesOf } from '../../lib/go-string.ts'
import { type Outbound, OutboundError, type OutboundResponse, type OutboundTarget } from '../../lib/outbound.ts'
import { callWithRetries, type RetryPolicy } from '../../lib/retry.ts'
import { CONNECTION_HEADERS } from '../connection-headers.ts'
import type { TemplateCompiler } from '../deps.ts'
import { compileEndpoint } from '../endpoint.ts'
import { retry, uri } from '../fields.ts'
import { rateLimited } from '../../kernel/rate-limited.ts'
import { compileTemplate, type Render } from '../render.ts'
import { setHeaderChecked } from '../set-header.ts'

/** What `remote` and `remote_json` have in common. */
export const remoteFields = {
  remote: uri().describe('Where to ask: 200 allows, 403 refuses, 429 is passed on, anything else is an error.'),
  headers: z
    .record(z.string(), z.string())
    .default({})
    .describe('Names and templates of headers for the question. An empty value is not sent.'),
  forward_response_headers_to_upstream: z
    .array(z.string())
    .refine((names) => new Set(names).size === names.length, 'must not name anything twice')
    .meta({ uniqueItems: true })
    .default([])
    .describe('Headers of the answer that go to the upstream; one that the answer has not goes empty.'),
  retry: retry(),
}

export interface RemoteConfig {
  readonly remote: string
  readonly headers: Readonly<Record<string, string>>
  readonly forward_response_headers_to_upstream: readonly string[]
  readonly retry: RetryPolicy
}

export interface RemoteDeps {
  readonly templates: TemplateCompiler
  readonly outbound: Pick<Outbound, 'call'>
}

/** The body of the question, and its type. */
export interface Question {
  readonly contentType: string
  readonly body: Uint8Array
}

/** Compiles the step that asks a remote authorizer. `questionOf` makes the question for a request. */
export function compileRemoteCheck(
  config: RemoteConfig,
  { templates, outbound }: RemoteDeps,
  questionOf: (exchange: Exchange) => Question | Promise<Question>,
): AuthorizeStep {
  const endpoint = compileEndpoint(config.remote, ['remote'])
  const templated = compileHeaders(config.headers, templates)
  const forwarded = compileForwarded(config.forward_response_headers_to_upstream)

  const step = async (exchange: Exchange): Promise<void> => {
    const { contentType, body } = await questionOf(exchange)
    const headers = new Map([['content-type', contentType]])
    const authorization = exchange.request.headers.get('authorization') || endpoint.authorization
    if (authorization !== undefined) headers.set('authorization', authorization)
    for (const { name, render } of templated) {
      const value = headerValue(render(exchange), name)
      if (value !== '') headers.set(name, value)
    }
    const request = { method: 'POST', headers: [...headers].flat(), body }
    const response = await askAuthorizer(outbound, endpoint, request, config.retry)
    for (const { name, lower } of forwarded) setHeaderChecked(exchange, name, response.header(lower) ?? '')
  }
  return Object.assign(step, { ownedHeaders: forwarded.map(({ name }) => name) })
}

/**
 * Asks an authorizer, and gives its answer when that is 200.
 * @throws {GateError} for every other outcome: 403 and 429 as they are, the rest is an error of ours.
 */
export async function askAuthorizer(
  outbound: Pick<Outbound, 'call'>,
  target: OutboundTarget,
  request: Parameters<typeof callWithRetries>[2],
  policy: RetryPolicy,
): Promise<OutboundResponse> {
  const response = await callWithRetries(outbound, target, request, policy).catch((cause: unknown) => {
    if (!(cause instanceof OutboundError)) throw cause
    throw new GateError('ERR_AUTHORIZER_FAILED', { cause, detail: cause.message })
  })
  const { status } = response
  if (status === 200) return response
  if (status === 403) throw new GateError('ERR_ACCESS_FORBIDDEN')
  if (status === 429) throw rateLimited(response)
  const reason = `expected status code 200 but got ${status}`
  throw new GateError('ERR_AUTHORIZER_FAILED', { reason, detail: `the authorizer answered with status ${status}` })
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

function compileHeaders(
  headers: Readonly<Record<string, string>>,
  templates: TemplateCompiler,
): { readonly name: string; readonly render: Render }[] {
  return Object.entries(headers).flatMap(([name, source]) => {
    const path = ['headers', name]
    if (!TOKEN.test(name)) throw new HandlerConfigError(path, `"${name}" is not the name of a header`)
    const render = compileTemplate(templates, source, path)
    const lower = name.toLowerCase()
    return CONNECTION_HEADERS.has(lower) || lower === 'accept-encoding' ? [] : [{ name: lower, render }]
  })
}

function compileForwarded(names: readonly string[]): { readonly name: string; readonly lower: string }[] {
  return names.flatMap((name, index) => {
    if (!TOKEN.test(name)) {
      throw new HandlerConfigError(
        ['forward_response_headers_to_upstream', index],
        `"${name}" is not the name of a header`,
      )
    }
    const lower = name.toLowerCase()
    return CONNECTION_HEADERS.has(lower) ? [] : [{ name: canonicalHeaderName(name), lower }]
  })
}

const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/

/**
 * The value in wire form. One with a control character is refused, as Go does: taking it out could make one subject look
 * like another to the authorizer, and leaving it in could end the header (V-109).
 */
function headerValue(text: string, name: string): string {
  if (CONTROL.test(text)) {
    throw new GateError('ERR_TEMPLATE_FAILED', { detail: `the header "${name}" has a control character in its value` })
  }
  return bytesOf(text).toString('latin1')
}
