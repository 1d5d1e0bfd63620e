import { z } from 'zod'
import { type ErrorStep, type Failure, HandlerConfigError } from '../../kernel/handlers.ts'
import { errorReply } from '../../kernel/error-reply.ts'
import type { Reply } from '../../kernel/reply.ts'
import type { RequestView } from '../../kernel/request.ts'
import { cleanPath } from '../../lib/go-path.ts'
import { encodeQuery, readQuery } from '../../lib/go-query.ts'
import { escapedPath } from '../../lib/go-url.ts'
import { escapeHtml } from '../../lib/html.ts'
import { defineErrorHandler } from '../define.ts'
import type { RuleLogin } from '../deps.ts'
import { uri } from '../fields.ts'
import { compileBegin, compileEnd } from './redirect-to-provider.ts'
import { compileWhen, whenSchema } from './when.ts'

const schema = z
  .strictObject({
    type: z
      .enum(['auth', 'logout', 'none'])
      .default('none')
      .describe(
        '`auth`: to the provider, to log in; `logout`: ends the session, then to the provider; `none`: to `to`.',
      ),
    to: z.string().optional().describe('Where to: a URL, or a path. Required with `type: none`.'),
    code: z
      .union([z.literal(301), z.literal(302)])
      .default(302)
      .describe('Status of the answer; with `auth` and `logout` it is 302 always.'),
    return_to_query_param: z
      .string()
      .regex(/^[A-Za-z0-9,._~-]*$/, 'may hold letters, digits and , . _ ~ - only')
      .default('')
      .describe('Query parameter of `to` that is given the URL which was asked for.'),
    oidc_authorization_url: uri().optional().describe('`auth`: authorization endpoint of the provider.'),
    client_id: z
      .string()
      .optional()
      .describe('`auth`: client id at the provider, the one of the authenticator `callback`.'),
    redirect_url: uri().optional().describe('`auth`: address of the rule with the authenticator `callback`.'),
    scopes: z
      .array(z.string())
      .optional()
      .describe('`auth`: scopes that are asked for. Default: `[openid, profile, email]`.'),
    use_pkce: z.boolean().optional().describe('Accepted for compatibility: PKCE with S256 is always used.'),
    oidc_logout_url: uri().optional().describe('`logout`: end-session endpoint of the provider.'),
    post_logout_redirect_url: uri().optional().describe('`logout`: where the provider sends browsers back to.'),
    when: whenSchema,
  })
  .superRefine(({ type, to }, context) => {
    if (type === 'none' && to === undefined) context.addIssue({ code: 'custom', path: ['to'], message: 'is required' })
  })

const HAS_SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/
const NOT_IN_PATH = /[^\w\-.~$&+,/:;=@]/g
const NOT_ASCII = /[^\x00-\x7f]+/g
const NOT_IN_URL = /[\x00-\x20\x7f\\]/
const TITLES = { 301: 'Moved Permanently', 302: 'Found' } as const

interface Deps {
  readonly ruleLogin: RuleLogin | undefined
}

/**
 * Sends the client elsewhere, with the URL that it asked for where that is wanted. With a `type` it begins a login or ends a
 * session first.
 */
export const redirect = defineErrorHandler({
  type: 'redirect',
  schema,
  compile: (config, { ruleLogin }: Deps) => {
    if (config.type === 'auth') return compileBegin(config, ruleLogin)
    if (config.type === 'logout') return compileEnd(config, ruleLogin)
    // Differs from the gateway that has it: no cookie says where to. The page of a login that failed has a link there.
    if (config.to === 'request_url' && ruleLogin !== undefined) return compilePage(config)
    return compilePlain(config)
  },
})

type Config = z.output<typeof schema>

function compilePage({ when }: Config): ErrorStep {
  const holds = compileWhen(when)
  return {
    precedence: 'sole',
    matches: (failure) => failure.error.page !== undefined && holds(failure),
    respond: ({ error, exchange: { request } }) =>
      error.page ?? errorReply(error, { verbose: false, requestId: request.requestId }),
  }
}

function compilePlain({ to = '', code, return_to_query_param: param, when }: Config): ErrorStep {
  if (NOT_IN_URL.test(to)) throw new HandlerConfigError(['to'], 'is not a URL')
  const isAbsolute = HAS_SCHEME.test(to) || to.startsWith('//')
  const withReturn = param === '' ? undefined : compileReturn(to, param)
  return {
    precedence: 'sole',
    matches: compileWhen(when),
    respond: ({ exchange: { request } }: Failure): Reply => {
      const target = withReturn === undefined ? to : withReturn(requestedUrl(request))
      return redirectReply(code, isAbsolute ? target : resolve(target, request.path), request.method)
    },
  }
}

/** The answer that Go's redirect writer gives: a short page for GET, its headers for HEAD, neither for other methods. */
function redirectReply(code: 301 | 302, target: string, method: string): Reply {
  const location = target.toWellFormed().replace(NOT_ASCII, encodeURIComponent)
  // A 301 for who is not logged in would otherwise be remembered after the login.
  const headers: [string, string][] = [
    ['Location', location],
    ['Cache-Control', 'no-store'],
  ]
  if (method === 'GET' || method === 'HEAD') headers.unshift(['Content-Type', 'text/html; charset=utf-8'])
  const body = method === 'GET' ? `<a href="${escapeHtml(location)}">${TITLES[code]}</a>.\n\n` : ''
  return { status: code, headers, body }
}

/** Resolves a target without host as Go does: against the folder of the request's path, and cleaned. */
function resolve(target: string, requestPath: string): string {
  const from = requestPath === '' ? '/' : requestPath
  const whole = target.startsWith('/') ? target : from.slice(0, from.lastIndexOf('/') + 1) + target
  const mark = whole.indexOf('?')
  const path = mark === -1 ? whole : whole.slice(0, mark)
  const cleaned = cleanPath(path)
  const slash = path.endsWith('/') && !cleaned.endsWith('/') ? '/' : ''
  return cleaned + slash + (mark === -1 ? '' : whole.slice(mark))
}

/** Splits `to` at load, so that a request only writes its own parameter; the query is written sorted, as Go does. */
function compileReturn(to: string, param: string): (url: string) => string {
  const hash = to.indexOf('#')
  const fragment = hash === -1 ? '' : to.slice(hash)
  const bare = hash === -1 ? to : to.slice(0, hash)
  const mark = bare.indexOf('?')
  const base = mark === -1 ? bare : bare.slice(0, mark)
  const query = readQuery(mark === -1 ? '' : bare.slice(mark + 1))
  return (url) => `${base}?${encodeQuery(new Map([...query, [param, [url]]]))}${fragment}`
}

/**
 * The URL that the client asked for, as Oathkeeper tells it: with what a gateway says of scheme, host and path. A query
 * inside `X-Forwarded-Uri` is part of the path there, and its `?` encoded.
 */
function requestedUrl(request: RequestView): string {
  const { headers } = request
  const scheme = headers.get('x-forwarded-proto') || request.scheme
  const host = headers.get('x-forwarded-host') || request.host
  const forwarded = headers.get('x-forwarded-uri')
  const path = forwarded ? escapeOctets(forwarded) : escapedPath(request.path, request.rawPath)
  const rooted = path === '' || path.startsWith('/') ? path : `/${path}`
  return `${scheme}://${host}${rooted}${request.rawQuery === '' ? '' : `?${request.rawQuery}`}`
}

/** Go's default encoding of a path that no one decoded: each character is one octet, and `%` is a character too. */
function escapeOctets(path: string): string {
  return path.replace(NOT_IN_PATH, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}
