import { z } from 'zod'
import type { Introspection } from '../../credentials/introspection.ts'
import type { IntrospectionOptions, Introspections } from '../../credentials/introspections.ts'
import type { Clock } from '../../kernel/clock.ts'
import { GateError } from '../../kernel/errors.ts'
import type { Exchange } from '../../kernel/exchange.ts'
import { defineAuthenticator } from '../define.ts'
import { compileEndpoint } from '../endpoint.ts'
import { duration, optionalRetry, uri } from '../fields.ts'
import { scopeComparison, scopeStrategySchema } from '../scope-strategy.ts'
import { compileStaticHeaders } from '../static-headers.ts'
import { compileTokenReader, tokenFromSchema } from '../token-from.ts'

const preAuthorizationSchema = z
  .strictObject({
    enabled: z.boolean().default(false),
    client_id: z.string().optional(),
    client_secret: z.string().meta({ writeOnly: true }).optional(),
    token_url: uri().optional().describe('Where the client gets its token (grant `client_credentials`).'),
    audience: z.string().default('').describe('`audience` of the token that is asked for.'),
    scope: z.array(z.string()).default([]).describe('Scopes of the token that is asked for.'),
  })
  .superRefine((wire, context) => {
    if (!wire.enabled) return
    for (const key of ['client_id', 'client_secret', 'token_url'] as const) {
      if (wire[key] !== undefined) continue
      context.addIssue({ code: 'custom', path: [key], message: 'is required when pre_authorization is enabled' })
    }
  })
  .optional()
  .describe('Introspection calls carry a token of the gateway itself.')

const cacheSchema = z
  .strictObject({
    enabled: z.boolean().default(false),
    ttl: duration().optional().describe('How long an answer is used. Default: until the token expires, at most 1h.'),
    max_cost: z.int().default(100_000_000).describe('Answers that are kept; memory is bounded in any case.'),
  })
  .prefault({})
  .describe('Remembers what the endpoint said of tokens that were accepted.')

const schema = z.strictObject({
  introspection_url: uri().describe('Introspection endpoint (RFC 7662).'),
  scope_strategy: scopeStrategySchema,
  required_scope: z.array(z.string()).default([]).describe('Scopes that the token must be granted, all of them.'),
  target_audience: z.array(z.string()).default([]).describe('Audiences that `aud` must hold, all of them.'),
  trusted_issuers: z.array(z.string()).default([]).describe('`iss` must be one of them. Default: any.'),
  pre_authorization: preAuthorizationSchema,
  introspection_request_headers: z.record(z.string(), z.unknown()).default({}).describe('Further headers of the call.'),
  preserve_host: z.boolean().default(false).describe('Sends the host of the request as `X-Forwarded-Host`.'),
  token_from: tokenFromSchema,
  prefix: z.string().default('').describe('Only a token that begins with it counts.'),
  retry: optionalRetry(),
  cache: cacheSchema,
})

type Config = z.output<typeof schema>

interface Deps {
  readonly introspections: Introspections
  readonly clock: Clock
}

const DEFAULT_TTL_MS = 3_600_000
const DEFAULT_MAX_COST = 100_000_000

/** Lets in who brings a token that an introspection endpoint calls active. */
export const oauth2Introspection = defineAuthenticator({
  type: 'oauth2_introspection',
  schema,
  compile: (config, { introspections, clock }: Deps) => {
    const { prefix, cache, preserve_host: preservesHost } = config
    const readToken = compileTokenReader(config.token_from)
    const introspector = introspections.with(compileCall(config))
    const check = compileChecks(config)
    const isCheckedByServer = config.scope_strategy === 'none'
    const scope = isCheckedByServer ? config.required_scope.join(' ') : undefined
    // What the server says of a token for some scopes says nothing about others (V-001).
    const isRemembered = cache.enabled && !(isCheckedByServer && config.required_scope.length > 0)
    const ttlMs = cache.ttl ?? DEFAULT_TTL_MS

    const admit = (exchange: Exchange, answer: Introspection): true => {
      // On every request, cached or not: it may have expired, and another rule asks for another audience (A-27, V-034).
      check(answer, clock.now())
      exchange.subject = answer.subject
      exchange.extra = answer.extra
      return true
    }

    return (exchange) => {
      const token = readToken(exchange.request)
      if (token === '' || !token.startsWith(prefix)) return false
      const question = { token, host: preservesHost ? exchange.request.receivedHost : undefined, scope }
      const known = isRemembered ? introspector.recall(question, ttlMs) : undefined
      if (known !== undefined) return admit(exchange, known)
      return introspector.ask(question).then((answer) => {
        admit(exchange, answer)
        if (isRemembered) introspector.remember(question, answer)
        return true
      })
    }
  },
})

function compileCall(config: Config): IntrospectionOptions {
  const { origin, path, authorization } = compileEndpoint(config.introspection_url, ['introspection_url'])
  const headers = compileStaticHeaders(config.introspection_request_headers, 'introspection_request_headers')
  headers.delete('Content-Type')
  if (config.preserve_host) headers.delete('X-Forwarded-Host')
  const preAuthorization = compilePreAuthorization(config)
  if (preAuthorization !== undefined) headers.delete('Authorization')
  else if (authorization !== undefined && !headers.has('Authorization')) headers.set('Authorization', authorization)
  return {
    target: { origin, path },
    headers: [...headers].flat(),
    preAuthorization,
    retry: config.retry,
    maxRemembered: config.cache.max_cost > 0 ? config.cache.max_cost : DEFAULT_MAX_COST,
  }
}

function compilePreAuthorization({ pre_authorization: wire, retry }: Config): IntrospectionOptions['preAuthorization'] {
  if (wire?.enabled !== true || wire.token_url === undefined) return undefined
  const { origin, path } = compileEndpoint(wire.token_url, ['pre_authorization', 'token_url'])
  const parameters = new Map<string, readonly string[]>()
  if (wire.scope.length > 0) parameters.set('scope', [wire.scope.join(' ')])
  if (wire.audience !== '') parameters.set('audience', [wire.audience])
  const { client_id: clientId = '', client_secret: clientSecret = '' } = wire
  return { target: { origin, path }, clientId, clientSecret, parameters, retry }
}

/** Compiles what must hold of an answer, in Oathkeeper's order. */
function compileChecks(config: Config): (answer: Introspection, now: number) => void {
  const covers = scopeComparison(config.scope_strategy)
  const { target_audience: audiences, trusted_issuers: issuers, required_scope: required } = config
  return (answer, now) => {
    if (answer.tokenUse !== '' && answer.tokenUse !== 'access_token') {
      forbid(`Use of introspected token is not an access token but "${answer.tokenUse}"`)
    }
    if (!answer.active) refuse('Access token is not active')
    if (answer.expires !== 0 && answer.expires * 1000 < now) refuse('Access token expired')
    for (const audience of audiences) {
      if (!answer.audiences.includes(audience)) forbid(`Token audience is not intended for target audience ${audience}`)
    }
    if (issuers.length > 0 && !issuers.includes(answer.issuer)) {
      forbid('Token issuer does not match any trusted issuer')
    }
    if (covers === undefined) return
    for (const scope of required) if (!covers(answer.scopes, scope)) forbid(`Scope ${scope} was not granted`)
  }
}

function refuse(reason: string): never {
  throw new GateError('ERR_CREDENTIALS_INVALID', { reason })
}

function forbid(reason: string): never {
  throw new GateError('ERR_ACCESS_FORBIDDEN', { reason })
}
