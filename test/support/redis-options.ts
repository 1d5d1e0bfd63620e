import { Secret } from '../../src/lib/secret.ts'
import type { SentinelSet } from './redis-topology.ts'
import type { RedisStoreOptions } from '../../src/sessions/redis.ts'

/** The defaults of the configuration, for a server of the test. */
export function redisOptions(
  server: { readonly port: number },
  changes: Partial<RedisStoreOptions> = {},
): RedisStoreOptions {
  return {
    migrateForkSessions: false,
    servers: { kind: 'single', address: { host: '127.0.0.1', port: server.port }, key: 'addr' },
    credentials: { username: undefined, password: undefined },
    tls: undefined,
    db: 0,
    sessionPrefix: 'session:',
    statePrefix: 'state:',
    connectTimeoutMs: 2_000,
    commandTimeoutMs: 250,
    startTimeoutMs: 10_000,
    tracking: true,
    ...changes,
  }
}

export function withPassword(password: string, username?: string): Pick<RedisStoreOptions, 'credentials'> {
  return { credentials: { username, password: new Secret(password) } }
}

export function sentinelServers(
  { name, addresses }: Pick<SentinelSet, 'name' | 'addresses'>,
  password?: string,
  username?: string,
): RedisStoreOptions['servers'] {
  const secret = password === undefined ? undefined : new Secret(password)
  const credentials = { username, password: secret }
  return { kind: 'sentinel', master: name, addresses, credentials, tls: undefined }
}
