import { z } from 'zod'
import { GateError } from '../../kernel/errors.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Exchange } from '../../kernel/exchange.ts'
import { HandlerConfigError } from '../../kernel/handlers.ts'
import { goJson, goMember } from '../../lib/go-json.ts'
import { joinPath } from '../../lib/go-path.ts'
import { escapePath, unescapePath } from '../../lib/go-url.ts'
import type { Outbound } from '../../lib/outbound.ts'
import type { RetryPolicy } from '../../lib/retry.ts'
import { isJsonObject } from '../../lib/strict-json.ts'
import { compileClientAddress } from '../client-address.ts'
import { defineAuthorizer } from '../define.ts'
import type { TemplateCompiler } from '../deps.ts'
import { compileEndpoint, type Endpoint } from '../endpoint.ts'
import { uri } from '../fields.ts'
import { compileTemplate } from '../render.ts'
import { askAuthorizer } from './remote-check.ts'

const schema = z.strictObject({
  base_url: uri().describe('Where ORY Keto (0.5 and older) is.'),
  required_action: z.string().describe('Template of the action that must be allowed.'),
  required_resource: z.string().describe('Template of the resource on which it must be allowed.'),
  subject: z.string().default('').describe('Template of the subject. Default: the subject of the request.'),
  flavor: z.string().default('').describe('How policies are matched: `regex` (the default), `glob` or `exact`.'),
})

interface Deps {
  readonly templates: TemplateCompiler
  readonly outbound: Pick<Outbound, 'call'>
  readonly clock: Clock
}

/** There is no key for it; Oathkeeper waits for a minute, six times. */
const POLICY: RetryPolicy = { retries: 5, giveUpAfterMs: 5_000, maxDelayMs: 100 }

/** Asks an ORY Keto with access control policies whether the subject may do the action on the resource. */
export const ketoEngineAcpOry = defineAuthorizer({
  type: 'keto_engine_acp_ory',
  schema,
  compile: (config, { templates, outbound, clock }: Deps, { matchingStrategy }) => {
    if (matchingStrategy !== 'regexp') {
      throw new HandlerConfigError(
        [],
        'The matched handler uses Regexp MatchingStrategy which is not selected in the configuration',
      )
    }
    const endpoint = allowedEndpoint(config.base_url, config.flavor || 'regex')
    const action = compileTemplate(templates, config.required_action || 'unset', ['required_action'])
    const resource = compileTemplate(templates, config.required_resource || 'unset', ['required_resource'])
    const renderSubject = config.subject === '' ? undefined : compileTemplate(templates, config.subject, ['subject'])
    const addressOf = compileClientAddress()
    const headers = ['content-type', 'application/json']
    if (endpoint.authorization !== undefined) headers.push('authorization', endpoint.authorization)

    return async (exchange: Exchange) => {
      const subject = renderSubject?.(exchange) ?? exchange.subject
      const context = { remoteIpAddress: addressOf(exchange.request), requestedAt: goTime(clock.now()) }
      const question = { action: action(exchange), context, resource: resource(exchange), subject }
      const request = { method: 'POST', headers, body: `${goJson(question)}\n` }
      const { body } = await askAuthorizer(outbound, endpoint, request, POLICY)
      if (!isAllowed(body)) throw new GateError('ERR_ACCESS_FORBIDDEN')
    }
  },
})

function allowedEndpoint(baseUrl: string, flavor: string): Endpoint {
  const endpoint = compileEndpoint(baseUrl, ['base_url'])
  const [pathname = '', search] = endpoint.path.split(/(?=\?)/, 2)
  const path = joinPath(unescapePath(pathname) ?? pathname, '/engines/acp/ory', flavor, '/allowed')
  return { ...endpoint, path: escapePath(path) + (search ?? '') }
}

/** A time as Go writes it: no zeros at the end of its fraction. */
function goTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.?0+Z$/, 'Z')
}

function isAllowed(body: Uint8Array): boolean {
  const answer = parse(body)
  if (answer === null) return false
  const allowed = isJsonObject(answer) ? (goMember(answer, 'allowed') ?? false) : undefined
  if (typeof allowed === 'boolean') return allowed
  throw unreadable('the authorizer answered with JSON that does not say whether it is allowed')
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    throw unreadable('the authorizer did not answer with JSON')
  }
}

function unreadable(detail: string): GateError {
  return new GateError('ERR_AUTHORIZER_FAILED', { detail })
}
