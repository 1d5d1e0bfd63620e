// `npm run bench [-- requests]`: what a decision and a proxied request cost, beside the least that Node itself can do, in one run.
// `npm run bench -- sessions`: a million sessions (sessions.ts). `npm run bench -- outage`: a store that hangs (outage.ts).
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { LoadOrder, LoadResult } from './load.ts'
import { benchOutage, HELP as OUTAGE_HELP } from './outage.ts'
import { benchSessions, HELP as SESSIONS_HELP } from './sessions.ts'
import { startSubjects, type Subject } from './subjects.ts'
import { machine, printTable as writeTable } from './table.ts'

const HELP = `npm run bench -- [requests] [--rounds 5] [--seconds 3] [--connections 32] [--only NAME]

Starts the load generator, the bare servers and Oathkeeper as processes of their own, loads them in turn, and prints
the medians over all rounds. Ratios are to the bare measure of the same run: 1.00 is as fast as the bare one.
`

const PARTS: Readonly<Record<string, { readonly help: string; run(args: readonly string[]): Promise<void> }>> = {
  sessions: { help: SESSIONS_HELP, run: benchSessions },
  outage: { help: OUTAGE_HELP, run: benchOutage },
}

const [first = '', ...rest] = process.argv.slice(2)
const part = PARTS[first]
if (part !== undefined) {
  await part.run(rest)
  process.exit(0)
}

const { values: options } = parseArgs({
  args: first === 'requests' ? rest : process.argv.slice(2),
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '32' },
    only: { type: 'string' },
    help: { type: 'boolean' },
  },
})
if (options.help === true) {
  console.log([HELP, ...Object.values(PARTS).map(({ help }) => help)].join('\n'))
  process.exit(0)
}

interface Measured extends LoadResult {
  readonly cpuMicrosPerRequest: number | undefined
}

const stack = new AsyncDisposableStack()
try {
  await main()
} finally {
  await stack.disposeAsync()
}

async function main(): Promise<void> {
  const load = fork(join(import.meta.dirname, 'load.ts'))
  stack.defer(() => void load.kill())
  const all = await startSubjects(stack)
  const subjects = all.filter(({ name }) => options.only === undefined || name.includes(options.only))
  const results = new Map<Subject, Measured[]>(subjects.map((subject) => [subject, []]))

  const rounds = Number(options.rounds)
  const seconds = Number(options.seconds)
  // The first round warms up and is not counted.
  for (let round = 0; round <= rounds; round++) {
    process.stderr.write(round === 0 ? 'warming up' : `\rround ${round} of ${rounds} `)
    for (const subject of subjects) {
      const measured = await measure(load, subject, round === 0 ? 1.5 : seconds)
      if (round > 0) results.get(subject)?.push(measured)
    }
  }
  process.stderr.write('\n')
  printTable(results)
}

async function measure(load: ChildProcess, subject: Subject, seconds: number): Promise<Measured> {
  const before = readCpuMicros(subject.pid)
  const result = await order(load, {
    port: subject.port,
    request: subject.request,
    connections: Number(options.connections),
    durationMs: seconds * 1000,
  })
  const after = readCpuMicros(subject.pid)
  const cpu = before === undefined || after === undefined ? undefined : (after - before) / result.requests
  return { ...result, cpuMicrosPerRequest: cpu }
}

async function order(load: ChildProcess, what: LoadOrder): Promise<LoadResult> {
  load.send(what)
  const [answer] = (await once(load, 'message')) as [{ result?: LoadResult; error?: string }]
  if (answer.result === undefined) throw new Error(`load on port ${what.port}: ${answer.error ?? 'no result'}`)
  return answer.result
}

/** CPU time of a process so far, user and system; nothing where there is no /proc. */
function readCpuMicros(pid: number): number | undefined {
  const file = `/proc/${pid}/stat`
  if (!existsSync(file)) return undefined
  const fields = readFileSync(file, 'utf8').split(') ')[1]?.split(' ') ?? []
  // Clock ticks of 10 ms; fields 14 and 15 of proc(5), counted from after the command.
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

function printTable(results: ReadonlyMap<Subject, readonly Measured[]>): void {
  const rows = [...results].map(([subject, measured]) => ({
    subject,
    rate: median(measured.map(({ requests, elapsedMs }) => (requests / elapsedMs) * 1000)),
    cpu: median(measured.map(({ cpuMicrosPerRequest }) => cpuMicrosPerRequest ?? Number.NaN)),
    p50: median(measured.map(({ p50Ms }) => p50Ms)),
    p99: median(measured.map(({ p99Ms }) => p99Ms)),
  }))
  const baseline = (name: string): (typeof rows)[number] | undefined =>
    rows.find(({ subject }) => subject.name === name)
  const lines = rows.map(({ subject, rate, cpu, p50, p99 }) => {
    const base = subject.comparedWith === undefined ? undefined : baseline(subject.comparedWith)
    return [
      subject.name,
      Math.round(rate).toLocaleString('en'),
      Number.isNaN(cpu) ? '–' : cpu.toFixed(1),
      `${p50.toFixed(2)} / ${p99.toFixed(2)}`,
      base === undefined ? '–' : (rate / base.rate).toFixed(2),
      base === undefined || Number.isNaN(cpu) ? '–' : (base.cpu / cpu).toFixed(2),
      subject.target === undefined ? '' : `≥ ${subject.target.toFixed(2)} × ${subject.comparedWith ?? ''}`,
    ]
  })
  const head = ['', 'requests/s', 'CPU µs', 'p50 / p99 ms', 'rate ratio', 'CPU ratio', 'target']
  console.log(`\n${machine()},`)
  console.log(`${options.connections} connections, median of ${options.rounds} rounds of ${options.seconds} s\n`)
  writeTable(head, lines, [0, 6])
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
