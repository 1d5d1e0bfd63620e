import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createDemoProvider } from '../../examples/demo/provider.ts'
import { findFreePort } from './ports.ts'

const CLIENT = { clientId: 'lighthouse', clientSecret: 'a-secret-of-these-tests-alone' }

/**
 * What goes wrong at the provider: `error` (500), `garbage` (no JSON), `silent` (accepts and
 * never answers). `at` limits it to paths that contain the text.
 */
export interface ProviderFault {
  readonly kind: 'error' | 'garbage' | 'silent'
  readonly at?: string
}

/** The demo's provider (real, two people, one click each) that can be broken on demand. */
export interface PeopleProvider {
  readonly issuer: string
  /** The entry of `login.providers`. */
  readonly configuration: Readonly<Record<string, unknown>>
  /** Method and path of each request so far. */
  readonly requests: readonly string[]
  fault: ProviderFault | undefined
  /** Closes the port; `listen` opens it again with everything that it knew. */
  shut(): Promise<void>
  listen(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * @param door origin that browsers see of Oathkeeper
 * @param tellsLogouts whether it tells Oathkeeper of logouts
 */
export async function startPeopleProvider(door: string, tellsLogouts = false): Promise<PeopleProvider> {
  const port = await findFreePort()
  const issuer = `http://127.0.0.1:${port}`
  const server: Server = await createDemoProvider({
    issuer,
    ...CLIENT,
    redirectUri: `${door}/.oathkeeper/callback`,
    postLogoutRedirectUri: `${door}/.oathkeeper/signed-out`,
    backchannelLogoutUri: tellsLogouts ? `${door}/.oathkeeper/backchannel-logout/people` : undefined,
  })
  const [answer] = server.listeners('request') as [(request: IncomingMessage, response: ServerResponse) => void]
  server.removeAllListeners('request')
  const requests: string[] = []
  const provider: PeopleProvider = {
    issuer,
    configuration: {
      id: 'people',
      issuer,
      client_id: CLIENT.clientId,
      client_secret: CLIENT.clientSecret,
      scopes: ['openid', 'profile', 'email'],
    },
    requests,
    fault: undefined,
    async shut() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
    async listen() {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    [Symbol.asyncDispose]: () => provider.shut(),
  }
  server.on('request', (request, response) => {
    requests.push(`${request.method ?? ''} ${(request.url ?? '').split('?')[0] ?? ''}`)
    const { fault } = provider
    if (fault === undefined || !(request.url ?? '').includes(fault.at ?? '')) return answer(request, response)
    if (fault.kind === 'silent') return
    response.writeHead(fault.kind === 'error' ? 500 : 200, { 'Content-Type': 'application/json' })
    response.end(fault.kind === 'error' ? '{"error":"server_error"}' : '<!doctype html><p>maintenance')
  })
  await provider.listen()
  return provider
}
