import type { TestContext } from 'node:test'
import { silentLogger, type Logger } from '../../src/kernel/logger.ts'
import { createSessionManager, type SessionManagerOptions } from '../../src/sessions/manager.ts'
import { createRedisStore, type RedisStoreOptions } from '../../src/sessions/redis.ts'
import { createLoginStates } from '../../src/sessions/states.ts'
import { startFaultProxy, type FaultProxy } from './fault-proxy.ts'
import { redisOptions } from './redis-options.ts'
import { startRedisServer, type RedisServer, type RedisServerOptions } from './redis-server.ts'
import { createTestClock, type TestClock } from './test-clock.ts'

/** A Redis with a proxy in front that spoils what goes through, and one clock for all instances. */
export interface RedisRig {
  readonly server: RedisServer
  readonly proxy: FaultProxy
  readonly clock: TestClock
}

export async function startRedisRig(t: TestContext, options: RedisServerOptions = {}): Promise<RedisRig> {
  const server = await startRedisServer(options)
  const proxy = await startFaultProxy(server.port)
  t.after(async () => {
    await proxy.close()
    await server.close()
  })
  return { server, proxy, clock: createTestClock() }
}

/** Another way to the same server, which is not spoiled. */
export async function startSecondWay(t: TestContext, rig: RedisRig): Promise<RedisRig> {
  const proxy = await startFaultProxy(rig.server.port)
  t.after(() => proxy.close())
  return { ...rig, proxy }
}

export interface RedisInstanceOptions {
  readonly manager?: Partial<SessionManagerOptions>
  readonly redis?: Partial<RedisStoreOptions>
  readonly logger?: Logger
}

export const NEAR_CACHE = { maxSessions: 50_000, maxAgeMs: 60_000, outageGraceMs: 30_000 }

/** One instance of ours with a near cache, as it is by default. */
export async function startRedisInstance(
  t: TestContext,
  rig: Pick<RedisRig, 'clock'> & Partial<RedisRig>,
  options: RedisInstanceOptions = {},
) {
  const { clock } = rig
  const { logger = silentLogger } = options
  const store = createRedisStore(redisOptions(rig.proxy ?? { port: 0 }, options.redis), clock, logger)
  t.after(() => store.close())
  await store.start()
  const manager = createSessionManager({
    store,
    clock,
    logger,
    lifetimes: { lifetimeMs: 86_400_000, idleTimeoutMs: undefined },
    refresh: { refreshBeforeMs: 60_000, onRefreshFailure: 'keep' },
    nearCache: NEAR_CACHE,
    ...options.manager,
  })
  t.after(() => manager.close())
  const subjectOf = async (ticket: string): Promise<string | undefined> => (await manager.open(ticket))?.subject
  return { store, manager, states: createLoginStates(store, clock), subjectOf }
}

export type RedisInstance = Awaited<ReturnType<typeof startRedisInstance>>

/** How often Redis was asked for a session while `run` ran. */
export async function countReads({ server }: Pick<RedisRig, 'server'>, run: () => unknown): Promise<number> {
  await server.command('CONFIG', 'RESETSTAT')
  await run()
  const stats = String(await server.command('INFO', 'commandstats'))
  return Number(/cmdstat_getrange:calls=(\d+)/.exec(stats)?.[1] ?? 0)
}
