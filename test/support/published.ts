import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'

export const PUBLISHED = resolve(import.meta.dirname, '../fixtures/published')

/** What the configurations say in place of the services around; the test puts its own there. */
const SERVICES = 'http://services.example'

/** A request to Oathkeeper, and what Ory Oathkeeper answered to it. */
export interface PublishedCase {
  readonly via: 'proxy' | 'api'
  readonly method?: string
  readonly path: string
  readonly host?: string
  /** `TOKEN` stands for a token that the key set `incoming.json` verifies. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly answer: PublishedAnswer
  /** What the services were asked meanwhile. */
  readonly asked: readonly string[]
}

export interface PublishedAnswer {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: string
}

/** The folders of configurations that there are. */
export function publishedFolders(): string[] {
  return readdirSync(PUBLISHED, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
}

export function publishedCases(folder: string): PublishedCase[] {
  return JSON.parse(readFileSync(join(PUBLISHED, folder, 'answers.json'), 'utf8')) as PublishedCase[]
}

/** A configuration in a folder of its own, ready to be started. */
export interface PublishedSetup {
  readonly folder: string
  readonly configFile: string
  /** A token that `incoming.json` verifies. */
  readonly token: string
}

/** Copies a configuration, with the services in their place and keys of its own. */
export function setUpPublished(name: string, services: string): Promise<PublishedSetup> {
  const source = join(PUBLISHED, name)
  return setUp(
    services,
    readdirSync(source).map((file) => [file, readFileSync(join(source, file), 'utf8')]),
  )
}

/** Puts files into a folder, with the services in their place, and keys beside them. */
export async function setUp(services: string, files: readonly (readonly [string, string])[]): Promise<PublishedSetup> {
  const folder = mkdtempSync(join(tmpdir(), 'published-'))
  for (const [file, text] of files) {
    writeFileSync(join(folder, file), text.replaceAll(SERVICES, services).replaceAll('FOLDER', folder))
  }
  const incoming = await makeKey('RS256', 'incoming')
  const { use: _use, ...withoutUse } = publicPart(incoming)
  const sets: Readonly<Record<string, readonly JWK[]>> = {
    'incoming.json': [publicPart(incoming)],
    'no-use.json': [withoutUse],
    'jwks.json': [await makeKey('RS256', 'gate')],
    'keys.json': [await makeKey('RS256', 'gate')],
    'outgoing.json': [await makeKey('ES256', 'gate')],
    'two-private.json': [await makeKey('ES256', 'first'), await makeKey('ES256', 'second')],
  }
  for (const [file, keys] of Object.entries(sets)) writeFileSync(join(folder, file), JSON.stringify({ keys }))
  const token = await new SignJWT({ name: 'Ada "L"', scope: 'read' })
    .setProtectedHeader({ alg: 'RS256', kid: 'incoming' })
    .setSubject('ada')
    .setExpirationTime('1h')
    .sign(await importJWK(incoming, 'RS256'))
  const configFile = files.map(([file]) => file).find((file) => file.startsWith('oathkeeper.')) ?? ''
  return { folder, configFile: join(folder, configFile), token }
}

export function tearDownPublished({ folder }: PublishedSetup): void {
  rmSync(folder, { recursive: true, force: true })
}

const made = new Map<string, Promise<JWK>>()

/** Made once: what is recorded does not depend on it. */
async function makeKey(alg: string, kid: string): Promise<JWK> {
  const name = `${alg} ${kid}`
  const known = made.get(name) ?? generateKeyPair(alg, { extractable: true }).then((pair) => exportJWK(pair.privateKey))
  made.set(name, known)
  return { ...(await known), kid, alg, use: 'sig' }
}

function publicPart({ kty, n, e, kid, alg, use }: JWK): JWK {
  return { kty: kty ?? '', n: n ?? '', e: e ?? '', kid: kid ?? '', alg: alg ?? '', use: use ?? '' }
}

/** The services around Oathkeeper: an application, Kratos, Keto, a hydrator, an authorization server. */
export class Services implements AsyncDisposable {
  readonly server = createServer((incoming, response) => void this.#serve(incoming, response))
  #asked: string[] = []

  async listen(): Promise<string> {
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** What was asked since the last time. */
  take(): string[] {
    const asked = this.#asked
    this.#asked = []
    return asked
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of incoming) body += String(chunk)
    const url = new URL(incoming.url ?? '/', SERVICES)
    this.#asked.push(describeRequest(incoming, body))
    const { status, document, headers = {} } = answerOf(url.pathname, incoming, body)
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(document))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
    await once(this.server, 'close')
  }
}

interface ServiceAnswer {
  readonly status: number
  readonly document: unknown
  readonly headers?: Readonly<Record<string, string>>
}

function answerOf(path: string, { headers }: IncomingMessage, body: string): ServiceAnswer {
  const form = new URLSearchParams(body)
  const isSignedIn = /(?:ory_kratos_session|session)=good/.test(headers.cookie ?? '')
  switch (path) {
    case '/sessions/whoami':
      return isSignedIn
        ? {
            status: 200,
            document: {
              subject: 'ada',
              extra: { mail: 'ada@example.com' },
              identity: { id: 'id-of-ada', traits: { email: 'ada@example.com' } },
            },
          }
        : { status: 401, document: { error: { code: 401 } } }
    case '/session':
      return headers.authorization === 'Bearer bad' || headers['x-token'] === 'bad'
        ? { status: 403, document: {} }
        : { status: 200, document: { sub: 'ada' } }
    case '/hydrate': {
      const session = JSON.parse(body) as Record<string, unknown>
      const extra = { ...(session['extra'] as object | null), company: 'Analytical Engines' }
      const added = { ...(session['header'] as object | null), 'X-Company': ['Analytical Engines'] }
      return { status: 200, document: { ...session, extra, header: added } }
    }
    case '/relations/check':
      return JSON.parse(body).subject_id === 'id-of-ada'
        ? { status: 200, document: { allowed: true }, headers: { 'x-relation': 'view' } }
        : { status: 403, document: { allowed: false } }
    case '/oauth2/token':
      return headers.authorization === `Basic ${Buffer.from('app:wrong').toString('base64')}`
        ? { status: 401, document: { error: 'invalid_client' } }
        : { status: 200, document: { access_token: 'a-token', token_type: 'bearer', expires_in: 3600 } }
    case '/oauth2/introspect':
      return { status: 200, document: form.get('token') === 'good' ? { active: true, sub: 'ada' } : { active: false } }
    case '/limited':
      return { status: 429, document: {}, headers: { 'retry-after': '0', 'x-ratelimit-limit': '10' } }
    case '/page':
      return { status: 200, document: '<html>', headers: { 'content-type': 'text/html' } }
    case '/introspect-null-audience':
      return { status: 200, document: { active: true, sub: 'ada', aud: null } }
    case '/with-cors':
      return { status: 200, document: {}, headers: { 'access-control-allow-origin': 'https://upstream.example' } }
    default:
      return { status: 200, document: { from: 'the application' } }
  }
}

const VOLATILE = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'traceparent',
  'transfer-encoding',
  'user-agent',
])
/** Headers that we add to our own answers, and Oathkeeper does not have; and one that it sends empty. */
const ADDED = new Set([
  'cache-control',
  'content-security-policy',
  'ory-error-id',
  'referrer-policy',
  'strict-transport-security',
  'x-content-type-options',
])

function describeRequest({ method, url, headers }: IncomingMessage, body: string): string {
  const kept = Object.entries(headers)
    .filter(([name]) => !VOLATILE.has(name))
    .map(([name, value]) => `${name}: ${withoutTokens(String(value))}`)
    .toSorted()
  return settled([`${method} ${url}`, ...kept, sortedJson(body)].join('\n'))
}

/** Sends a request of a case and gives what came back in comparable form. */
export async function askPublished(
  ports: Readonly<Record<'proxy' | 'api', number>>,
  asked: Omit<PublishedCase, 'answer' | 'asked'>,
  token: string,
): Promise<PublishedAnswer> {
  const { via, method = 'GET', path, host, headers = {}, body } = asked
  const entries = Object.entries(headers).map(([name, value]) => [name, value.replace('TOKEN', token)])
  const sent = request({
    host: '127.0.0.1',
    port: ports[via],
    method,
    path,
    headers: { ...(host !== undefined && { host }), ...(Object.fromEntries(entries) as Record<string, string>) },
    agent: false,
  })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  const kept: string[] = []
  for (let i = 0; i < response.rawHeaders.length; i += 2) {
    const name = String(response.rawHeaders[i]).toLowerCase()
    const value = String(response.rawHeaders[i + 1])
    if (!VOLATILE.has(name) && !ADDED.has(name)) kept.push(`${name}: ${settled(withoutTokens(value))}`)
  }
  return { status: response.statusCode ?? 0, headers: kept.toSorted(), body: settled(sortedJson(text)) }
}

/** Ports differ from run to run. */
function settled(text: string): string {
  return text.replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT')
}

/** Signed tokens, as their header and claims without what differs each time. */
function withoutTokens(text: string): string {
  return text.replace(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, (token) => {
    const [header = '', payload = ''] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString())
    const claims = JSON.parse(payload) as Record<string, unknown>
    for (const name of ['exp', 'iat', 'nbf', 'jti']) claims[name] = typeof claims[name]
    return `${sortedJson(header)}.${sortedJson(JSON.stringify(claims))}`
  })
}

/** JSON with its keys in order, without what differs each time; other text as it is. */
function sortedJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), (key, value: unknown) => {
      if (key === 'request') return undefined
      if (key === 'keys' && Array.isArray(value))
        return value.map((jwk: JWK) => [jwk.kid, jwk.alg, jwk.d === undefined])
      return typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : value
    })
  } catch {
    return text
  }
}
