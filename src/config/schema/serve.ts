import { z } from 'zod'
import { corsSchema } from './cors.ts'
import { byteSize, cidr, duration, host, oathkeeperDuration, origin, port, TOKEN, uniqueList } from './scalars.ts'
import { tlsSchema } from './tls.ts'

const timeoutSchema = z
  .strictObject({
    read: oathkeeperDuration().prefault('5s').describe('How long a request may take to arrive. `0s`: 5s.'),
    write: oathkeeperDuration().prefault('120s').describe('How long an answer may take. `0s`: 10s.'),
    idle: oathkeeperDuration().prefault('120s').describe('How long a connection is kept between requests. `0s`: 120s.'),
  })
  // In Go a zero means "not set", and what is not set has these values.
  .transform(({ read, write, idle }) => ({
    readMs: read === 0 ? 5_000 : read,
    writeMs: write === 0 ? 10_000 : write,
    idleMs: idle === 0 ? 120_000 : idle,
  }))

const upstreamSchema = z
  .strictObject({
    max_connections: z.int().min(1).max(65_536).default(256).describe('Connections to one upstream at most.'),
    max_waiting: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(1024)
      .describe('Requests that may wait for a connection to one upstream; more are answered 503.'),
    connect_timeout: duration({ min: '1ms' }).prefault('5s').describe('How long a connection may take to open.'),
    // What bounds an upstream in Oathkeeper is the write timeout of its listener, 120s.
    header_timeout: duration({ min: '1ms' })
      .prefault('120s')
      .describe('How long an upstream may take to begin its answer; the request is answered 504 then.'),
    body_timeout: duration({ min: '1ms' })
      .prefault('120s')
      .describe('How long an upstream may be silent within an answer. Event streams and upgraded connections may be silent longer.'),
    keep_alive: duration({ min: '1ms' })
      .prefault('4s')
      .describe('How long an unused connection is kept; shorter than the upstream keeps it.'),
    max_header_size: byteSize().prefault('64KiB').describe('Response headers above it are answered 502.'),
  })
  .transform((wire) => ({
    maxConnections: wire.max_connections,
    maxWaiting: wire.max_waiting,
    connectTimeoutMs: wire.connect_timeout,
    headersTimeoutMs: wire.header_timeout,
    bodyTimeoutMs: wire.body_timeout,
    keepAliveMs: wire.keep_alive,
    maxHeaderSize: wire.max_header_size,
  }))

const upgradeSchema = z
  .strictObject({
    allowed_origins: uniqueList(origin())
      .optional()
      .describe(
        'Origins of pages that may open WebSockets and other upgraded connections, besides the own one. Default: all, but without the session.',
      ),
  })
  .transform((wire) => ({ allowedOrigins: wire.allowed_origins }))

/** What the proxy and the API have in common. */
const listener = (defaultPort: number) => ({
  host: host(),
  port: port(defaultPort),
  timeout: timeoutSchema.prefault({}).describe('Limits on slow clients.'),
  cors: corsSchema.prefault({}).describe('Cross-origin requests.'),
  tls: tlsSchema.prefault({}).describe('Serves https when key and certificate are given.'),
})

const proxySchema = z
  .strictObject({
    ...listener(4455),
    trust_forwarded_headers: z
      .boolean()
      .default(false)
      .describe('Believes the `X-Forwarded-*` headers of every client. `trusted_proxies` says it of some.'),
    trusted_proxies: z
      .array(cidr())
      .optional()
      .describe('Networks of the proxies in front whose forwarded headers count. Default: none.'),
    strict_paths: z
      .boolean()
      .default(false)
      .describe('Refuses encoded slashes, backslashes, dots and NUL, and `..;`, in a path with 400.'),
    strip_request_headers: uniqueList(z.string().regex(TOKEN, 'must be the name of a header'))
      .default([])
      .describe('Headers that are removed from every client request before the pipeline.'),
    upgrade: upgradeSchema.prefault({}).describe('Requests to upgrade the connection.'),
    upstream: upstreamSchema.prefault({}).describe('Connections to upstreams.'),
    max_header_size: byteSize().prefault('16KiB').describe('Request headers above it are answered 431.'),
    max_body_size: z
      .union([z.literal('none'), byteSize()])
      .prefault('none')
      .describe('Request bodies above it are answered 413. `none`: no limit.'),
  })
  .transform((wire, context) => {
    if (wire.trust_forwarded_headers && wire.trusted_proxies !== undefined) {
      context.addIssue({
        code: 'custom',
        path: ['trusted_proxies'],
        message: 'is given together with trust_forwarded_headers: true, which trusts everybody; remove one of them',
      })
    }
    return {
      ...shared(wire),
      trustedProxies: trusted(wire.trust_forwarded_headers ? 'all' : (wire.trusted_proxies ?? [])),
      strictPaths: wire.strict_paths,
      stripRequestHeaders: wire.strip_request_headers.map((name) => name.toLowerCase()),
      upgradeOrigins: wire.upgrade.allowedOrigins,
      upstream: wire.upstream,
      maxHeaderSize: wire.max_header_size,
      maxBodySize: wire.max_body_size === 'none' ? undefined : wire.max_body_size,
    }
  })

const apiSchema = z
  .strictObject({
    ...listener(4456),
    trusted_proxies: z
      .array(cidr())
      .optional()
      .describe('Networks of the gateways whose `X-Forwarded-*` headers count on the decision API. Default: all, as in Oathkeeper.'),
  })
  .transform((wire) => ({ ...shared(wire), trustedProxies: trusted(wire.trusted_proxies ?? 'all') }))

const grpcSchema = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Whether it is there.'),
    host: host(),
    port: port(4457),
    timeout: timeoutSchema.prefault({}).describe('Limits on slow callers.'),
    tls: tlsSchema.prefault({}).describe('Serves TLS when key and certificate are given, else clear text (h2c).'),
    trusted_proxies: z
      .array(cidr())
      .optional()
      .describe('Networks of the gateways that may ask; all others are told no. Default: all.'),
    max_message_size: byteSize().prefault('4MiB').describe('A check above it is answered 413, unread.'),
  })
  .transform((wire) => ({
    enabled: wire.enabled,
    host: wire.host,
    port: wire.port,
    timeouts: wire.timeout,
    tls: wire.tls,
    trustedProxies: trusted(wire.trusted_proxies ?? 'all'),
    maxMessageSize: wire.max_message_size,
  }))

const prometheusSchema = z
  .strictObject({
    host: host(),
    port: port(9000),
    metrics_path: z.string().regex(/^\//, 'must be a path such as /metrics').default('/metrics').describe('Path of the metrics.'),
    metric_name_prefix: z
      .string()
      .regex(/^([a-zA-Z_:][a-zA-Z0-9_:]*)?$/, 'must be the beginning of a metric name (letters, digits, _ and :)')
      .default('ory_oathkeeper_')
      .describe('Beginning of the names of the request metrics.'),
    hide_request_paths: z.boolean().default(false).describe('Leaves the label `request` empty.'),
    collapse_request_paths: z.boolean().default(true).describe('Label `request` holds the first segment of the path only.'),
  })
  .transform((wire) => ({
    host: wire.host,
    port: wire.port,
    metricsPath: wire.metrics_path,
    metricNamePrefix: wire.metric_name_prefix,
    hideRequestPaths: wire.hide_request_paths,
    collapseRequestPaths: wire.collapse_request_paths,
  }))

/** `serve`: what listens, and how. */
export const serveSchema = z
  .strictObject({
  proxy: proxySchema.prefault({}).describe('The reverse proxy.'),
  api: apiSchema.prefault({}).describe('The decision API, health and rules. Keep it private.'),
  grpc: grpcSchema.prefault({}).describe('The decision API for Envoy: `ext_authz` by gRPC, and the health protocol. Keep it private.'),
  prometheus: prometheusSchema.prefault({}).describe('The metrics listener.'),
  workers: z
    .int()
    .min(1)
    .refine((workers) => workers <= 1, 'more than 1 is not supported yet')
    .default(1)
    .describe('Number of processes.'),
  })
  .superRefine(({ proxy, api }, context) => {
    const meet = proxy.host === api.host || proxy.host === '' || api.host === ''
    if (!meet || proxy.port !== api.port || api.port === 0) return
    context.addIssue({
      code: 'custom',
      path: ['api', 'port'],
      message: `${api.port} is the port of serve.proxy too; give each its own`,
    })
  })

interface ListenerWire {
  readonly host: string
  readonly port: number
  readonly timeout: z.output<typeof timeoutSchema>
  readonly cors: z.output<typeof corsSchema>
  readonly tls: z.output<typeof tlsSchema>
}

function shared({ host: address, port: number, timeout, cors, tls }: ListenerWire) {
  return { host: address, port: number, timeouts: timeout, cors, tls }
}

/** Networks and addresses, or every peer. */
function trusted(networks: 'all' | readonly string[]): 'all' | readonly string[] {
  return networks
}

export type ServeConfig = z.output<typeof serveSchema>
export type ProxyServeConfig = ServeConfig['proxy']
export type ApiServeConfig = ServeConfig['api']
export type GrpcServeConfig = ServeConfig['grpc']
export type PrometheusServeConfig = ServeConfig['prometheus']
