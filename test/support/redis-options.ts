import type { RedisStoreOptions } from '../../src/sessions/redis.ts'

/** The defaults of the configuration, for a server of the test. */
export function redisOptions(
  server: { readonly port: number },
  changes: Partial<RedisStoreOptions> = {},
): RedisStoreOptions {
  return {
    address: { host: '127.0.0.1', port: server.port },
    password: undefined,
    db: 0,
    sessionPrefix: 'session:',
    statePrefix: 'state:',
    connectTimeoutMs: 2_000,
    commandTimeoutMs: 250,
    startTimeoutMs: 10_000,
    ...changes,
  }
}
