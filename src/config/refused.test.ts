import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { test } from 'node:test'
import { formatProblem } from '../kernel/problem.ts'
import { BUILTIN_HANDLERS } from '../pipeline/builtin.ts'
import { tryLoadConfig } from './load.ts'

const FOLDER = resolve(import.meta.dirname, '../../test/fixtures/config/refused')

/** Each file is named by its mistake; its lines `# refused: LINE: PROBLEM` say what is told. */
for (const name of globSync('*.yaml', { cwd: FOLDER }).sort()) {
  test(`${basename(name, '.yaml').replaceAll('-', ' ')} is refused`, () => {
    const file = join(FOLDER, name)
    const text = readFileSync(file, 'utf8')
    const expected = [...text.matchAll(/^# refused: (.*)$/gm)].map(([, problem]) => `${file}:${problem}`)
    assert.ok(expected.length > 0, 'the file does not say what is told')
    const result = tryLoadConfig({ files: [file], env: {}, handlers: BUILTIN_HANDLERS })
    assert.ok('problems' in result, 'accepted')
    const told = result.problems.map(formatProblem)
    assert.deepEqual(told, expected)
    assert.doesNotMatch(told.join('\n'), /hunter2/)
  })
}
