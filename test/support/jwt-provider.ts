import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { decodeJwt, exportJWK, generateKeyPair } from 'jose'
import { Provider, type Interaction, type ProviderContext } from 'oidc-provider'
import { findFreePort } from './ports.ts'

const USERNAMES: Readonly<Record<string, string>> = { 'id-of-ada': 'ada@example.com', 'id-of-mei': 'mei@example.com' }

export interface JwtProviderOptions {
  readonly redirectUri: string
  readonly postLogoutRedirectUri: string
  readonly authMethod?: 'client_secret_basic' | 'client_secret_post'
  /** Of access tokens, in seconds. */
  readonly accessTokenSeconds?: number
  readonly issuesRefreshTokens?: boolean
}

/** A real provider whose access tokens are JSON Web Tokens that its own UserInfo takes too, as those of WSO2 are. */
export interface JwtProvider {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Method, path and query of each request so far. */
  readonly requests: readonly string[]
  /** Every token that it gave out. */
  readonly tokens: readonly string[]
  [Symbol.asyncDispose](): Promise<void>
}

export async function startJwtProvider(options: JwtProviderOptions): Promise<JwtProvider> {
  const port = await findFreePort()
  const issuer = `http://127.0.0.1:${port}`
  const [clientId, clientSecret] = ['gateway', `s:%+ &-${randomBytes(16).toString('hex')}`]
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const { accessTokenSeconds = 3600, issuesRefreshTokens = false } = options
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        token_endpoint_auth_method: options.authMethod ?? 'client_secret_post',
        redirect_uris: [options.redirectUri],
        post_logout_redirect_uris: [options.postLogoutRedirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256', kid: 'jwt' }] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    claims: { openid: ['sub'], profile: ['username'], email: ['email'] },
    pkce: { required: () => true },
    issueRefreshToken: () => issuesRefreshTokens,
    findAccount: (_context: ProviderContext, sub: string) => ({ accountId: sub, claims: () => ({ sub }) }),
    loadExistingGrant: async ({ oidc: { client, session, params } }: ProviderContext) => {
      const grant = new provider.Grant({ clientId: client?.clientId ?? '', accountId: session?.accountId ?? '' })
      grant.addOIDCScope(String(params?.['scope']))
      grant.addResourceScope('urn:gateway', String(params?.['scope']))
      await grant.save()
      return grant
    },
    interactions: { url: (_context: ProviderContext, { uid }: Interaction) => `/sign-in/${uid}` },
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:gateway',
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'openid profile email',
          audience: clientId,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context: ProviderContext, form: string) => void (context.body = form),
      },
    },
    ttl: {
      AccessToken: accessTokenSeconds,
      IdToken: 3600,
      Interaction: 600,
      Grant: 3600,
      Session: 3600,
      RefreshToken: 3600,
    },
  })
  const requests: string[] = []
  const tokens: string[] = []
  provider.use(async (context, next) => {
    if (!context.path.startsWith('/sign-in/')) {
      await next()
      keepTokens(context.body, tokens)
      return
    }
    if (context.method !== 'POST') {
      context.body = `<form method="post" action="${context.path}">${Object.keys(USERNAMES)
        .map((person) => `<button name="person" value="${person}">${person}</button>`)
        .join('')}</form>`
      return
    }
    const person = new URLSearchParams(await readText(context.req)).get('person') ?? ''
    const result = person in USERNAMES ? { login: { accountId: person } } : { error: 'access_denied' }
    await provider.interactionFinished(context.req, context.res, result, { mergeWithLastSubmission: false })
  })
  const answer = provider.callback()
  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`)
    if (request.url === '/me') userinfo(request, response)
    else answer(request, response)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    issuer,
    clientId,
    clientSecret,
    requests,
    tokens,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function userinfo(request: IncomingMessage, response: ServerResponse): void {
  const { sub = '' } = decodeJwt((request.headers.authorization ?? '').replace('Bearer ', ''))
  response.writeHead(200, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify({ sub, username: USERNAMES[sub], email: USERNAMES[sub] }))
}

function keepTokens(body: unknown, tokens: string[]): void {
  if (typeof body !== 'object' || body === null) return
  for (const name of ['access_token', 'id_token', 'refresh_token']) {
    const value: unknown = Reflect.get(body, name)
    if (typeof value === 'string') tokens.push(value)
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}
