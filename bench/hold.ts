// A process that holds sessions in a store and says what they take; talks to sessions.ts by messages.
import { randomInt } from 'node:crypto'
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createClient } from '@redis/client'
import { systemClock } from '../src/kernel/clock.ts'
import { silentLogger } from '../src/kernel/logger.ts'
import type { NearCachePolicy } from '../src/sessions/active-sessions.ts'
import type { SessionDraft, SessionStore } from '../src/sessions/contract.ts'
import { createSessionManager } from '../src/sessions/manager.ts'
import { MemoryStore } from '../src/sessions/memory.ts'
import { createRedisStore } from '../src/sessions/redis.ts'
import type { RunningSessionManager } from '../src/sessions/running-manager.ts'
import { parseTicket } from '../src/sessions/ticket.ts'
import { draft, personalize } from './people.ts'

export interface HoldOrder {
  readonly count: number
  /** `host:port`; `undefined`: in memory. */
  readonly redis: string | undefined
}

export interface Percentiles {
  readonly p50: number
  readonly p99: number
}

export interface Held {
  /** Of one session, as the store is given it. */
  readonly recordBytes: number
  /** What one login costs here, the provider aside. */
  readonly createMs: number
  /** For each session: of the process, and of that what the garbage collection walks over. */
  readonly processBytes: number
  readonly heapBytes: number
  readonly redisBytes: number | undefined
  /** Of sessions that this process has not opened lately, and of one that it has. */
  readonly lookup: Percentiles
  readonly known: Percentiles
  /** Of collections of what is young, and of all. */
  readonly gc: { readonly longestMinorMs: number; readonly longestMajorMs: number; readonly share: number }
}

const MAX_SAMPLES = 200_000
const LOOKUPS = 100_000
/** As often others have their turn, as between requests; what the garbage collection does is told only then. */
const TURN = 100
/** At once, over one connection. */
const LOGINS_AT_ONCE = 64
const LIFETIME_MS = 86_400_000

process.on('message', (order: HoldOrder) => {
  hold(order).then(
    (held) => process.send?.({ held }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.stack : String(error) }),
  )
})

async function hold({ count, redis }: HoldOrder): Promise<Held> {
  const store =
    redis === undefined ? new MemoryStore({ maxSessions: count, maxStates: 1 }, systemClock) : openRedis(redis)
  await store.start()
  // Who logs in is not who looks up: what was kept of logins would stand in the way.
  const logins = managerOf(store)
  const manager = managerOf(
    store,
    redis === undefined ? undefined : { maxSessions: 50_000, maxAgeMs: 3_600_000, outageGraceMs: 30_000 },
  )
  const drafts = Array.from({ length: 64 }, draft)
  const tickets = new Tickets(Math.min(count, MAX_SAMPLES))
  await logins.create(drafts[0] ?? draft())
  const before = usage()
  const redisBefore = await redisMemory(redis)
  const gc = watchGc()
  const begun = performance.now()
  await fill(logins, count, drafts, tickets)
  const createMs = (performance.now() - begun) / count
  const after = usage()
  const redisAfter = await redisMemory(redis)
  const lookup = await measure(manager, Math.min(LOOKUPS, redis === undefined ? LOOKUPS : 20_000), () => tickets.any())
  const one = tickets.any()
  const known = await measure(manager, LOOKUPS, () => one)
  const pauses = gc()
  await logins.close()
  await manager.close()
  await store.close()
  return {
    recordBytes: await recordBytes(drafts[0] ?? draft()),
    createMs,
    processBytes: (after.rss - before.rss) / count,
    heapBytes: (after.heapUsed - before.heapUsed) / count,
    redisBytes: redisBefore === undefined || redisAfter === undefined ? undefined : (redisAfter - redisBefore) / count,
    lookup,
    known,
    gc: pauses,
  }
}

async function fill(
  manager: RunningSessionManager,
  count: number,
  drafts: readonly SessionDraft[],
  tickets: Tickets,
): Promise<void> {
  let made = 0
  const log = async (): Promise<void> => {
    while (made < count) {
      const number = made++
      const { ticket } = await manager.create(personalize(drafts[number % drafts.length] ?? draft()))
      tickets.offer(ticket, number, count)
      if (number % TURN === 0) await nextTurn()
      if (number % 100_000 === 0) process.stderr.write(`\r${number.toLocaleString('en')} sessions `)
    }
  }
  await Promise.all(Array.from({ length: LOGINS_AT_ONCE }, log))
  process.stderr.write('\r')
}

async function measure(manager: RunningSessionManager, times: number, next: () => string): Promise<Percentiles> {
  const took = new Float64Array(times)
  for (let i = 0; i < times; i++) {
    const ticket = next()
    const begun = performance.now()
    const opened = manager.open(ticket)
    const session = opened instanceof Promise ? await opened : opened
    took[i] = performance.now() - begun
    if (session === undefined) throw new Error('a session is gone')
    if (i % TURN === 0) await nextTurn()
  }
  took.sort()
  return { p50: took[Math.floor(times * 0.5)] ?? 0, p99: took[Math.floor(times * 0.99)] ?? 0 }
}

/** Some of the tickets, outside the heap that is measured. */
class Tickets {
  readonly #bytes: Buffer
  readonly #size: number
  #count = 0
  #length = 0

  constructor(size: number) {
    this.#size = size
    this.#bytes = Buffer.alloc(size * 128, 1)
  }

  offer(ticket: string, number: number, of: number): void {
    if (number % Math.ceil(of / this.#size) !== 0) return
    this.#length = ticket.length
    this.#bytes.write(ticket, this.#count++ * 128, 'latin1')
  }

  any(): string {
    const at = randomInt(this.#count) * 128
    return this.#bytes.toString('latin1', at, at + this.#length)
  }
}

function managerOf(store: SessionStore, nearCache?: NearCachePolicy): RunningSessionManager {
  return createSessionManager({
    store,
    clock: systemClock,
    logger: silentLogger,
    lifetimes: { lifetimeMs: LIFETIME_MS, idleTimeoutMs: undefined },
    refresh: { refreshBeforeMs: 60_000, onRefreshFailure: 'keep' },
    nearCache,
  })
}

function usage(): NodeJS.MemoryUsage {
  for (let i = 0; i < 3; i++) globalThis.gc?.()
  return process.memoryUsage()
}

/** Call the result for what came of it. */
function watchGc(): () => Held['gc'] {
  const begun = performance.now()
  let longestMinorMs = 0
  let longestMajorMs = 0
  let totalMs = 0
  const note = (entries: readonly { readonly duration: number; readonly detail?: unknown }[]): void => {
    for (const { duration, detail } of entries) {
      // Those that are asked for here stop the world, which the product never does.
      if (isForced(detail)) continue
      if (kindOf(detail) === constants.NODE_PERFORMANCE_GC_MINOR) longestMinorMs = Math.max(longestMinorMs, duration)
      else longestMajorMs = Math.max(longestMajorMs, duration)
      totalMs += duration
    }
  }
  const observer = new PerformanceObserver((list) => note(list.getEntries()))
  observer.observe({ entryTypes: ['gc'] })
  return () => {
    note(observer.takeRecords())
    observer.disconnect()
    return { longestMinorMs, longestMajorMs, share: totalMs / (performance.now() - begun) }
  }
}

function isForced(detail: unknown): boolean {
  const flags = typeof detail === 'object' && detail !== null && 'flags' in detail ? Number(detail.flags) : 0
  return (flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) !== 0
}

function kindOf(detail: unknown): number {
  return typeof detail === 'object' && detail !== null && 'kind' in detail ? Number(detail.kind) : 0
}

function openRedis(address: string): SessionStore {
  const [host = '', port = ''] = address.split(':')
  return createRedisStore(
    {
      servers: { kind: 'single', address: { host, port: Number(port) }, key: 'addr' },
      credentials: { username: undefined, password: undefined },
      tls: undefined,
      db: 0,
      sessionPrefix: 'session:',
      statePrefix: 'state:',
      connectTimeoutMs: 5_000,
      commandTimeoutMs: 10_000,
      startTimeoutMs: 10_000,
      tracking: true,
      migrateForkSessions: false,
    },
    systemClock,
    silentLogger,
  )
}

async function redisMemory(address: string | undefined): Promise<number | undefined> {
  if (address === undefined) return undefined
  const client = createClient({ url: `redis://${address}` })
  await client.connect()
  try {
    return Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])
  } finally {
    client.destroy()
  }
}

async function recordBytes(one: SessionDraft): Promise<number> {
  const store = new MemoryStore({ maxSessions: 2, maxStates: 1 }, systemClock)
  const manager = managerOf(store)
  const { ticket } = await manager.create(one)
  const bytes = store.getSession(parseTicket(ticket)?.key ?? '')?.value.length ?? 0
  await manager.close()
  await store.close()
  return bytes
}
