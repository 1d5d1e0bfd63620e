import { z } from 'zod'
import { HandlerConfigError } from '../../kernel/handlers.ts'
import { Secret } from '../../lib/secret.ts'
import { defineAuthenticator } from '../define.ts'
import type { RuleLogin } from '../deps.ts'
import { uri } from '../fields.ts'

const UNUSED = 'Accepted for compatibility.'

const schema = z
  .strictObject({
    client_id: z.string().min(1, 'must not be empty').describe('Client id at the provider.'),
    client_secret: z
      .string()
      .meta({ writeOnly: true })
      .optional()
      .describe('Client secret. Required, unless `token_endpoint_auth_method` is `none`.'),
    token_endpoint_auth_method: z
      .enum(['client_secret_basic', 'client_secret_post', 'none'])
      .default('client_secret_basic')
      .describe('How the client proves itself at the token endpoint.'),
    token_url: uri().optional().describe('Token endpoint. Required.'),
    userinfo_url: uri().describe('UserInfo endpoint.'),
    redirect_url: uri().describe('Where the provider sends browsers back to: the address of the rule.'),
    issuer: uri()
      .optional()
      .describe(
        'Who signs the ID tokens. Default: found by the discovery document of the provider, where there is one.',
      ),
    token_endpoint: uri().optional().describe('Another name of `token_url`.'),
    authorization_endpoint: uri().optional().describe(UNUSED),
    scopes: z.array(z.string()).optional().describe(UNUSED),
    preserve_host: z.boolean().optional().describe(UNUSED),
    retry: z
      .strictObject({
        max_wait: z.string(),
        timeout: z.string(),
        give_up_after: z.string(),
        max_delay: z.string(),
      })
      .partial()
      .optional()
      .describe('Accepted for compatibility: a code is sent once.'),
    cache: z.strictObject({ ttl: z.string(), max_cost: z.int() }).partial().optional().describe(UNUSED),
  })
  .superRefine((config, context) => {
    const require = (key: string) => context.addIssue({ code: 'custom', path: [key], message: 'is required' })
    if (config.token_url === undefined && config.token_endpoint === undefined) require('token_url')
    if (!config.client_secret && config.token_endpoint_auth_method !== 'none') require('client_secret')
  })

interface Deps {
  readonly ruleLogin: RuleLogin | undefined
}

/**
 * The address that the provider sends browsers back to. It finishes the login and, once the authorizer has agreed, begins the
 * session and leads on to the page that was asked for; nothing of the request reaches an upstream.
 */
export const callback = defineAuthenticator({
  type: 'callback',
  schema,
  compile: (config, { ruleLogin }: Deps) => {
    if (ruleLogin === undefined) throw new HandlerConfigError([], 'is not enabled')
    const { client_secret: secret, token_endpoint_auth_method: authMethod } = config
    const finish = ruleLogin.finisher({
      clientId: config.client_id,
      clientSecret: secret === undefined || authMethod === 'none' ? undefined : new Secret(secret),
      authMethod,
      tokenUrl: config.token_url ?? config.token_endpoint ?? '',
      userinfoUrl: config.userinfo_url,
      redirectUrl: config.redirect_url,
      issuer: config.issuer,
    })
    return async (exchange) => {
      const { subject, extra, enter } = await finish(exchange.request)
      exchange.subject = subject
      exchange.extra = extra
      exchange.respond = enter
      return true
    }
  },
})
