// `npm run bench -- outage`: load on Oathkeeper while its Redis hangs, and what that costs it.
import { Agent, request } from 'node:http'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createRandomPool } from '../src/sessions/random.ts'
import { issueTicket } from '../src/sessions/ticket.ts'
import { findFreePort } from '../test/support/ports.ts'
import { startRedisServer } from '../test/support/redis-server.ts'
import type { Probe } from './memory-probe.ts'
import { startServer, startWithSession } from './subjects.ts'
import { machine, printTable } from './table.ts'

export const HELP = `npm run bench -- outage [--seconds 600] [--rate 200]

Stops a Redis (SIGSTOP) under load: people who are signed in, tickets that nobody knows here, pages that need no
session. Says every minute what was answered and how soon, and what Oathkeeper holds after a garbage collection.
`

interface Kind {
  readonly name: string
  readonly path: string
  readonly cookie?: string
}

interface Answered {
  readonly kind: string
  readonly status: number
  readonly ms: number
}

const MAIN = resolve(import.meta.dirname, '../src/main.ts')
const WARM_UP_SECONDS = 10
const TICK_MS = 20
const REPORT_SECONDS = 60
/** The most that it may hold, of what it held before. */
const FLAT = 1.1

/** @throws {Error} when memory is not flat. */
export async function benchOutage(args: readonly string[]): Promise<void> {
  const { values: options } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '600' },
      rate: { type: 'string', default: '200' },
      help: { type: 'boolean' },
    },
  })
  if (options.help === true) return console.log(HELP)
  const seconds = Number(options.seconds)
  const rate = Number(options.rate)
  await using stack = new AsyncDisposableStack()
  const redis = await startRedisServer()
  stack.defer(() => redis.close())
  const probePort = await findFreePort()
  const upstream = await startServer(stack, 'upstream')
  const { app, cookie } = await startWithSession(
    stack,
    upstream.port,
    { session_store: { type: 'redis', redis: { addr: redis.addr } } },
    {
      command: [process.execPath, '--expose-gc', '--import', join(import.meta.dirname, 'memory-probe.ts'), MAIN],
      env: { BENCH_PROBE_PORT: String(probePort) },
    },
  )
  const load = new Load(app.ports.api, app.ports.proxy, [
    { name: 'signed in', path: '/session/1', cookie },
    { name: 'unknown', path: '/session/1', cookie: `oathkeeper=${issueTicket(createRandomPool()).text}` },
    { name: 'no session', path: '/anonymous/1' },
  ])
  const rows: string[][] = []
  const note = async (name: string): Promise<Probe> => {
    const probe = await ask(probePort)
    rows.push([name, ...load.takeSummary(), ...held(probe)])
    process.stderr.write(`\r${name} `)
    return probe
  }
  await load.run(WARM_UP_SECONDS, rate)
  const before = await note('before')
  redis.pause()
  stack.defer(() => redis.resume())
  for (let passed = 0; passed < seconds;) {
    const stretch = Math.min(REPORT_SECONDS, seconds - passed)
    await load.run(stretch, rate)
    passed += stretch
    await note(`${passed} s`)
  }
  redis.resume()
  const recoveredMs = await load.untilSignedIn()
  await load.run(WARM_UP_SECONDS, rate)
  const after = await note('afterwards')
  console.log(
    `\n\n${machine()},\n${rate} requests a second, Redis stopped for ${seconds} s; sessions again after ${recoveredMs} ms\n`,
  )
  printTable(['', 'answers', 'p50 / p99 / max ms', 'at once', 'heap MB', 'RSS MB', 'sockets'], rows, [0, 1])
  const ratio = after.heapBytes / before.heapBytes
  console.log(`\nheap after to heap before: ${ratio.toFixed(2)}`)
  if (ratio > FLAT) throw new Error('memory is not flat')
}

/** Requests at a steady rate, whatever becomes of those before. */
class Load {
  readonly #port: number
  readonly #host: string
  readonly #kinds: readonly Kind[]
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 })
  #answered: Answered[] = []
  #inFlight = 0
  #mostInFlight = 0

  constructor(port: number, proxyPort: number, kinds: readonly Kind[]) {
    this.#port = port
    this.#host = `127.0.0.1:${proxyPort}`
    this.#kinds = kinds
  }

  async run(seconds: number, rate: number): Promise<void> {
    const begun = performance.now()
    const total = seconds * rate
    for (let sent = 0; sent < total; await wait(TICK_MS)) {
      const due = Math.min(total, Math.floor(((performance.now() - begun) / 1000) * rate))
      for (; sent < due; sent++) void this.#ask(this.#kinds[sent % this.#kinds.length] ?? { name: '', path: '/' })
    }
    while (this.#inFlight > 0) await wait(TICK_MS)
  }

  /** How long it takes until the person who is signed in is let in again. */
  async untilSignedIn(): Promise<number> {
    const begun = performance.now()
    const [known = { name: '', path: '/' }] = this.#kinds
    for (;;) {
      if ((await this.#ask(known)) === 200) return Math.round(performance.now() - begun)
      await wait(TICK_MS)
    }
  }

  /** Of all since the last one. */
  takeSummary(): string[] {
    const answered = this.#answered
    this.#answered = []
    const counts = new Map<string, number>()
    for (const { kind, status } of answered) {
      const name = `${kind} ${status}`
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    const ms = answered.map((one) => one.ms).toSorted((a, b) => a - b)
    const at = (share: number): string => (ms[Math.min(ms.length - 1, Math.floor(ms.length * share))] ?? 0).toFixed(1)
    const most = this.#mostInFlight
    this.#mostInFlight = 0
    return [[...counts].map((one) => one.join(' × ')).join(', '), `${at(0.5)} / ${at(0.99)} / ${at(1)}`, String(most)]
  }

  #ask({ name, path, cookie }: Kind): Promise<number> {
    const sentAt = performance.now()
    this.#mostInFlight = Math.max(this.#mostInFlight, ++this.#inFlight)
    return new Promise<number>((done) => {
      const settle = (status: number): void => {
        this.#inFlight--
        this.#answered.push({ kind: name, status, ms: performance.now() - sentAt })
        done(status)
      }
      const headers = {
        accept: 'application/json',
        'x-forwarded-method': 'GET',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': this.#host,
        'x-forwarded-uri': path,
        ...(cookie !== undefined && { cookie }),
      }
      request({ host: '127.0.0.1', port: this.#port, path: '/decisions', agent: this.#agent, headers }, (answer) => {
        answer.resume().on('end', () => settle(answer.statusCode ?? 0))
      })
        .on('error', () => settle(0))
        .end()
    })
  }
}

async function ask(port: number): Promise<Probe> {
  return (await (await fetch(`http://127.0.0.1:${port}`)).json()) as Probe
}

function held({ heapBytes, rssBytes, sockets }: Probe): string[] {
  return [(heapBytes / 1e6).toFixed(1), (rssBytes / 1e6).toFixed(0), String(sockets)]
}
