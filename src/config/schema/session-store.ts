import { z } from 'zod'
import { type RedisStoreConfig, redisSchema } from './redis.ts'
import { duration, filePath } from './scalars.ts'

const memorySchema = z
  .strictObject({
    max_sessions: z
      .int()
      .min(1)
      .default(100_000)
      .describe('Sessions that are held at most. When they are full, the one unused for longest goes.'),
    max_states: z
      .int()
      .min(1)
      .default(10_000)
      .describe('Login attempts under way that are held at most. When they are full, the oldest of the address that holds most of them goes.'),
  })
  .transform((wire) => ({ maxSessions: wire.max_sessions, maxStates: wire.max_states }))

const nearCacheSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Whether sessions that were opened here are used without asking the store, while it vouches that they are unchanged. With Redis, and with modules that can.'),
    max_sessions: z.int().min(1).default(50_000).describe('Sessions that are kept at most. When they are full, the one unused for longest goes.'),
    max_age: duration({ min: '1s', max: '1h' }).prefault('60s').describe('After this time the store is asked in any case.'),
  })
  .transform((wire) => (wire.enabled ? { maxSessions: wire.max_sessions, maxAgeMs: wire.max_age } : undefined))

const outageSchema = z
  .strictObject({
    grace: duration({ max: '24h' })
      .prefault('30s')
      .describe('How long sessions of the near cache go on when the store cannot be asked; `0s`: not at all.'),
  })
  .transform((wire) => ({ graceMs: wire.grace }))

/** `undefined`: switched off. */
export type NearCacheConfig =
  | { readonly maxSessions: number; readonly maxAgeMs: number; readonly outageGraceMs: number }
  | undefined
export type MemoryStoreConfig = z.output<typeof memorySchema>

/** Which store holds the sessions, and how it is reached. */
export type SessionStoreConfig =
  | { readonly type: 'memory'; readonly memory: MemoryStoreConfig }
  | { readonly type: 'redis'; readonly redis: RedisStoreConfig; readonly nearCache: NearCacheConfig }
  | {
      readonly type: 'module'
      /** Absolute path of the module. */
      readonly module: string
      readonly options: Readonly<Record<string, unknown>>
      readonly nearCache: NearCacheConfig
    }

/** `session_store`, as its own document describes it and a little more. */
export const sessionStoreSchema = z
  .strictObject({
    type: z
      .union([z.enum(['memory', 'redis']), modulePath()])
      .prefault('memory')
      .describe('Where sessions are kept: `memory`, `redis`, or the path of a module that exports a store.'),
    memory: memorySchema.prefault({}).describe('The store `memory`.'),
    redis: redisSchema.prefault({}).describe('The store `redis`.'),
    near_cache: nearCacheSchema.prefault({}).describe('Opened sessions, kept in this process.'),
    outage: outageSchema.prefault({}).describe('What holds while the store cannot be asked.'),
    config: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('Given to the module as it is. Only with the path of a module.'),
  })
  .transform(({ type, memory, redis, near_cache, outage, config }, context): SessionStoreConfig => {
    const nearCache = near_cache && { ...near_cache, outageGraceMs: outage.graceMs }
    if (type === 'memory') return { type, memory }
    if (type !== 'redis') return { type: 'module', module: type, options: config, nearCache }
    const { servers } = redis
    if (servers !== undefined) return { type, redis: { ...redis, servers, tracking: nearCache !== undefined }, nearCache }
    context.addIssue({
      code: 'custom',
      path: ['redis', 'addr'],
      message: 'is required with session_store.type: redis; give host:port such as 127.0.0.1:6379 (or url, sentinel, cluster)',
    })
    return z.NEVER
  })

function modulePath() {
  return filePath().regex(/^(\.{1,2}\/|\/)/, 'must be memory, redis, or the path of a module, which begins with ./, ../ or /')
}
