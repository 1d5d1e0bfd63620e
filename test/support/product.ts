import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApplication } from '../../examples/demo/application.ts'
import { choosePorts, startOathkeeper, type OathkeeperProcess } from './oathkeeper.ts'
import { startPeopleProvider, type PeopleProvider } from './people-provider.ts'
import type { Arrival, Visitor } from './visitor.ts'

export interface ProductOptions {
  /** Added to the configuration, section by section. */
  readonly config?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly env?: Readonly<Record<string, string>>
  /** More rules, of what browsers see and of the application. */
  readonly rules?: (door: string, upstream: string) => readonly Readonly<Record<string, unknown>>[]
  /** How many instances share the configuration; the first one's address is what browsers see. Default 1. */
  readonly instances?: number
  /** Takes requests to the application over: answers, and says so, or leaves them to the demo's. */
  readonly answer?: (request: IncomingMessage, response: ServerResponse) => boolean
  /** For upgrades at the application. */
  readonly attach?: (server: Server) => void
  /** The provider tells of logouts, at the first instance. Default false. */
  readonly tellsLogouts?: boolean
  /** Default true. */
  readonly waitForReady?: boolean
}

/** What reached the application. */
export interface Received {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** Everything that a person meets: Oathkeeper, a real provider, and the demo's application behind. */
export interface Product {
  /** Origin that browsers see. */
  readonly door: string
  readonly instances: readonly OathkeeperProcess[]
  readonly provider: PeopleProvider
  readonly received: readonly Received[]
  /** Starts an instance of the same configuration on the same ports, after the one before has ended. */
  restart(instance: number): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  await using stack = new AsyncDisposableStack()
  const ports = await Promise.all(Array.from({ length: options.instances ?? 1 }, choosePorts))
  const door = `http://127.0.0.1:${ports[0]?.proxy ?? 0}`
  const provider = stack.use(await startPeopleProvider(door, options.tellsLogouts))
  const received: Received[] = []
  const upstream = await startApplication(received, options)
  stack.defer(() => upstream.stop())

  const setup = (port: (typeof ports)[number]): Parameters<typeof startOathkeeper>[0] => ({
    ports: port,
    config: configFor(door, provider, options),
    rules: [...rulesFor(door, upstream.url), ...(options.rules?.(door, upstream.url) ?? [])],
    waitForReady: options.waitForReady ?? true,
    ...(options.env === undefined ? {} : { env: options.env }),
  })
  const instances: OathkeeperProcess[] = []
  for (const [i, port] of ports.entries()) {
    instances.push(await startOathkeeper(setup(port)))
    stack.defer(async () => void (await instances[i]?.stop()))
  }
  const owned = stack.move()
  return {
    door,
    instances,
    provider,
    received,
    restart: async (i) => {
      const port = ports[i]
      if (port === undefined) throw new Error(`there is no instance ${i}`)
      await instances[i]?.stop()
      instances[i] = await startOathkeeper(setup(port))
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** From a page of ours to the provider's page, one click there, and back to where it ends. */
export async function logIn(visitor: Visitor, url: string, person = 'ada'): Promise<Arrival> {
  const signIn = await visitor.follow(url)
  if (!signIn.url.includes('/sign-in/'))
    throw new Error(`expected the provider's page, got ${signIn.status} ${signIn.url}`)
  return visitor.submit(signIn.url, { person })
}

/** Signs in at the provider and gives the address of the callback without going there. */
export async function signInWithoutCallback(visitor: Visitor, signInUrl: string): Promise<string> {
  let answer = await visitor.go(signInUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'person=ada',
  })
  for (;;) {
    const next = new URL(answer.headers['location'] ?? '', answer.url).href
    if (next.includes('/.oathkeeper/callback')) return next
    answer = await visitor.go(next)
  }
}

async function startApplication(
  received: Received[],
  { answer, attach }: ProductOptions,
): Promise<{ url: string; stop(): void }> {
  const application = createApplication()
  const server = createServer((request, response) => {
    received.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers })
    if (answer?.(request, response) !== true) application.emit('request', request, response)
  })
  attach?.(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

function configFor(door: string, provider: PeopleProvider, options: ProductOptions): Record<string, unknown> {
  const extra = options.config ?? {}
  const header = {
    'X-User': '{{ print .Subject }}',
    'X-Name': '{{ print .Extra.name }}',
    'X-Email': '{{ print .Extra.email }}',
  }
  return {
    ...extra,
    login: { base_url: door, providers: [provider.configuration], ...extra['login'] },
    authenticators: { anonymous: { enabled: true }, ...extra['authenticators'] },
    authorizers: { allow: { enabled: true }, ...extra['authorizers'] },
    mutators: { header: { enabled: true, config: { headers: header } }, noop: { enabled: true }, ...extra['mutators'] },
  }
}

/** `/` for everyone, without a look at the session; the rest for people with one. */
function rulesFor(door: string, upstream: string): Record<string, unknown>[] {
  const rule = (id: string, path: string, authenticator: string, mutator: string): Record<string, unknown> => ({
    id,
    match: { url: `${door}${path}`, methods: ['GET', 'POST'] },
    authenticators: [{ handler: authenticator }],
    authorizer: { handler: 'allow' },
    mutators: [{ handler: mutator }],
    upstream: { url: upstream },
  })
  return [rule('public', '/', 'anonymous', 'noop'), rule('members', '/<(me|reports)>', 'session', 'header')]
}
