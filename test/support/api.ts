import { request as httpRequest } from 'node:http'
import type { TestContext } from 'node:test'
import { createApi } from '../../src/admin/api.ts'
import { type AdminOptions, createAdminRoutes } from '../../src/admin/routes.ts'
import { createDecisions } from '../../src/decision/decisions.ts'
import type { Cors } from '../../src/http/cors.ts'
import { compileTrust } from '../../src/http/forwarded.ts'
import { createHeaderClassifier } from '../../src/http/header-kinds.ts'
import { createHttpServer } from '../../src/http/server.ts'
import { StallWatch } from '../../src/http/stall-watch.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { Gate } from '../../src/kernel/gate.ts'
import { type Logger, silentLogger } from '../../src/kernel/logger.ts'

export interface TestApiOptions {
  readonly gate: Gate
  readonly trustedProxies?: 'all' | readonly string[]
  readonly trailingSlash?: 'keep' | 'strip'
  readonly cors?: Cors
  readonly admin?: Partial<AdminOptions>
  readonly logger?: Logger
}

/** An API listener as the product has it, on a free port. */
export async function startApi(t: TestContext, options: TestApiOptions): Promise<{ readonly port: number }> {
  const trusts = compileTrust(options.trustedProxies ?? 'all')
  const watch = new StallWatch(systemClock, 5_000)
  const api = createApi({
    receive: {
      policy: { kindOf: createHeaderClassifier([]), keep: 'all' },
      trusts,
      body: { maxBytes: undefined, stallMs: 5_000 },
    },
    watch,
    cors: () => options.cors,
    mounts: [createDecisions({ gate: options.gate, watch, trailingSlash: options.trailingSlash ?? 'keep' })],
    routes: createAdminRoutes({
      rules: () => [],
      health: { countRules: () => 1, pendingSources: () => [], store: undefined },
      ...options.admin,
    }),
    logger: options.logger ?? silentLogger,
  })
  const server = createHttpServer(
    {
      host: '127.0.0.1',
      port: 0,
      tls: undefined,
      readTimeoutMs: 5_000,
      writeTimeoutMs: 5_000,
      idleTimeoutMs: 5_000,
      maxHeaderSize: 16 * 1024,
      trusts,
    },
    { request: api },
    systemClock,
  )
  const { port } = await server.listen()
  t.after(() => server.close(0))
  return { port }
}

export interface Answer {
  readonly status: number
  /** By lower-case name, in order; without what the transport adds. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

export interface Ask {
  readonly port: number
  readonly path: string
  readonly method?: string
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly body?: string
}

const TRANSPORT = new Set(['date', 'connection', 'keep-alive', 'content-length'])

/** Sends a request with the headers as they are, `Host` included when it is not given. */
export function ask({ port, path, method = 'GET', headers = [], body }: Ask): Promise<Answer> {
  const flat = headers.flat()
  if (!headers.some(([name]) => name.toLowerCase() === 'host')) flat.push('Host', `127.0.0.1:${port}`)
  if (body !== undefined) flat.push('Content-Length', String(Buffer.byteLength(body)))
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const sent = httpRequest(
    { host: '127.0.0.1', port, method, path, headers: flat, agent: false, setHost: false },
    (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('error', reject)
      response.on('end', () => {
        const pairs: [string, string][] = []
        for (let i = 0; i < response.rawHeaders.length; i += 2) {
          const name = (response.rawHeaders[i] as string).toLowerCase()
          if (!TRANSPORT.has(name)) pairs.push([name, response.rawHeaders[i + 1] as string])
        }
        resolve({ status: response.statusCode ?? 0, headers: pairs, body: text })
      })
    },
  )
  sent.on('error', reject)
  sent.end(body)
  return promise
}
