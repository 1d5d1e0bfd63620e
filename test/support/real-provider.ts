import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { exportJWK, generateKeyPair } from 'jose'
import { interactionPolicy, Provider, type Interaction, type ProviderContext } from 'oidc-provider'
import { Secret } from '../../src/lib/secret.ts'
import type { ProviderOptions } from '../../src/login/options.ts'
import type { Arrival, Visitor } from './visitor.ts'

const PEOPLE: Readonly<Record<string, { readonly name: string; readonly email: string }>> = {
  ada: { name: 'Ada Lovelace', email: 'ada@example.com' },
  mei: { name: '名前 明', email: 'mei@example.com' },
}

/** A request at the token endpoint, as the provider answered it. */
export interface TokenAnswer {
  readonly grantType: string
  readonly status: number
}

export interface RealProvider {
  readonly issuer: string
  /** What it was asked at the token endpoint and has answered, whether or not that has arrived. */
  readonly tokenAnswers: readonly TokenAnswer[]
  /** How often UserInfo was read. */
  readonly userinfoReads: number
  /** Before the provider looks at a request for tokens, and before its answer leaves: what takes time. */
  readonly pauses: { beforeTokens?: (() => unknown) | undefined; afterTokens?: (() => unknown) | undefined }
  /** Options of the client that `origin` is registered as. */
  options(changes?: Partial<ProviderOptions>): ProviderOptions
}

export interface RealProviderOptions {
  /** What it can authenticate people as; the form says which it was. Default: it says nothing of the kind. */
  readonly acrValues?: readonly string[]
  /** Default 300. */
  readonly accessTokenSeconds?: number
  /** Default 300. */
  readonly idTokenSeconds?: number
}

/** Starts oidc-provider, as strict as it can be: PKCE for everybody, refresh tokens that rotate, two people. */
export async function startRealProvider(
  t: TestContext,
  origin: string,
  { acrValues = [], accessTokenSeconds = 300, idTokenSeconds = 300 }: RealProviderOptions = {},
): Promise<RealProvider> {
  const server = createServer((request, response) => answer(request, response))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const secret = randomBytes(32).toString('base64url')
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const grants = new Map<string, Promise<string>>()
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'app:1',
        client_secret: secret,
        id_token_signed_response_alg: 'ES256',
        redirect_uris: [`${origin}/.oathkeeper/callback`],
        post_logout_redirect_uris: [`${origin}/.oathkeeper/signed-out`],
        grant_types: ['authorization_code', 'refresh_token'],
        backchannel_logout_uri: `${origin}/.oathkeeper/backchannel-logout/real`,
        backchannel_logout_session_required: true,
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), use: 'sig', alg: 'ES256', kid: 'real' }] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    claims: { openid: ['sub', 'sid'], profile: ['name'], email: ['email'] },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: () => true,
    findAccount: (_context: ProviderContext, sub: string) => ({
      accountId: sub,
      claims: () => ({ sub, ...PEOPLE[sub] }),
    }),
    loadExistingGrant: async ({ oidc: { client, session, params } }: ProviderContext) => {
      // A code is good only while the session still has the grant that it came with: one for all tabs that log in at once.
      const key = JSON.stringify([session?.uid, session?.accountId, params?.['scope']])
      const known = grants.get(key)
      const found = known === undefined ? undefined : await provider.Grant.find(await known)
      if (found !== undefined) return found
      const grant = new provider.Grant({ clientId: client?.clientId ?? '', accountId: session?.accountId ?? '' })
      grant.addOIDCScope(String(params?.['scope']))
      const saving = grant.save()
      grants.set(key, saving)
      await saving
      return grant
    },
    acrValues,
    interactions: {
      url: (_context: ProviderContext, { uid }: Interaction) => `/sign-in/${uid}`,
      policy: policyThatMindsAcr(),
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context: ProviderContext, form: string) => void (context.body = form),
      },
    },
    // Its own would refuse to call this machine.
    fetch: (url: string, call: RequestInit) => fetch(url, { ...call, dispatcher: undefined } as object),
    ttl: {
      AccessToken: accessTokenSeconds,
      IdToken: idTokenSeconds,
      Interaction: 600,
      Grant: 3600,
      Session: 3600,
      RefreshToken: 3600,
    },
  })
  const tokenAnswers: TokenAnswer[] = []
  const pauses: RealProvider['pauses'] = {}
  let userinfoReads = 0
  provider.use(async (context, next) => {
    if (context.path === '/me') userinfoReads++
    if (context.path !== '/token') return next()
    await pauses.beforeTokens?.()
    // Who has gone has asked for nothing.
    if (context.req.socket.destroyed) return undefined
    await next()
    tokenAnswers.push({ grantType: String(context.oidc.params?.['grant_type']), status: context.status })
    await pauses.afterTokens?.()
    return undefined
  })
  provider.use(async (context, next) => {
    if (!context.path.startsWith('/sign-in/')) return next()
    if (context.method !== 'POST') {
      context.body = `<form method="post" action="${context.path}">`
      return undefined
    }
    const form = new URLSearchParams(await readText(context.req))
    const [person = '', acr] = ['person', 'acr'].map((name) => form.get(name) ?? undefined)
    const result = person in PEOPLE ? { login: { accountId: person, acr } } : { error: 'access_denied' }
    return provider.interactionFinished(context.req, context.res, result, { mergeWithLastSubmission: false })
  })
  const answer = provider.callback()
  return {
    issuer,
    tokenAnswers,
    get userinfoReads() {
      return userinfoReads
    },
    pauses,
    options: (changes = {}) => ({
      id: 'real',
      issuer,
      clientId: 'app:1',
      clientSecret: new Secret(secret),
      authMethod: undefined,
      scopes: ['openid', 'profile', 'email'],
      authorizationParams: {},
      userinfo: false,
      caFile: undefined,
      ...changes,
    }),
  }
}

/** As providers do that know several ways to authenticate: whoever came by another one than is asked for is asked again. */
function policyThatMindsAcr(): unknown {
  const policy = interactionPolicy.base()
  const check = new interactionPolicy.Check('acr_values', 'another authentication is asked for', ({ oidc }) => {
    const wanted = oidc.params?.['acr_values']
    if (typeof wanted !== 'string' || oidc.result?.login !== undefined) return false
    return !wanted.split(' ').includes(oidc.acr ?? '')
  })
  policy.get('login')?.checks.add(check)
  return policy
}

/** Goes on from the provider's form as one of its people. */
export function signInAs(visitor: Visitor, form: Arrival, person: string, acr?: string): Promise<Arrival> {
  const action = /action="([^"]+)"/.exec(form.text)?.[1] ?? ''
  return visitor.submit(new URL(action, form.url).href, { person, ...(acr !== undefined && { acr }) })
}

/** Says yes to the provider's question whether to log out. */
export function confirmLogout(visitor: Visitor, form: Arrival): Promise<Arrival> {
  const action = /action="([^"]+)"/.exec(form.text)?.[1] ?? ''
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(form.text)?.[1] ?? ''
  return visitor.submit(new URL(action, form.url).href, { xsrf, logout: 'yes' })
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}
