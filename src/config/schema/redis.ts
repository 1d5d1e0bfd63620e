import { z } from 'zod'
import type { Secret } from '../../lib/secret.ts'
import { parseRedisUrl, type RedisUrl } from './redis-url.ts'
import { duration, filePath, hostAndPort, MAX_LIFETIME_MS, secret } from './scalars.ts'

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

/** `session_store.redis`. Which server it is may be missing: with another store nobody asks. */
export const redisSchema = z
  .strictObject({
    addr: hostAndPort().optional().describe('Address of the Redis server, `host:port`; IPv6 as `[::1]:6379`. With `type: redis` this or `url` is required.'),
    url: redisUrl().optional().describe('Instead of `addr`, `username`, `password` and `db`: `redis://user:password@host:port/db`, with TLS `rediss://…`.'),
    username: z.string().min(1, 'must not be empty').optional().describe('User of the Redis server (ACL); needs `password`. Default: the user `default`.'),
    password: secret().optional().describe('Password of the Redis server; empty: none.'),
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
    checkUrl(wire, context)
    const tls = tlsOf(wire, context)
    const credentials = credentialsOf(wire, context)
    return {
      servers: serversOf(wire),
      credentials,
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

interface RedisWire {
  readonly addr?: RedisAddress | undefined
  readonly url?: RedisUrl | undefined
  readonly username?: string | undefined
  readonly password?: Secret | undefined
  readonly db?: number | undefined
  readonly tls: z.output<typeof tlsSchema>
  readonly session_prefix: string
  readonly state_prefix: string
}

interface RedisAddress {
  readonly host: string
  readonly port: number
}

/** Which server is asked, and by which key it was given: for what is said of it. */
export interface RedisServersConfig {
  readonly kind: 'single'
  readonly address: RedisAddress
  readonly key: 'addr' | 'url'
}

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

/** One place for each fact: of two, nobody would know which counts. */
function checkUrl(wire: RedisWire, context: Context): void {
  if (wire.url === undefined) return
  for (const key of ['addr', 'username', 'password', 'db'] as const) {
    if (wire[key] !== undefined) refuse(context, [key], 'is given together with url, which says it already; remove one of them')
  }
}

function serversOf({ addr, url }: RedisWire): RedisServersConfig | undefined {
  if (url !== undefined) return { kind: 'single', address: url.address, key: 'url' }
  return addr === undefined ? undefined : { kind: 'single', address: addr, key: 'addr' }
}

function credentialsOf({ url, username, password }: RedisWire, context: Context) {
  if (url !== undefined) return { username: url.username, password: url.password }
  const given = password?.reveal() === '' ? undefined : password
  if (username !== undefined && given === undefined) refuse(context, ['username'], 'needs session_store.redis.password')
  return { username, password: given }
}

function tlsOf({ tls, url }: RedisWire, context: Context) {
  const { enabled, ca_file: caFile, cert_file: certFile, key_file: keyFile, server_name: serverName } = tls
  if (enabled !== undefined && url !== undefined && enabled !== url.tls) {
    refuse(context, ['tls', 'enabled'], `contradicts url, which begins with ${url.tls ? 'rediss' : 'redis'}://`)
  }
  const given = Object.keys(tls).find((key) => key !== 'enabled' && tls[key as keyof typeof tls] !== undefined)
  if (enabled === undefined && url?.tls !== true && given !== undefined) {
    // Somebody who names a trust anchor must not get an open connection.
    refuse(context, ['tls', given], 'has no effect without tls.enabled: true')
  }
  if ((certFile === undefined) !== (keyFile === undefined)) {
    refuse(context, ['tls', certFile === undefined ? 'key_file' : 'cert_file'], 'needs cert_file and key_file, both')
  }
  return (enabled ?? url?.tls ?? false) ? { caFile, certFile, keyFile, serverName } : undefined
}

function refuse(context: Context, path: string[], message: string): void {
  context.addIssue({ code: 'custom', path, message })
}
