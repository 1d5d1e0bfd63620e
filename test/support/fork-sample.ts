import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type JwtProvider, type JwtProviderOptions, startJwtProvider } from './jwt-provider.ts'
import { choosePorts, type OathkeeperProcess, startOathkeeper } from './oathkeeper.ts'
import type { Arrival, Visitor } from './visitor.ts'

/** What reached the application. */
export interface Received {
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** The fork's sample configuration, with a real provider and an application behind it. */
export interface ForkSample {
  /** Origin that browsers see. */
  readonly door: string
  readonly oathkeeper: OathkeeperProcess
  readonly provider: JwtProvider
  readonly received: readonly Received[]
  [Symbol.asyncDispose](): Promise<void>
}

export interface ForkSampleOptions {
  readonly sessionStore?: Readonly<Record<string, unknown>>
  readonly provider?: Partial<JwtProviderOptions>
  /** Over the top-level keys of the configuration. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Changes the sample's rules. */
  readonly rules?: (rules: SampleRule[]) => SampleRule[]
}

export interface SampleRule {
  readonly id: string
  readonly [key: string]: unknown
}

/** With a link that logs out, as applications behind the fork have one. */
export const APPLICATION = '<h1>the application</h1><a href="/logout">Log out</a>'

export async function startForkSample(options: ForkSampleOptions = {}): Promise<ForkSample> {
  await using stack = new AsyncDisposableStack()
  const ports = await choosePorts()
  const door = `http://127.0.0.1:${ports.proxy}`
  const provider = stack.use(
    await startJwtProvider({
      redirectUri: `${door}/callback`,
      postLogoutRedirectUri: `${door}/home/id_token`,
      ...options.provider,
    }),
  )
  const received: Received[] = []
  const server = createServer((request, response) => {
    received.push({ url: request.url ?? '', headers: request.headers })
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(APPLICATION)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const rules = sampleRules({ door, provider, upstream })
  const oathkeeper = stack.use(
    await startOathkeeper({
      ports,
      config: { ...sampleConfig(options.sessionStore), ...options.config },
      rules: options.rules?.(rules) ?? rules,
    }),
  )
  const owned = stack.move()
  return { door, oathkeeper, provider, received, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Signs in at the provider's page, which the visitor was led to. */
export function signIn(visitor: Visitor, page: Arrival, person = 'id-of-ada'): Promise<Arrival> {
  const action = /action="([^"]+)"/.exec(page.text)?.[1]
  if (action === undefined)
    throw new Error(`expected the provider's page, got ${page.status} ${page.url}\n${page.text}`)
  return visitor.submit(new URL(action, page.url).href, { person })
}

function sampleConfig(sessionStore: Readonly<Record<string, unknown>> | undefined): Record<string, unknown> {
  return {
    access_rules: { matching_strategy: 'glob' },
    session_store: sessionStore ?? { type: 'memory' },
    authenticators: {
      noop: { enabled: true },
      unauthorized: { enabled: true },
      callback: { enabled: true, config: CALLBACK_DEFAULTS },
      session_jwt: { enabled: true, config: { jwks_urls: ['https://localhost:9443/oauth2/jwks'] } },
    },
    authorizers: { allow: { enabled: true } },
    mutators: {
      noop: { enabled: true },
      header: { enabled: true, config: { headers: { 'X-User': '{{ print .Subject }}' } } },
    },
    errors: {
      fallback: ['json'],
      handlers: {
        json: { enabled: true, config: { verbose: true } },
        redirect: { enabled: true, config: { to: 'https://localhost:9443/oauth2/authorize' } },
      },
    },
  }
}

const CALLBACK_DEFAULTS = {
  client_id: '<your_client_id>',
  client_secret: '<your_client_secret>',
  token_url: 'https://localhost:9443/oauth2/token',
  redirect_url: 'https://localhost:9444/callback',
  userinfo_url: 'https://localhost:9443/oauth2/userinfo',
  token_endpoint_auth_method: 'client_secret_basic',
}

interface Addresses {
  readonly door: string
  readonly provider: JwtProvider
  readonly upstream: string
}

/** The rules of the fork's sample; addresses and client are those of the test. */
export function sampleRules({ door, provider, upstream }: Addresses): SampleRule[] {
  const { issuer, clientId, clientSecret } = provider
  return [
    {
      id: 'callback-handler',
      upstream: { url: '', preserve_host: true },
      match: { url: `${door}/callback`, methods: ['GET'] },
      authenticators: [
        {
          handler: 'callback',
          config: {
            client_id: clientId,
            client_secret: clientSecret,
            token_url: `${issuer}/token`,
            redirect_url: `${door}/callback`,
            userinfo_url: `${issuer}/me`,
            token_endpoint_auth_method: 'client_secret_post',
          },
        },
      ],
      authorizer: { handler: 'allow' },
      mutators: [
        {
          handler: 'header',
          config: {
            headers: {
              'X-User': '{{ .Extra.sub }}',
              'X-User-Email': '{{ .Extra.username }}',
              'X-User-Name': '{{ .Extra.username}}',
              'X-User-Access-Token': '{{ .Extra.access_token }}',
              'X-User-Id-Token': '{{ .Extra.id_token }}',
            },
          },
        },
      ],
      errors: [
        {
          handler: 'redirect',
          config: {
            to: 'request_url',
            when: [
              {
                error: ['unauthorized', 'internal_server_error'],
                request: { header: { accept: ['text/html'] } },
              },
            ],
          },
        },
      ],
    },
    {
      id: 'protected-resources',
      upstream: { url: `${upstream}/home`, preserve_host: false },
      match: { url: `${door}/home/<**>`, methods: ['GET'] },
      authenticators: [
        {
          handler: 'session_jwt',
          config: {
            jwks_urls: [`${issuer}/jwks`],
            required_scope: ['openid', 'email', 'profile'],
            target_audience: [clientId],
            trusted_issuers: [issuer],
            allowed_algorithms: ['RS256'],
            jwks_max_wait: '1s',
            jwks_ttl: '30m',
            scope_strategy: 'exact',
          },
        },
      ],
      authorizer: { handler: 'allow' },
      mutators: [
        {
          handler: 'header',
          config: {
            headers: {
              'X-User-Email': '{{ .Extra.username }}',
              Authorization: 'Bearer {{ print .Extra.access_token }}',
              state: 'randomstate',
            },
          },
        },
      ],
      errors: [
        {
          handler: 'redirect',
          config: {
            to: `${issuer}/auth`,
            type: 'auth',
            oidc_authorization_url: `${issuer}/auth`,
            client_id: clientId,
            redirect_url: `${door}/callback`,
            scopes: ['openid', 'profile', 'email'],
            use_pkce: true,
          },
        },
      ],
    },
    {
      id: 'logout-handler',
      match: { url: `${door}/logout`, methods: ['GET'] },
      upstream: { url: `${upstream}/home/id_token`, preserve_host: true },
      authenticators: [{ handler: 'unauthorized' }],
      authorizer: { handler: 'allow' },
      mutators: [{ handler: 'noop' }],
      errors: [
        {
          handler: 'redirect',
          config: {
            to: `${issuer}/auth`,
            type: 'logout',
            oidc_logout_url: `${issuer}/session/end`,
            post_logout_redirect_url: `${door}/home/id_token`,
          },
        },
      ],
    },
    {
      id: 'static-assets',
      match: { url: `${door}/css/<**>`, methods: ['GET'] },
      upstream: { url: upstream, preserve_host: false },
      authenticators: [{ handler: 'noop' }],
      authorizer: { handler: 'allow' },
      mutators: [{ handler: 'noop' }],
    },
  ]
}
