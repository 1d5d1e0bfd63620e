import { createHash, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { CompactSign } from 'jose'

type Json = Record<string, unknown>

export interface RecordedRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly form: URLSearchParams
}

/** What a test may bend. Each switch gets what a well-behaved provider would say and returns what this one says. */
export interface MockSwitches {
  discovery?: (document: Json) => unknown
  /** The redirect back to the client; parameters may be changed, added and removed. */
  redirect?: (location: URL, request: URLSearchParams) => void
  claims?: (claims: Json) => unknown
  header?: (header: Json) => Json
  key?: KeyObject
  idToken?: (token: string) => unknown
  token?: (body: Json, form: URLSearchParams) => unknown
  tokenStatus?: number
  userinfo?: (claims: Json) => unknown
  jwks?: (document: Json) => unknown
  /** Takes over a whole route, such as `/token`. */
  routes?: Record<string, (request: IncomingMessage, response: ServerResponse) => void>
}

interface Grant {
  readonly params: URLSearchParams
  readonly sub: string
  spent: boolean
}

/** An OpenID provider that does what a test says, and remembers what it was asked. */
export interface MockProvider {
  readonly issuer: string
  readonly switches: MockSwitches
  readonly requests: RecordedRequest[]
  readonly clientId: string
  readonly clientSecret: string
  /** Who is signed in at the provider: logins go through without a question. */
  sub: string
  asked(path: string): RecordedRequest[]
  readonly keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }
  /** The tokens that were given out. */
  readonly given: string[]
  now: () => number
}

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 })

export interface MockProviderOptions {
  readonly clientId?: string
  readonly clientSecret?: string
  readonly now?: () => number
}

/** Starts a mock provider on a free port; it stops with the test. */
export async function startMockProvider(t: TestContext, options: MockProviderOptions = {}): Promise<MockProvider> {
  const grants = new Map<string, Grant>()
  const refreshTokens = new Map<string, Grant>()
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const mock: MockProvider = {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    switches: {},
    requests: [],
    clientId: options.clientId ?? 'client',
    clientSecret: options.clientSecret ?? 'a secret of the client, 32 bytes',
    sub: 'alice',
    asked: (path) => mock.requests.filter((request) => request.path === path),
    keys: RSA,
    given: [],
    now: options.now ?? Date.now,
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', mock.issuer)
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const { method = '', headers } = request
    mock.requests.push({ method, path: pathname, query: searchParams, headers, form: new URLSearchParams(body) })
    const takeover = mock.switches.routes?.[pathname]
    if (takeover !== undefined) return takeover(request, response)
    if (pathname === '/.well-known/openid-configuration') return send(response, 200, discovery())
    if (pathname === '/authorize') return authorize(searchParams, response)
    if (pathname === '/token') return token(new URLSearchParams(body), response)
    if (pathname === '/jwks') return send(response, 200, jwks())
    if (pathname === '/userinfo') return send(response, 200, userinfo())
    if (pathname === '/logout') return endSession(searchParams, response)
    return send(response, 404, {})
  }

  function discovery(): unknown {
    const document = {
      issuer: mock.issuer,
      authorization_endpoint: `${mock.issuer}/authorize`,
      token_endpoint: `${mock.issuer}/token`,
      jwks_uri: `${mock.issuer}/jwks`,
      userinfo_endpoint: `${mock.issuer}/userinfo`,
      end_session_endpoint: `${mock.issuer}/logout`,
      code_challenge_methods_supported: ['S256'],
      id_token_signing_alg_values_supported: ['RS256'],
      authorization_response_iss_parameter_supported: true,
    }
    return mock.switches.discovery?.(document) ?? document
  }

  function authorize(params: URLSearchParams, response: ServerResponse): void {
    const code = randomUUID()
    grants.set(code, { params, sub: mock.sub, spent: false })
    const location = new URL(params.get('redirect_uri') ?? '')
    location.searchParams.set('code', code)
    location.searchParams.set('state', params.get('state') ?? '')
    location.searchParams.set('iss', mock.issuer)
    mock.switches.redirect?.(location, params)
    response.writeHead(302, { location: location.href }).end()
  }

  async function token(form: URLSearchParams, response: ServerResponse): Promise<void> {
    const isRefresh = form.get('grant_type') === 'refresh_token'
    const grant = isRefresh ? refreshTokens.get(form.get('refresh_token') ?? '') : grants.get(form.get('code') ?? '')
    if (isRefresh) refreshTokens.delete(form.get('refresh_token') ?? '')
    if (grant === undefined || (!isRefresh && !mayExchange(grant, form))) {
      return send(response, 400, { error: 'invalid_grant', error_description: 'a text that nobody may see' })
    }
    grant.spent = true
    const tokens = { access: `access-${randomUUID()}`, refresh: `refresh-${randomUUID()}` }
    refreshTokens.set(tokens.refresh, grant)
    const idToken = await signIdToken(grant, tokens.access)
    mock.given.push(tokens.access, tokens.refresh, idToken)
    const body = {
      access_token: tokens.access,
      token_type: 'Bearer',
      expires_in: 300,
      refresh_token: tokens.refresh,
      id_token: mock.switches.idToken === undefined ? idToken : mock.switches.idToken(idToken),
      scope: grant.params.get('scope'),
    }
    return send(response, mock.switches.tokenStatus ?? 200, mock.switches.token?.(body, form) ?? body)
  }

  async function signIdToken(grant: Grant, accessToken: string): Promise<string> {
    const now = Math.floor(mock.now() / 1000)
    const atHash = createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url')
    const claims: Json = {
      iss: mock.issuer,
      sub: grant.sub,
      aud: mock.clientId,
      exp: now + 300,
      iat: now,
      auth_time: now,
      nonce: grant.params.get('nonce'),
      at_hash: atHash,
      sid: `sid-${grant.sub}`,
      email: `${grant.sub}@example.com`,
    }
    const said = mock.switches.claims?.(claims) ?? claims
    const header = { alg: 'RS256', kid: 'k1', typ: 'JWT' }
    const text = typeof said === 'string' ? said : JSON.stringify(said)
    return new CompactSign(Buffer.from(text))
      .setProtectedHeader((mock.switches.header?.(header) ?? header) as { alg: string })
      .sign(mock.switches.key ?? RSA.privateKey)
  }

  function jwks(): unknown {
    const document = { keys: [{ ...RSA.publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'RS256' }] }
    return mock.switches.jwks?.(document) ?? document
  }

  function userinfo(): unknown {
    const claims = { sub: mock.sub, nickname: 'from userinfo', email: 'other@example.com' }
    return mock.switches.userinfo?.(claims) ?? claims
  }

  return mock
}

function mayExchange(grant: Grant, form: URLSearchParams): boolean {
  const challenge = createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url')
  return (
    !grant.spent &&
    grant.params.get('code_challenge') === challenge &&
    grant.params.get('redirect_uri') === form.get('redirect_uri')
  )
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

function endSession(params: URLSearchParams, response: ServerResponse): void {
  const location = new URL(params.get('post_logout_redirect_uri') ?? '')
  location.searchParams.set('state', params.get('state') ?? '')
  response.writeHead(302, { location: location.href }).end()
}
