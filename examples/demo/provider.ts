import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import type { Interaction, Provider, ProviderContext } from 'oidc-provider'
import { initialsOf, toneOf } from './application.ts'
import { html, Html, page } from './page.ts'

/** The people who can log in. */
const PEOPLE = [
  { sub: 'ada', name: 'Ada Lovelace', email: 'ada@example.com', groups: ['keepers', 'admins'] },
  { sub: 'alan', name: 'Alan Turing', email: 'alan@example.com', groups: ['keepers'] },
] as const

export interface ProviderOptions {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUri: string
  readonly postLogoutRedirectUri: string
  /** Where it tells of logouts, if anywhere. */
  readonly backchannelLogoutUri?: string | undefined
}

/** A real OpenID provider with two people, one click each. Everything it knows is in memory. */
export async function createDemoProvider(options: ProviderOptions): Promise<Server> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const { backchannelLogoutUri } = options
  const configuration = {
    clients: [
      {
        client_id: options.clientId,
        client_secret: options.clientSecret,
        client_name: 'Lighthouse',
        redirect_uris: [options.redirectUri],
        post_logout_redirect_uris: [options.postLogoutRedirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        ...(backchannelLogoutUri !== undefined && {
          backchannel_logout_uri: backchannelLogoutUri,
          backchannel_logout_session_required: true,
        }),
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256', kid: 'demo' }] },
    cookies: { keys: [randomBytes(32).toString('hex')], names: { session: 'demo_idp', interaction: 'demo_idp_step' } },
    claims: { openid: ['sub', 'sid'], profile: ['name', 'groups'], email: ['email'] },
    // Claims in the ID token itself: the demo needs no UserInfo request.
    conformIdTokenClaims: false,
    findAccount: (_context: ProviderContext, sub: string) => {
      const person = PEOPLE.find((one) => one.sub === sub)
      return person === undefined ? undefined : { accountId: sub, claims: () => person }
    },
    loadExistingGrant: grantWithoutAsking,
    interactions: { url: (_context: ProviderContext, interaction: Interaction) => `/sign-in/${interaction.uid}` },
    // Its own would refuse to call a machine as near as this one.
    fetch: (url: string, call: RequestInit) => fetch(url, { ...call, dispatcher: undefined } as object),
    ttl: { AccessToken: 300, IdToken: 3600, Interaction: 3600, Grant: 86_400, Session: 86_400, RefreshToken: 86_400 },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: backchannelLogoutUri !== undefined },
      rpInitiatedLogout: {
        enabled: true,
        // Oathkeeper sends people here after they pressed its own button: no second question.
        logoutSource: (context: ProviderContext, form: string) => {
          context.body = page({
            title: 'Signing out',
            accent: 'provider',
            body: html`<main class="narrow">
              <h1>Signing you out …</h1>
              ${new Html(form)}
              <div class="actions">
                <button form="op.logoutForm" name="logout" value="yes" id="yes">Continue</button>
              </div>
              <script>
                document.getElementById('yes').click()
              </script>
            </main>`,
          })
        },
      },
    },
  }
  const provider = await quietly(async () => {
    const oidc = await import('oidc-provider')
    return new oidc.Provider(options.issuer, configuration)
  })
  provider.use((context, next) => signIn(provider, context, next))
  const answer = provider.callback()
  return createServer((request, response) => answer(request, response))

  /** The demo's own application needs nobody's consent. */
  async function grantWithoutAsking(context: ProviderContext): Promise<unknown> {
    const { client, session, params } = context.oidc
    if (client === undefined || session?.accountId === undefined) return undefined
    const existing = session.grantIdFor(client.clientId)
    const found = existing === undefined ? undefined : await provider.Grant.find(existing)
    if (found !== undefined) return found
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
    grant.addOIDCScope(String(params?.['scope'] ?? 'openid'))
    await grant.save()
    return grant
  }
}

/** oidc-provider warns about what a demo is made of: everything in memory. */
async function quietly<Result>(run: () => Promise<Result>): Promise<Result> {
  const { warn } = console
  console.warn = () => {}
  try {
    return await run()
  } finally {
    console.warn = warn
  }
}

/** The provider's own login page: a list of people, one button each. */
async function signIn(provider: Provider, context: ProviderContext, next: () => Promise<void>): Promise<void> {
  if (!context.path.startsWith('/sign-in/')) {
    await next()
    return
  }
  const interaction = await provider.interactionDetails(context.req, context.res)
  if (context.method === 'POST') {
    const form = new URLSearchParams(await readText(context.req))
    const person = PEOPLE.find((one) => one.sub === form.get('person'))
    const result =
      person === undefined
        ? { error: 'access_denied', error_description: 'the person went back without signing in' }
        : { login: { accountId: person.sub, remember: true } }
    await provider.interactionFinished(context.req, context.res, result, { mergeWithLastSubmission: false })
    return
  }
  context.type = 'html'
  context.set('Cache-Control', 'no-store')
  context.body = page({ title: 'Sign in · Harbour ID', accent: 'provider', body: choices(interaction.uid) })
}

function choices(uid: string): Html {
  return html`<main class="narrow">
    <p><span class="tag">Harbour ID · identity provider of the demo</span></p>
    <h1>Who are you?</h1>
    <p class="lead">You are signing in to <strong>Lighthouse</strong>. Choose a person; there is no password.</p>
    <form method="post" action="/sign-in/${uid}">
      ${PEOPLE.map(
        ({ sub, name, email }) =>
          html`<button class="choice" name="person" value="${sub}">
            <span class="avatar small" style="--tone: ${toneOf(sub)}" aria-hidden="true">${initialsOf(name)}</span>
            <span>${name}<small>${email}</small></span>
          </button>`,
      )}
      <div class="actions"><button class="quiet" name="person" value="">Go back without signing in</button></div>
    </form>
  </main>`
}

async function readText(request: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}
