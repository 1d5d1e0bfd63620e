// `npm run bench -- sessions`: what a million sessions take, in memory and in Redis, and what it costs to find one among them.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startRedis } from '../examples/demo/redis.ts'
import { findProgram, REDIS_SERVER } from '../scripts/lib/system-packages.ts'
import type { Held, HoldOrder } from './hold.ts'
import { machine, printTable } from './table.ts'

export const HELP = `npm run bench -- sessions [--count 1000000] [--store memory|redis]

Fills a store with sessions as logins make them (ID token and access token of 1 KB each), in a process of its own, and opens
them by ticket at random: bytes a session, time of a look-up, pauses of the garbage collection. A million takes a few minutes.
`

/** @throws {Error} when a process of the benchmark fails. */
export async function benchSessions(args: readonly string[]): Promise<void> {
  const { values: options } = parseArgs({
    args: [...args],
    options: {
      count: { type: 'string', default: '1000000' },
      store: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  if (options.help === true) return console.log(HELP)
  const count = Number(options.count)
  const wanted = (store: string): boolean => options.store === undefined || options.store === store
  const rows: (readonly [name: string, held: Held])[] = []
  if (wanted('memory')) rows.push(['in memory', await hold({ count, redis: undefined })])
  const program = findProgram(REDIS_SERVER)
  if (wanted('redis') && program !== undefined) {
    const redis = await startRedis(program, { isKept: false })
    try {
      rows.push(['in Redis', await hold({ count, redis: redis.address })])
    } finally {
      await redis.stop()
    }
  }
  print(rows, count)
}

async function hold(order: HoldOrder): Promise<Held> {
  const child = fork(join(import.meta.dirname, 'hold.ts'), { execArgv: ['--expose-gc'] })
  try {
    child.send(order)
    const [answer] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => [{ error: 'it ended' }]),
    ])) as [{ held?: Held; error?: string }]
    if (answer.held === undefined) throw new Error(`sessions: ${answer.error ?? 'no result'}`)
    return answer.held
  } finally {
    child.kill()
  }
}

function print(rows: readonly (readonly [name: string, held: Held])[], count: number): void {
  const sessions = count.toLocaleString('en')
  console.log(
    `\n${machine()},\n${sessions} sessions, of which ${rows[0]?.[1].recordBytes ?? 0} bytes each are the record\n`,
  )
  printTable(
    [
      '',
      'login µs',
      'bytes a session',
      'of them V8 heap',
      'Redis bytes',
      'look-up p50 / p99 µs',
      'known p50 / p99 µs',
      'longest GC pause ms (minor / major)',
      'GC % of time',
    ],
    rows.map(([name, held]) => [
      name,
      micros(held.createMs),
      optional(held.redisBytes === undefined ? held.processBytes : undefined),
      optional(held.redisBytes === undefined ? held.heapBytes : undefined),
      optional(held.redisBytes),
      `${micros(held.lookup.p50)} / ${micros(held.lookup.p99)}`,
      `${micros(held.known.p50)} / ${micros(held.known.p99)}`,
      `${held.gc.longestMinorMs.toFixed(1)} / ${held.gc.longestMajorMs.toFixed(1)}`,
      (held.gc.share * 100).toFixed(1),
    ]),
  )
}

function micros(ms: number): string {
  return (ms * 1000).toFixed(ms < 0.1 ? 1 : 0)
}

function optional(value: number | undefined): string {
  return value === undefined ? '–' : Math.round(value).toLocaleString('en')
}
