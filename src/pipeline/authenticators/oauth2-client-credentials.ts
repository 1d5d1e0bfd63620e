import { z } from 'zod'
import type { ClientLogins } from '../../credentials/client-logins.ts'
import { GateError } from '../../kernel/errors.ts'
import type { RequestView } from '../../kernel/request.ts'
import { stringOf } from '../../lib/go-string.ts'
import { unescapeQueryOctets } from '../../lib/go-url.ts'
import { defineAuthenticator } from '../define.ts'
import { compileEndpoint } from '../endpoint.ts'
import { duration, optionalRetry, uri } from '../fields.ts'

const DEFAULT_MAX_TOKENS = 1000

const schema = z.strictObject({
  token_url: uri().describe('Token endpoint that the credentials are tried at (grant `client_credentials`).'),
  required_scope: z.array(z.string()).default([]).describe('Scopes that are asked for.'),
  retry: optionalRetry(),
  cache: z
    .strictObject({
      enabled: z.boolean().default(false),
      ttl: duration()
        .optional()
        .describe('The longest time that a client is remembered. Default: as its token is good.'),
      max_tokens: z.int().default(DEFAULT_MAX_TOKENS).describe('Clients that are remembered.'),
    })
    .prefault({})
    .describe('Remembers clients that were accepted.'),
})

interface Deps {
  readonly clientLogins: ClientLogins
}

/** Lets in a client whose id and secret, in `Authorization: Basic`, get a token at a token endpoint. */
export const oauth2ClientCredentials = defineAuthenticator({
  type: 'oauth2_client_credentials',
  schema,
  compile: ({ token_url: tokenUrl, required_scope: scopes, retry, cache }, { clientLogins }: Deps) => {
    const { origin, path } = compileEndpoint(tokenUrl, ['token_url'])
    const login = clientLogins.with({
      target: { origin, path },
      parameters: new Map(scopes.length === 0 ? [] : [['scope', [scopes.join(' ')]]]),
      retry,
      cache: cache.enabled
        ? { ttlMs: cache.ttl, maxClients: cache.max_tokens > 0 ? cache.max_tokens : DEFAULT_MAX_TOKENS }
        : undefined,
    })
    return (exchange) => {
      const credentials = readBasic(exchange.request)
      if (credentials === undefined) return false
      const clientId = unescape(credentials.id)
      const pending = login.check(clientId, unescape(credentials.secret))
      const admit = (): true => {
        exchange.subject = clientId
        return true
      }
      return pending === undefined ? admit() : pending.then(admit)
    }
  },
})

const SCHEME = /^basic /i
/** With its padding, as Go reads it. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Id and secret, one byte as one character; nothing when there are none. */
function readBasic({ headers }: RequestView): { readonly id: string; readonly secret: string } | undefined {
  const value = headers.get('authorization')
  if (value === undefined || !SCHEME.test(value)) return undefined
  const encoded = value.slice('basic '.length)
  if (!BASE64.test(encoded)) return undefined
  const pair = Buffer.from(encoded, 'base64').toString('latin1')
  const colon = pair.indexOf(':')
  return colon === -1 ? undefined : { id: pair.slice(0, colon), secret: pair.slice(colon + 1) }
}

/** Both parts are form-encoded (RFC 6749 §2.3.1). */
function unescape(part: string): string {
  const octets = unescapeQueryOctets(part)
  if (octets === undefined) {
    throw new GateError('ERR_CREDENTIALS_INVALID', { reason: 'The client id or secret is not form-encoded.' })
  }
  return stringOf(Buffer.from(octets, 'latin1'))
}
