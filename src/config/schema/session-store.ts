import { z } from 'zod'
import { duration, filePath, hostAndPort, MAX_LIFETIME_MS, secret } from './scalars.ts'

const MAX_LIFETIME = `${MAX_LIFETIME_MS / 86_400_000}d`

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

/** Two prefixes, one of which begins with the other, could give one key to a session and a state. */
const prefix = (fallback: string, what: string) =>
  z.string().min(1, 'must not be empty').default(fallback).describe(`Prefix of the keys of ${what} in Redis.`)

const redisSchema = z
  .strictObject({
    addr: hostAndPort().optional().describe('Address of the Redis server, `host:port`; IPv6 as `[::1]:6379`. Required with `type: redis`.'),
    password: secret().optional().describe('Password of the Redis server; empty: none.'),
    db: z
      .int()
      .min(0)
      .max(15)
      .default(0)
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
    start_timeout: duration().prefault('10s').describe('How long a server that cannot be reached at start is tried again.'),
  })
  .transform((wire, context) => {
    const [session, state] = [wire.session_prefix, wire.state_prefix]
    if (session.startsWith(state) || state.startsWith(session)) {
      context.addIssue({
        code: 'custom',
        path: ['state_prefix'],
        message: `must not begin as session_prefix (${JSON.stringify(session)}) does, nor the other way round: keys of both could be the same`,
      })
    }
    return {
      address: wire.addr,
      password: wire.password?.reveal() === '' ? undefined : wire.password,
      db: wire.db,
      sessionPrefix: session,
      statePrefix: state,
      ttlMs: wire.ttl,
      connectTimeoutMs: wire.timeout.connect,
      commandTimeoutMs: wire.timeout.command,
      startTimeoutMs: wire.start_timeout,
    }
  })

type RedisWire = z.output<typeof redisSchema>
export type MemoryStoreConfig = z.output<typeof memorySchema>
export type RedisStoreConfig = RedisWire & { readonly address: NonNullable<RedisWire['address']> }

/** Which store holds the sessions, and how it is reached. */
export type SessionStoreConfig =
  | { readonly type: 'memory'; readonly memory: MemoryStoreConfig }
  | { readonly type: 'redis'; readonly redis: RedisStoreConfig }
  | {
      readonly type: 'module'
      /** Absolute path of the module. */
      readonly module: string
      readonly options: Readonly<Record<string, unknown>>
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
    config: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('Given to the module as it is. Only with the path of a module.'),
  })
  .transform(({ type, memory, redis, config }, context): SessionStoreConfig => {
    if (type === 'memory') return { type, memory }
    if (type !== 'redis') return { type: 'module', module: type, options: config }
    const { address } = redis
    if (address !== undefined) return { type, redis: { ...redis, address } }
    context.addIssue({
      code: 'custom',
      path: ['redis', 'addr'],
      message: 'is required with session_store.type: redis; give host:port such as 127.0.0.1:6379',
    })
    return z.NEVER
  })

function modulePath() {
  return filePath().regex(/^(\.{1,2}\/|\/)/, 'must be memory, redis, or the path of a module, which begins with ./, ../ or /')
}
