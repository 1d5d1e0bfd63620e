import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createDemoProvider } from '../examples/demo/provider.ts'
import { startRedis } from '../examples/demo/redis.ts'
import { findProgram, REDIS_SERVER } from '../scripts/lib/system-packages.ts'
import {
  choosePorts,
  startOathkeeper,
  type OathkeeperProcess,
  type OathkeeperSetup,
} from '../test/support/oathkeeper.ts'
import { findFreePort } from '../test/support/ports.ts'
import { Visitor } from '../test/support/visitor.ts'

/** A server under load. */
export interface Subject {
  readonly name: string
  readonly pid: number
  readonly port: number
  readonly request: string
  /** Name of the measure that its ratios are to, and the least that the rate ratio should be. */
  readonly comparedWith?: string
  readonly target?: number
}

/** What a gateway or a browser sends; the same bytes go to the bare server and to Oathkeeper. */
const COMMON_HEADERS = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Encoding: gzip, deflate, br',
  'Accept-Language: en-GB,en;q=0.9',
]

/** Starts everything that is loaded; `stack` ends it. Without redis-server its subject is left out. */
export async function startSubjects(stack: AsyncDisposableStack): Promise<Subject[]> {
  const bare = await startServer(stack, 'bare')
  const upstream = await startServer(stack, 'upstream')
  const passThrough = await startServer(stack, 'pass-through', String(upstream.port))

  const memory = await startWithSession(stack, upstream.port, {})
  const decision = (path: string, cookie?: string): string => decisionRequest(memory.app.ports.proxy, path, cookie)
  const subjects: Subject[] = [
    { name: 'bare node:http', ...bare, request: decision('/anonymous/1') },
    {
      name: 'decision, anonymous',
      ...apiOf(memory.app),
      request: decision('/anonymous/1'),
      comparedWith: 'bare node:http',
      target: 0.6,
    },
    {
      name: 'decision, session in memory',
      ...apiOf(memory.app),
      request: decision('/session/1', memory.cookie),
      comparedWith: 'bare node:http',
      target: 0.5,
    },
  ]
  const redisServer = findProgram(REDIS_SERVER)
  if (redisServer !== undefined) {
    const server = await startRedis(redisServer)
    stack.defer(() => server.stop())
    const redis = await startWithSession(stack, upstream.port, {
      session_store: { type: 'redis', redis: { addr: server.address } },
    })
    subjects.push({
      name: 'decision, session in Redis',
      ...apiOf(redis.app),
      request: decisionRequest(redis.app.ports.proxy, '/session/1', redis.cookie),
      comparedWith: 'decision, session in memory',
      target: 0.9,
    })
  }
  const proxied = (port: number, path: string, cookie?: string): string => proxyRequest(port, path, cookie)
  subjects.push(
    { name: 'bare undici pass-through', ...passThrough, request: proxied(passThrough.port, '/anonymous/1') },
    {
      name: 'proxy, anonymous',
      pid: memory.app.pid,
      port: memory.app.ports.proxy,
      request: proxied(memory.app.ports.proxy, '/anonymous/1'),
      comparedWith: 'bare undici pass-through',
      target: 0.75,
    },
    {
      name: 'proxy, session in memory',
      pid: memory.app.pid,
      port: memory.app.ports.proxy,
      request: proxied(memory.app.ports.proxy, '/session/1', memory.cookie),
      comparedWith: 'bare undici pass-through',
    },
  )
  return subjects
}

function apiOf(app: OathkeeperProcess): { pid: number; port: number } {
  return { pid: app.pid, port: app.ports.api }
}

/** As a gateway asks: the request in question is in the `X-Forwarded-*` headers. */
function decisionRequest(proxyPort: number, path: string, cookie?: string): string {
  return message('/decisions', [
    'Host: 127.0.0.1',
    'X-Forwarded-Method: GET',
    'X-Forwarded-Proto: http',
    `X-Forwarded-Host: 127.0.0.1:${proxyPort}`,
    `X-Forwarded-Uri: ${path}`,
    ...COMMON_HEADERS,
    ...(cookie === undefined ? [] : [`Cookie: ${cookie}`]),
  ])
}

function proxyRequest(port: number, path: string, cookie?: string): string {
  return message(path, [
    `Host: 127.0.0.1:${port}`,
    ...COMMON_HEADERS,
    ...(cookie === undefined ? [] : [`Cookie: ${cookie}`]),
  ])
}

function message(target: string, headers: readonly string[]): string {
  return `GET ${target} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`
}

export async function startServer(
  stack: AsyncDisposableStack,
  ...args: string[]
): Promise<{ readonly pid: number; readonly port: number }> {
  const child = fork(join(import.meta.dirname, 'servers.ts'), args)
  stack.defer(() => void child.kill())
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return { pid: child.pid ?? 0, port }
}

/** Oathkeeper with its defaults, and the cookie of a person who has logged in at a real provider. */
export async function startWithSession(
  stack: AsyncDisposableStack,
  upstreamPort: number,
  extra: Readonly<Record<string, unknown>>,
  setup: Pick<OathkeeperSetup, 'command' | 'env'> = {},
): Promise<{ readonly app: OathkeeperProcess; readonly cookie: string }> {
  const ports = await choosePorts()
  const door = `http://127.0.0.1:${ports.proxy}`
  const providerPort = await findFreePort()
  const issuer = `http://127.0.0.1:${providerPort}`
  const provider = await createDemoProvider({
    issuer,
    clientId: 'bench',
    clientSecret: 'a-secret-of-the-benchmark-alone',
    redirectUri: `${door}/.oathkeeper/callback`,
    postLogoutRedirectUri: `${door}/.oathkeeper/signed-out`,
  })
  provider.listen(providerPort, '127.0.0.1')
  await once(provider, 'listening')
  stack.defer(() => {
    provider.closeAllConnections()
    provider.close()
  })
  const rule = (name: string, authenticator: string): Record<string, unknown> => ({
    id: name,
    match: { url: `${door}/${name}/<.*>`, methods: ['GET', 'POST'] },
    authenticators: [{ handler: authenticator }],
    authorizer: { handler: 'allow' },
    mutators: [{ handler: 'header' }],
    upstream: { url: `http://127.0.0.1:${upstreamPort}` },
  })
  const app = await startOathkeeper({
    ...setup,
    ports,
    discardLog: true,
    config: {
      ...extra,
      login: {
        base_url: door,
        providers: [{ id: 'bench', issuer, client_id: 'bench', client_secret: 'a-secret-of-the-benchmark-alone' }],
      },
      authenticators: { anonymous: { enabled: true } },
      authorizers: { allow: { enabled: true } },
      mutators: { header: { enabled: true, config: { headers: { 'X-User': '{{ print .Subject }}' } } } },
    },
    rules: [rule('anonymous', 'anonymous'), rule('session', 'session')],
  })
  stack.use(app)
  const visitor = new Visitor()
  const signIn = await visitor.follow(`${door}/session/1`)
  const arrival = await visitor.submit(signIn.url, { person: 'ada' })
  if (arrival.status !== 200)
    throw new Error(`the login of the benchmark ended with ${arrival.status} at ${arrival.url}`)
  return { app, cookie: `oathkeeper=${visitor.cookie('127.0.0.1', 'oathkeeper') ?? ''}` }
}
