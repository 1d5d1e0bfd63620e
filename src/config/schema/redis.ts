import { z } from 'zod'
import type { Secret } from '../../lib/secret.ts'
import { parseRedisUrl, type RedisUrl } from './redis-url.ts'
import { duration, filePath, hostAndPort, MAX_LIFETIME_MS, secret } from './scalars.ts'

const DEFAULT_CREDENTIALS_REFRESH_MS = 600_000
const MAX_LIFETIME = `${MAX_LIFETIME_MS / 86_400_000}d`

/** Two prefixes, one of which begins with the other, could give one key to a session and a state. */
const prefix = (fallback: string, what: string) =>
  z.string().min(1, 'must not be empty').default(fallback).describe(`Prefix of the keys of ${what} in Redis.`)

const tlsSchema = z.strictObject({
  enabled: z.boolean().optional().meta({ default: false }).describe('Whether connections are encrypted. `rediss://` in `url` says so too.'),
  ca_file: filePath().optional().describe('Trust anchors (PEM). Default: those that come with Node.'),
  cert_file: filePath().optional().describe('Client certificate (PEM), where the server asks for one; needs `key_file`.'),
  key_file: filePath().optional().describe('Private key of the client certificate (PEM).'),
  server_name: z.string().min(1, 'must not be empty').optional().describe('Name that the certificate of the server must have. Default: the host.'),
})

const addresses = () => z.array(hostAndPort()).min(1, 'must name at least one')

const sentinelSchema = z.strictObject({
  master: z.string().min(1, 'must not be empty').describe('Name of the master among those that the Sentinels watch.'),
  addrs: addresses().describe('Addresses of the Sentinels.'),
  username: z.string().min(1, 'must not be empty').optional().describe('User of the Sentinels (ACL); needs `password`.'),
  password: secret().optional().describe('Password of the Sentinels; empty: none.'),
  tls: tlsSchema.optional().describe('Encryption of the connections to the Sentinels. Default: as `session_store.redis.tls`, without its `server_name`.'),
})

const clusterSchema = z.strictObject({
  addrs: addresses().describe('Addresses of some of its nodes; the others are learnt from them.'),
})

/** `session_store.redis`. Which server it is may be missing: with another store nobody asks. */
export const redisSchema = z
  .strictObject({
    addr: hostAndPort().optional().describe('Address of the Redis server, `host:port`; IPv6 as `[::1]:6379`. With `type: redis` this, `url`, `sentinel` or `cluster` is required.'),
    url: redisUrl().optional().describe('Instead of `addr`, `username`, `password` and `db`: `redis://user:password@host:port/db`, with TLS `rediss://…`.'),
    sentinel: sentinelSchema.optional().describe('Instead of `addr`: the master that these Sentinels name.'),
    cluster: clusterSchema.optional().describe('Instead of `addr`: a Redis Cluster.'),
    username: z.string().min(1, 'must not be empty').optional().describe('User of the Redis server (ACL); needs `password` or `credentials_command`. Default: the user `default`.'),
    password: secret().optional().describe('Password of the Redis server; empty: none.'),
    credentials_command: z
      .union([z.string().transform((line) => line.trim().split(/\s+/)), z.array(z.string())])
      .pipe(z.array(z.string()).min(1, 'must name a program').refine(([program]) => program !== '', 'must begin with the path of a program'))
      .optional()
      .describe('Instead of `password`: a program and its arguments, which prints who we are to Redis, for a while. A list, or one text that is divided at its blanks; no shell reads it. See docs/redis.md.'),
    credentials_refresh: duration({ min: '1s', max: '24h' })
      .optional()
      .meta({ default: '10m' })
      .describe('How often `credentials_command` is run, where what it prints does not say when it ends.'),
    tls: tlsSchema.prefault({}).describe('Encryption of the connections.'),
    db: z
      .int()
      .min(0)
      .max(15)
      .optional()
      .meta({ default: 0 })
      .describe('Number of the Redis database.'),
    session_prefix: prefix('session:', 'sessions'),
    state_prefix: prefix('state:', 'login attempts under way'),
    ttl: duration({ min: '1ms', max: MAX_LIFETIME })
      .prefault('24h')
      .describe('Lifetime of session data; also the default of `session.lifetime`.'),
    timeout: z
      .strictObject({
        connect: duration({ min: '1ms' }).prefault('2s').describe('Deadline of a connection.'),
        command: duration({ min: '1ms' }).prefault('250ms').describe('Deadline of each command.'),
        credentials: duration({ min: '1ms', max: '10m' }).prefault('10s').describe('Deadline of `credentials_command`, which is killed then.'),
      })
      .prefault({})
      .describe('Deadlines.'),
    migrate_fork_sessions: z
      .boolean()
      .default(false)
      .describe('Takes over sessions that the fork `callback`/`session_jwt` comes from has left here, each once: nobody has to log in anew. See docs/migrating-from-the-fork.md.'),
    start_timeout: duration().prefault('10s').describe('How long a server that cannot be reached at start is tried again.'),
  })
  .transform((wire, context) => {
    checkPrefixes(wire, context)
    checkPlace(wire, context)
    checkUrl(wire, context)
    checkCluster(wire, context)
    checkCommand(wire, context)
    const tls = tlsOf(wire.tls, wire.url, context, ['tls'])
    const credentialsCommand = commandOf(wire)
    const login = credentialsCommand === undefined ? (wire.url ?? wire) : {}
    return {
      servers: serversOf(wire, tls, context),
      credentials: credentialsOf(login, context, ['username']),
      ...(credentialsCommand !== undefined && { credentialsCommand }),
      tls,
      db: wire.url?.db ?? wire.db ?? 0,
      sessionPrefix: wire.session_prefix,
      statePrefix: wire.state_prefix,
      ttlMs: wire.ttl,
      connectTimeoutMs: wire.timeout.connect,
      commandTimeoutMs: wire.timeout.command,
      startTimeoutMs: wire.start_timeout,
      migrateForkSessions: wire.migrate_fork_sessions,
    }
  })

interface RedisWire extends Login {
  readonly addr?: RedisAddress | undefined
  readonly url?: RedisUrl | undefined
  readonly sentinel?: z.output<typeof sentinelSchema> | undefined
  readonly cluster?: z.output<typeof clusterSchema> | undefined
  readonly credentials_command?: readonly string[] | undefined
  readonly credentials_refresh?: number | undefined
  readonly timeout: { readonly credentials: number }
  readonly db?: number | undefined
  readonly session_prefix: string
  readonly state_prefix: string
}

interface Login {
  readonly username?: string | undefined
  readonly password?: Secret | undefined
}

interface RedisAddress {
  readonly host: string
  readonly port: number
}

type TlsWire = z.output<typeof tlsSchema>
type TlsOutput = ReturnType<typeof tlsOf>

/** Which server, or servers; of one, by which key it was given: for what is said of it. */
export type RedisServersConfig =
  | { readonly kind: 'single'; readonly address: RedisAddress; readonly key: 'addr' | 'url' }
  | {
      readonly kind: 'sentinel'
      readonly master: string
      readonly addresses: readonly RedisAddress[]
      readonly credentials: ReturnType<typeof credentialsOf>
      readonly tls: TlsOutput
    }
  | { readonly kind: 'cluster'; readonly addresses: readonly RedisAddress[] }

type RedisOutput = z.output<typeof redisSchema>
export type RedisStoreConfig = RedisOutput & {
  readonly servers: RedisServersConfig
  /** Whether the server is to tell of changes: for the near cache. */
  readonly tracking: boolean
}

type Context = z.core.$RefinementCtx

function redisUrl() {
  return z.string().meta({ writeOnly: true }).transform((text, context) => {
    const url = parseRedisUrl(text)
    if (typeof url !== 'string') return url
    context.addIssue(url)
    return z.NEVER
  })
}

function checkPrefixes({ session_prefix: session, state_prefix: state }: RedisWire, context: Context): void {
  if (!session.startsWith(state) && !state.startsWith(session)) return
  refuse(
    context,
    ['state_prefix'],
    `${JSON.stringify(state)} begins as session_prefix ${JSON.stringify(session)} does, or the other way round, so that keys of both could be the same; give each a prefix of its own`,
  )
}

function checkPlace(wire: RedisWire, context: Context): void {
  const [first, ...others] = (['addr', 'url', 'sentinel', 'cluster'] as const).filter((key) => wire[key] !== undefined)
  for (const key of others) refuse(context, [key], `is given together with ${first}: one of them says where Redis is`)
}

/** One place for each fact: of two, nobody would know which counts. */
function checkUrl(wire: RedisWire, context: Context): void {
  if (wire.url === undefined) return
  for (const key of ['username', 'password', 'db'] as const) {
    if (wire[key] !== undefined) refuse(context, [key], 'is given together with url, which says it already; remove one of them')
  }
}

function checkCluster({ cluster, db = 0, session_prefix, state_prefix }: RedisWire, context: Context): void {
  if (cluster === undefined) return
  if (db !== 0) refuse(context, ['db'], 'must be 0 with a cluster, which has no other')
  for (const [key, text] of Object.entries({ session_prefix, state_prefix })) {
    if (/[{}]/.test(text)) refuse(context, [key], 'must have no braces with a cluster, where they say which keys lie together')
  }
}

function checkCommand({ credentials_command: command, credentials_refresh, password, url }: RedisWire, context: Context): void {
  if (command === undefined) {
    if (credentials_refresh !== undefined) refuse(context, ['credentials_refresh'], 'has no effect without credentials_command')
    return
  }
  const given = url?.password === undefined ? 'password' : 'url, which has a password'
  if ((password ?? url?.password) !== undefined) refuse(context, ['credentials_command'], `is given together with ${given}; remove one of them`)
}

function commandOf(wire: RedisWire) {
  const [program, ...args] = wire.credentials_command ?? []
  if (program === undefined) return undefined
  return {
    argv: [program, ...args] as const,
    username: wire.username,
    refreshMs: wire.credentials_refresh ?? DEFAULT_CREDENTIALS_REFRESH_MS,
    timeoutMs: wire.timeout.credentials,
  }
}

function serversOf(wire: RedisWire, tls: TlsOutput, context: Context): RedisServersConfig | undefined {
  const { addr, url, sentinel, cluster } = wire
  if (url !== undefined) return { kind: 'single', address: url.address, key: 'url' }
  if (addr !== undefined) return { kind: 'single', address: addr, key: 'addr' }
  if (cluster !== undefined) return { kind: 'cluster', addresses: cluster.addrs }
  if (sentinel === undefined) return undefined
  const inherited = tls && { ...tls, serverName: undefined }
  return {
    kind: 'sentinel',
    master: sentinel.master,
    addresses: sentinel.addrs,
    credentials: credentialsOf(sentinel, context, ['sentinel', 'username']),
    tls: sentinel.tls === undefined ? inherited : tlsOf(sentinel.tls, undefined, context, ['sentinel', 'tls']),
  }
}

function credentialsOf({ username, password }: Login, context: Context, path: string[]) {
  const given = password?.reveal() === '' ? undefined : password
  if (username !== undefined && given === undefined) refuse(context, path, 'needs a password beside it')
  return { username, password: given }
}

function tlsOf(tls: TlsWire, url: RedisUrl | undefined, context: Context, path: string[]) {
  const { enabled, ca_file: caFile, cert_file: certFile, key_file: keyFile, server_name: serverName } = tls
  if (enabled !== undefined && url !== undefined && enabled !== url.tls) {
    refuse(context, [...path, 'enabled'], `contradicts url, which begins with ${url.tls ? 'rediss' : 'redis'}://`)
  }
  const given = Object.keys(tls).find((key) => key !== 'enabled' && tls[key as keyof TlsWire] !== undefined)
  if (enabled === undefined && url?.tls !== true && given !== undefined) {
    // Somebody who names a trust anchor must not get an open connection.
    refuse(context, [...path, given], 'has no effect without enabled: true beside it')
  }
  if ((certFile === undefined) !== (keyFile === undefined)) {
    refuse(context, [...path, certFile === undefined ? 'key_file' : 'cert_file'], 'needs cert_file and key_file, both')
  }
  return (enabled ?? url?.tls ?? false) ? { caFile, certFile, keyFile, serverName } : undefined
}

function refuse(context: Context, path: string[], message: string): void {
  context.addIssue({ code: 'custom', path, message })
}
