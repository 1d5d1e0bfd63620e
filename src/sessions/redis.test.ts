import { after, before } from 'node:test'
import { testSessionStore } from '../../test/contracts/session-store.ts'
import { redisOptions } from '../../test/support/redis-options.ts'
import { startRedisServer, type RedisServer } from '../../test/support/redis-server.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { silentLogger } from '../kernel/logger.ts'
import { createRedisStore } from './redis.ts'

let server: RedisServer

before(async () => {
  server = await startRedisServer()
})
after(() => server.close())

testSessionStore({
  name: 'redis',
  clock: () => createTestClock(),
  create: async (clock) => createRedisStore(redisOptions(server), clock, silentLogger),
  createAnother: async (clock) => createRedisStore(redisOptions(server), clock, silentLogger),
})
