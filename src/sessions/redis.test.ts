import { after, before, test } from 'node:test'
import { findValkey } from '../../scripts/lib/valkey.ts'
import { testSessionStore } from '../../test/contracts/session-store.ts'
import { redisOptions, sentinelServers, withPassword } from '../../test/support/redis-options.ts'
import { CERT_FILE, KEY_FILE, startRedisServer, type RedisServer } from '../../test/support/redis-server.ts'
import {
  startRedisCluster,
  startSentinelSet,
  type RedisCluster,
  type SentinelSet,
} from '../../test/support/redis-topology.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { silentLogger } from '../kernel/logger.ts'
import { createRedisStore, type RedisStoreOptions } from './redis.ts'

/** A user of our own who may do nothing but what docs/redis.md asks for is tried in redis/start.test.ts. */
const USER = ['--user', 'oathkeeper', 'on', '>pass-word', '~s:*', '~t:*', '+@all']

let plain: RedisServer
let secured: RedisServer
let watched: SentinelSet
let cluster: RedisCluster
let valkey: RedisServer | undefined

const VALKEY = findValkey()

before(async () => {
  ;[plain, secured, watched, cluster, valkey] = await Promise.all([
    startRedisServer(),
    startRedisServer({ tls: 'required', args: USER }),
    startSentinelSet({ password: 'of the sentinels' }),
    startRedisCluster(),
    VALKEY === undefined ? undefined : startRedisServer({ program: VALKEY }),
  ])
})
after(() => Promise.all([plain.close(), secured.close(), watched.close(), cluster.close(), valkey?.close()]))

function testRedis(name: string, options: () => RedisStoreOptions): void {
  testSessionStore({
    name,
    clock: () => createTestClock(),
    create: async (clock) => createRedisStore(options(), clock, silentLogger),
    createAnother: async (clock) => createRedisStore(options(), clock, silentLogger),
  })
}

testRedis('redis', () => redisOptions(plain))
testRedis('redis over TLS, with a user of the ACL', () =>
  redisOptions(secured, {
    ...withPassword('pass-word', 'oathkeeper'),
    tls: { caFile: CERT_FILE, certFile: CERT_FILE, keyFile: KEY_FILE, serverName: undefined },
    sessionPrefix: 's:',
    statePrefix: 't:',
    db: 3,
  }),
)
testRedis('redis by Sentinel, three and three', () =>
  redisOptions(plain, { servers: sentinelServers(watched, 'of the sentinels'), db: 5 }),
)
testRedis('redis cluster of three masters', () =>
  redisOptions(plain, { servers: { kind: 'cluster', addresses: cluster.addresses.slice(0, 1) } }),
)
if (VALKEY === undefined) test('valkey', { skip: 'no valkey-server here, and pip cannot install one' })
else testRedis('valkey', () => redisOptions(valkey ?? { port: 0 }))
