// Replays recorded answers of Ory Oathkeeper against this server, run from source.
//   node scripts/oracle.ts [--only SUBSTRING] [CASES.json …]
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const ROOT = resolve(import.meta.dirname, '..')
const ORACLE = process.env['ORACLE_DIR'] ?? resolve(ROOT, '../shared/oracle')
const DEVIATIONS = join(ROOT, 'test/oracle/deviations.json')

/** Case files that this version is held to. */
export const CASE_FILES = [
  'matching',
  'patterns',
  'errors',
  'templates',
  'language',
  'gjson',
  'authn',
  'rest',
  'config',
  'sources',
] as const

/** A recorded answer that we do not give, on purpose. */
interface Deviation {
  /** `scenario/id` of the recorded case. */
  readonly case: string
  readonly reason: string
  /** Which decision for safety it follows from. */
  readonly decision: string
}

interface CaseReport {
  readonly scenario: string
  readonly id: string
  readonly pass: boolean
  readonly diff: readonly string[]
}

export interface Replay {
  readonly passed: number
  readonly deviating: number
  /** Cases that the recording itself leaves out. */
  readonly skipped: number
  /** Failures without a listed reason, and listed deviations that pass: one text each. */
  readonly problems: readonly string[]
}

/** Whether the recorded cases lie beside this checkout. */
export function hasOracle(): boolean {
  return existsSync(join(ORACLE, 'run.mjs'))
}

/** Replays one case file: a name of CASE_FILES or a path. */
export async function replay(cases: string, only?: string): Promise<Replay> {
  const file = cases.endsWith('.json') ? resolve(cases) : join(ORACLE, 'cases', `${cases}.json`)
  const folder = mkdtempSync(join(tmpdir(), 'oathkeeper-oracle-'))
  try {
    const reportFile = join(folder, 'report.json')
    const output = await runReplay(file, reportFile, only)
    if (!existsSync(reportFile)) throw new Error(`the replay did not finish:\n${output}`)
    const skipped = Number(/(\d+) skipped/.exec(output)?.[1] ?? 0)
    return { ...judge(JSON.parse(readFileSync(reportFile, 'utf8')) as CaseReport[]), skipped }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function runReplay(file: string, reportFile: string, only: string | undefined): Promise<string> {
  return new Promise((done, reject) => {
    const child = spawn(
      process.execPath,
      [
        join(ORACLE, 'run.mjs'),
        '--cmd',
        `${process.execPath} src/main.ts serve -c {config}`,
        '--json',
        reportFile,
        ...(only === undefined ? [] : ['--only', only]),
        file,
      ],
      {
        cwd: ROOT,
        env: { ...process.env, ACCESS_RULES_TRAILING_SLASH: 'strip' },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)))
    child.on('error', reject)
    child.on('close', () => done(output.slice(-4000)))
  })
}

function judge(report: readonly CaseReport[]): Omit<Replay, 'skipped'> {
  const deviations = JSON.parse(readFileSync(DEVIATIONS, 'utf8')) as Deviation[]
  const listed = new Set(deviations.map((deviation) => deviation.case))
  const problems: string[] = []
  let passed = 0
  let deviating = 0
  for (const { scenario, id, pass, diff } of report) {
    const name = `${scenario}/${id}`
    if (pass && listed.has(name)) problems.push(`${name}: listed as a deviation, but it passes`)
    else if (pass) passed++
    else if (listed.has(name)) deviating++
    else problems.push(`${name}\n    ${diff.join('\n    ')}`)
  }
  return { passed, deviating, problems }
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' } } })
  if (!hasOracle()) {
    console.log(`skipped: there are no recorded cases in ${ORACLE}`)
    process.exit(0)
  }
  for (const cases of positionals.length === 0 ? CASE_FILES : positionals) {
    const { passed, deviating, skipped, problems } = await replay(cases, values.only)
    for (const problem of problems) console.log(`✖ ${problem}`)
    console.log(
      `${cases}: ${passed} passed, ${problems.length} failed, ${deviating} listed deviations, ${skipped} skipped`,
    )
    if (problems.length > 0) process.exitCode = 1
  }
}
