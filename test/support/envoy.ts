import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const START_TIMEOUT_MS = 60_000

export interface EnvoyOptions {
  readonly program: string
  /** Port of Oathkeeper's gRPC listener, on 127.0.0.1. */
  readonly oathkeeperPort: number
  readonly upstreamPort: number
  /** Where `/.oathkeeper/` leads to, past the filter: the proxy, which has the login. */
  readonly loginPort?: number
  /** Default: any free one. */
  readonly port?: number
  /** Whether the upstream speaks HTTP/2 in clear text, as gRPC servers do. */
  readonly upstreamHttp2?: boolean
  /** Port of Oathkeeper's API, for a filter that asks by HTTP: the cluster `oathkeeper-api`. */
  readonly apiPort?: number
  /** Added to the configuration of the ext_authz filter. */
  readonly filter?: Readonly<Record<string, unknown>>
  /** The whole configuration of the ext_authz filter. */
  readonly wholeFilter?: Readonly<Record<string, unknown>>
  /** Of the connection manager. */
  readonly manager?: Readonly<Record<string, unknown>>
}

export interface Envoy {
  /** Origin that clients see: HTTP/1.1, and HTTP/2 with prior knowledge. */
  readonly url: string
  readonly port: number
  log(): string
  [Symbol.asyncDispose](): Promise<void>
}

/** Envoy itself, with its external authorization in front of one upstream. */
export async function startEnvoy(options: EnvoyOptions): Promise<Envoy> {
  const folder = mkdtempSync(join(tmpdir(), 'envoy-test-'))
  const configFile = join(folder, 'envoy.json')
  const adminFile = join(folder, 'admin')
  writeFileSync(configFile, JSON.stringify(configOf(options)))
  const args = ['-c', configFile, '--use-dynamic-base-id', '--concurrency', '1', '--admin-address-path', adminFile]
  const child = spawn(options.program, [...args, '--log-level', 'warning'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (log += String(chunk)))
  const exited = once(child, 'exit')
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null
  const stop = async (): Promise<void> => {
    if (isRunning()) child.kill('SIGKILL')
    await exited
    rmSync(folder, { recursive: true, force: true })
  }
  const deadline = Date.now() + START_TIMEOUT_MS
  while (isRunning() && Date.now() < deadline) {
    const port = existsSync(adminFile) ? await listenerPort(readFileSync(adminFile, 'utf8')) : undefined
    if (port !== undefined) {
      return { url: `http://127.0.0.1:${port}`, port, log: () => log, [Symbol.asyncDispose]: stop }
    }
    await wait(25)
  }
  await stop()
  throw new Error(`Envoy did not start:\n${log}`)
}

async function listenerPort(admin: string): Promise<number | undefined> {
  try {
    const ready = await fetch(`http://${admin}/ready`)
    if (!ready.ok) return undefined
    const answer = await fetch(`http://${admin}/listeners?format=json`)
    const document = (await answer.json()) as {
      listener_statuses?: { local_address: { socket_address: { port_value: number } } }[]
    }
    return document.listener_statuses?.[0]?.local_address.socket_address.port_value
  } catch {
    return undefined
  }
}

function configOf(options: EnvoyOptions): unknown {
  const { oathkeeperPort, upstreamPort, loginPort, upstreamHttp2, filter, manager } = options
  const type = 'type.googleapis.com/envoy.extensions'
  const loginRoute = {
    match: { prefix: '/.oathkeeper/' },
    route: { cluster: 'login' },
    typed_per_filter_config: {
      'envoy.filters.http.ext_authz': {
        '@type': `${type}.filters.http.ext_authz.v3.ExtAuthzPerRoute`,
        disabled: true,
      },
    },
  }
  const http2 = {
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `${type}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  }
  const cluster = (name: string, port: number, protocol: object) => ({
    name,
    type: 'STATIC',
    connect_timeout: '5s',
    ...protocol,
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }],
    },
  })
  return {
    admin: { address: address(0) },
    static_resources: {
      listeners: [
        {
          name: 'door',
          address: address(options.port ?? 0),
          filter_chains: [
            {
              filters: [
                {
                  name: 'envoy.filters.network.http_connection_manager',
                  typed_config: {
                    '@type': `${type}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
                    stat_prefix: 'door',
                    codec_type: 'AUTO',
                    use_remote_address: true,
                    ...manager,
                    route_config: {
                      virtual_hosts: [
                        {
                          name: 'all',
                          domains: ['*'],
                          routes: [
                            ...(loginPort === undefined ? [] : [loginRoute]),
                            { match: { prefix: '/' }, route: { cluster: 'upstream', timeout: '0s' } },
                          ],
                        },
                      ],
                    },
                    http_filters: [
                      {
                        name: 'envoy.filters.http.ext_authz',
                        typed_config: options.wholeFilter ?? {
                          '@type': `${type}.filters.http.ext_authz.v3.ExtAuthz`,
                          transport_api_version: 'V3',
                          grpc_service: { envoy_grpc: { cluster_name: 'oathkeeper-grpc' }, timeout: '10s' },
                          ...filter,
                        },
                      },
                      {
                        name: 'envoy.filters.http.router',
                        typed_config: { '@type': `${type}.filters.http.router.v3.Router` },
                      },
                    ],
                  },
                },
              ],
            },
          ],
        },
      ],
      clusters: [
        cluster('oathkeeper-grpc', oathkeeperPort, http2),
        ...(options.apiPort === undefined ? [] : [cluster('oathkeeper-api', options.apiPort, {})]),
        cluster('upstream', upstreamPort, upstreamHttp2 === true ? http2 : {}),
        ...(loginPort === undefined ? [] : [cluster('login', loginPort, {})]),
      ],
    },
  }
}

function address(port: number): unknown {
  return { socket_address: { address: '127.0.0.1', port_value: port } }
}
