import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { until } from './until.ts'

/** What a process has, after everything that nobody needs was collected. */
export interface Holdings {
  readonly heapBytes: number
  readonly sockets: number
  readonly timers: number
}

/** What a request may leave behind on average: less than the smallest thing that could be forgotten. */
const BYTES_A_REQUEST = 100
/** However many there are. */
const MAX_BYTES = 4_500_000
/** What the heap of a process varies by, whatever it does. */
const NOISE_BYTES = 1_500_000
/** Sockets and timers that come and go by themselves, such as those of a try to connect. */
const NOISE_HANDLES = 6
/** What a client keeps open for its next request is closed after a few seconds. */
const CLOSED_WITHIN_MS = 10_000

/** Memory is that of `before`, give or take a tenth, and no socket or timer was left behind. */
export async function assertAsBefore(before: Holdings): Promise<void> {
  await until(CLOSED_WITHIN_MS, async () => {
    const now = await holdings()
    const said = JSON.stringify({ before, now })
    assert.ok(now.heapBytes < 1.1 * before.heapBytes, said)
    assert.ok(now.sockets <= before.sockets + NOISE_HANDLES, said)
    assert.ok(now.timers <= before.timers + NOISE_HANDLES, said)
  })
}

/**
 * Has this process take that many requests twice, the first time to warm up, and holds it to what it had before: neither
 * memory nor sockets nor timers grow with requests.
 * @returns one sentence about it
 */
export async function assertFlat(requests: number, load: (requests: number) => Promise<unknown>): Promise<string> {
  await load(requests)
  const before = await holdings()
  await load(requests)
  const after = await holdings()
  const grown = after.heapBytes - before.heapBytes
  const said = `${requests} requests: ${(grown / 1e6).toFixed(2)} MB more, ${after.sockets - before.sockets} sockets, ${after.timers - before.timers} timers`
  assert.ok(grown < Math.min(MAX_BYTES, NOISE_BYTES + BYTES_A_REQUEST * requests), said)
  assert.ok(after.sockets <= before.sockets + NOISE_HANDLES, said)
  assert.ok(after.timers <= before.timers + NOISE_HANDLES, said)
  return said
}

export async function holdings(): Promise<Holdings> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let i = 0; i < 3; i++) {
    await sleep(20)
    collect()
  }
  const handles = process.getActiveResourcesInfo()
  const count = (kind: string): number => handles.filter((name) => name === kind).length
  return { heapBytes: process.memoryUsage().heapUsed, sockets: count('TCPSocketWrap'), timers: count('Timeout') }
}
