// The test command: `npm test` runs everything, `npm test -- PART …` some of it, `npm test -- --help` lists the parts.
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { installEnvoy } from './lib/envoy.ts'
import { CHROMIUM, ensurePrograms, REDIS_SERVER, type Program } from './lib/system-packages.ts'
import { installValkey } from './lib/valkey.ts'

const ROOT = resolve(import.meta.dirname, '..')
const BIN = join(ROOT, 'node_modules/.bin')
/** A test that takes longer hangs. */
const TEST_TIMEOUT_MS = 240_000

interface Check {
  readonly summary: string
  readonly command: readonly [program: string, ...args: string[]]
}

interface Suite {
  readonly summary: string
  readonly files: readonly string[]
  readonly needs: readonly Program[]
}

const CHECKS: Record<string, Check> = {
  types: { summary: 'TypeScript', command: ['tsc', '-p', 'tsconfig.json'] },
  lint: { summary: 'oxlint', command: ['oxlint', '--quiet'] },
  format: { summary: 'oxfmt', command: ['oxfmt', '--check', '.'] },
}

const SUITES: Record<string, Suite> = {
  unit: {
    summary: 'tests beside the code',
    files: ['src/**/*.test.ts', 'test/support/**/*.test.ts'],
    needs: [REDIS_SERVER],
  },
  structure: {
    summary: 'who may import whom; documents and examples in step with the code',
    files: ['test/{layers,docs,examples}.test.ts'],
    needs: [],
  },
  contract: {
    summary: 'one suite for every session store',
    files: ['src/sessions/{memory,redis,plugin}.test.ts'],
    needs: [REDIS_SERVER],
  },
  integration: {
    summary: 'the whole product with a real Redis and a real provider',
    files: ['test/integration/**/*.test.ts'],
    needs: [REDIS_SERVER],
  },
  faults: {
    summary: 'the fault matrix: one test for each row of what can fail (docs/reliability.md)',
    files: ['test/faults/**/*.test.ts'],
    needs: [REDIS_SERVER],
  },
  model: {
    summary: 'random steps on many instances, with faults, against a model of what is true',
    files: ['test/model/**/*.test.ts'],
    needs: [REDIS_SERVER],
  },
  regression: {
    summary: 'one test for each security requirement and published weakness',
    files: ['test/regression/**/*.test.ts'],
    needs: [REDIS_SERVER],
  },
  browser: {
    summary: 'a person with a browser (Chromium)',
    files: ['test/browser/**/*.test.ts'],
    needs: [CHROMIUM, REDIS_SERVER],
  },
  oracle: { summary: 'recorded answers of Ory Oathkeeper', files: ['test/oracle/**/*.test.ts'], needs: [] },
  package: { summary: 'the packed package on Node 22, 24 and 26', files: ['test/package.test.ts'], needs: [] },
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: 'boolean' }, only: { type: 'string' } },
})
const known = [...Object.keys(CHECKS), ...Object.keys(SUITES)]
const unknown = positionals.filter((name) => !known.includes(name))
if (options.help === true || unknown.length > 0) {
  if (unknown.length > 0) console.error(`There is no part called ${unknown.join(', ')}.\n`)
  printHelp()
  process.exit(unknown.length > 0 ? 2 : 0)
}

const parts = positionals.length === 0 ? known : positionals
const checks = Object.entries(CHECKS).filter(([name]) => parts.includes(name))
const suites = Object.entries(SUITES).filter(([name]) => parts.includes(name))

try {
  ensurePrograms([...new Set(suites.flatMap(([, suite]) => suite.needs))])
  if (suites.some(([name]) => name === 'integration')) installEnvoy()
  if (suites.some(([name]) => name === 'contract' || name === 'unit')) installValkey()
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}
const failedChecks = checks.filter(([name, check]) => !runCheck(name, check)).map(([name]) => name)
const suitesPassed = suites.length === 0 || runSuites(suites.map(([, suite]) => suite))
if (failedChecks.length > 0) console.error(`\nfailed: ${failedChecks.join(', ')}`)
process.exitCode = failedChecks.length === 0 && suitesPassed ? 0 : 1

function runCheck(name: string, check: Check): boolean {
  const [program, ...args] = check.command
  const begun = Date.now()
  const { status } = spawnSync(join(BIN, program), args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] })
  console.log(`${status === 0 ? '✔' : '✖'} ${name} (${check.summary}, ${Date.now() - begun} ms)`)
  return status === 0
}

/** One run of node's own test runner, so that its counts at the end are the counts of everything. */
function runSuites(chosen: readonly Suite[]): boolean {
  const files = [...new Set(chosen.flatMap((suite) => globSync([...suite.files], { cwd: ROOT }).toSorted()))]
  if (files.length === 0) return true
  if (chosen.length === Object.keys(SUITES).length) checkNoneForgotten(files)
  const { status } = spawnSync(
    process.execPath,
    [
      '--test',
      `--test-concurrency=${Math.max(2, availableParallelism() - 1)}`,
      `--test-timeout=${TEST_TIMEOUT_MS}`,
      ...(options.only === undefined ? [] : [`--test-name-pattern=${options.only}`]),
      ...files,
    ],
    { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] },
  )
  return status === 0
}

/** A test file that no part names would never run. */
function checkNoneForgotten(files: readonly string[]): void {
  const forgotten = globSync(['src/**/*.test.ts', 'test/**/*.test.ts'], { cwd: ROOT }).filter(
    (file) => !files.includes(file),
  )
  if (forgotten.length === 0) return
  console.error(`No part of scripts/test.ts names ${forgotten.join(', ')}`)
  process.exit(1)
}

function printHelp(): void {
  console.log('npm test [-- [--only NAME] PART …]\n\nWithout a part, all of them run:\n')
  for (const [name, { summary }] of [...Object.entries(CHECKS), ...Object.entries(SUITES)])
    console.log(`  ${name.padEnd(12)} ${summary}`)
  console.log('\n  --only NAME  only tests whose title matches the pattern')
}
