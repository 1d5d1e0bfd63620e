import { z } from 'zod'
import { providerSessionSchema } from './lifetimes.ts'
import { filePath, isLoopback, secret, uniqueList } from './scalars.ts'

/** Parameters of the authorization request that are made for each login; a fixed value would break or weaken it. */
const RESERVED = new Set([
  'client_id',
  'client_secret',
  'code_challenge',
  'code_challenge_method',
  'nonce',
  'redirect_uri',
  'request',
  'request_uri',
  'response_mode',
  'response_type',
  'scope',
  'state',
])

const scope = z.string().regex(/^[\u0021\u0023-\u005b\u005d-\u007e]+$/, 'must be a scope: no spaces, no quotes')

const authorizationParams = z.record(z.string(), z.string()).superRefine((params, context) => {
  for (const name of Object.keys(params)) {
    if (!RESERVED.has(name)) continue
    context.addIssue({ code: 'custom', path: [name], message: 'belongs to the protocol and is set by Oathkeeper itself' })
  }
})

/** Signature algorithms of ID tokens. HS* take the client secret as their key. */
const ID_TOKEN_ALGORITHMS = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const),
  ...(['HS256', 'HS384', 'HS512'] as const),
] as const

/** One of `login.providers`. */
export const providerSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/, 'must be made of a-z, 0-9 and -')
      .describe('Name of the provider in URLs, logs and metrics.'),
    issuer: issuer().describe('Issuer; its discovery document is found below it. https, unless on this machine.'),
    client_id: z.string().min(1, 'must not be empty').describe('Client id at the provider.'),
    client_secret: secret().optional().describe('Client secret. Without one it is a public client.'),
    auth_method: z
      .string()
      .optional()
      .describe('How the client proves itself at the token endpoint: `client_secret_basic`, `client_secret_post` or `none`. Default: `client_secret_basic` with a secret, else `none`.'),
    scopes: uniqueList(scope)
      .default(['openid', 'profile', 'email'])
      .describe('Scopes that are asked for; `openid` is added where missing.'),
    authorization_params: authorizationParams.default({}).describe('Added to the authorization request, such as `prompt`.'),
    userinfo: z
      .boolean()
      .default(false)
      .describe('Also asks the UserInfo endpoint at login; its claims join those of the ID token.'),
    id_token_signed_response_alg: z
      .enum(ID_TOKEN_ALGORITHMS)
      .optional()
      .describe('The one algorithm of its ID tokens, as registered. Default: every asymmetric one that the provider names.'),
    session: providerSessionSchema.prefault({}).describe('What is different for sessions of this provider.'),
    ca_file: filePath().optional().describe('Certificates (PEM) that are trusted for this provider.'),
  })
  .transform((wire, context) => ({
    id: wire.id,
    issuer: wire.issuer,
    clientId: wire.client_id,
    clientSecret: wire.client_secret,
    authMethod: authMethod(wire.auth_method, wire.client_secret !== undefined, context),
    scopes: wire.scopes.includes('openid') ? wire.scopes : ['openid', ...wire.scopes],
    authorizationParams: wire.authorization_params,
    userinfo: wire.userinfo,
    idTokenAlgorithm: idTokenAlgorithm(wire.id_token_signed_response_alg, wire.client_secret !== undefined, context),
    session: wire.session,
    caFile: wire.ca_file,
  }))

export type ProviderConfig = z.output<typeof providerSchema>
export type AuthMethod = 'client_secret_basic' | 'client_secret_post' | 'none'

function authMethod(given: string | undefined, hasSecret: boolean, context: z.RefinementCtx): AuthMethod {
  const method = given ?? (hasSecret ? 'client_secret_basic' : 'none')
  const refuse = (message: string): never => {
    context.addIssue({ code: 'custom', path: ['auth_method'], message })
    return z.NEVER
  }
  switch (method) {
    case 'client_secret_basic':
    case 'client_secret_post':
      return hasSecret ? method : refuse(`${method} needs client_secret`)
    case 'none':
      return hasSecret ? refuse('none is for public clients: remove client_secret') : method
    case 'private_key_jwt':
    case 'tls_client_auth':
      return refuse(`${method} is not supported yet; use client_secret_basic, client_secret_post or none`)
    default:
      return refuse('must be one of client_secret_basic, client_secret_post, none')
  }
}

function idTokenAlgorithm<Name extends string>(name: Name | undefined, hasSecret: boolean, context: z.RefinementCtx): Name | undefined {
  if (name?.startsWith('HS') && !hasSecret) {
    context.addIssue({
      code: 'custom',
      path: ['id_token_signed_response_alg'],
      message: `${name} needs client_secret, which is its key`,
    })
  }
  return name
}

/** Kept as written: the provider must name itself by exactly this text. */
function issuer() {
  return z.string().superRefine((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url === undefined || !/^https?:\/\/[^/?#@\\\s]+(\/[^?#\\\s]*)?$/i.test(text)) {
      context.addIssue('must be a URL such as https://id.example.com, without query and fragment')
    } else if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
      context.addIssue('must be https: tokens and keys travel over it (http only on this machine)')
    }
  })
}
