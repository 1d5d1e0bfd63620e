import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { test } from 'node:test'
import { tryLoadConfig } from '../src/config/load.ts'
import { formatProblem } from '../src/kernel/problem.ts'
import { BUILTIN_HANDLERS } from '../src/pipeline/builtin.ts'
import { makeFolder } from './support/config.ts'

const FOLDER = resolve(import.meta.dirname, '../examples/config')
const ENV = { DEMO_SECRET: 'x', CLIENT_SECRET: 'x' }
/** Laid on another file; these are no whole configurations. */
const OVERLAYS: Record<string, string> = { 'redis.yaml': 'smallest.yaml' }

const NAMES = globSync('*.{yaml,toml,json}', { cwd: FOLDER }).filter((name) => name !== 'rules.yaml')

for (const name of NAMES) {
  test(`the example ${name} loads without a warning`, (t) => {
    const secrets = makeFolder(t, { staff: 'x', partners: 'x', redis: 'x' })
    // Secrets stand where a container has them; a test has none there.
    const folder = makeFolder(t, {
      [name]: readFileSync(join(FOLDER, name), 'utf8').replaceAll('/run/secrets', secrets),
    })
    const base = OVERLAYS[name]
    const files = [...(base === undefined ? [] : [join(FOLDER, base)]), join(folder, basename(name))]
    const result = tryLoadConfig({ files, env: ENV, handlers: BUILTIN_HANDLERS })
    assert.ok(!('problems' in result), 'problems' in result ? result.problems.map(formatProblem).join('\n') : '')
    assert.deepEqual(result.warnings, [])
  })
}
