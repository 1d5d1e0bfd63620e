import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { type LoadedConfig, type LoadOptions, tryLoadConfig } from '../../src/config/load.ts'
import { formatProblem } from '../../src/kernel/problem.ts'

/** Makes a folder that is gone after the test, with files in it. */
export function makeFolder(t: TestContext, files: Readonly<Record<string, string>> = {}): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'config-')))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return folder
}

export interface LoadTestOptions extends Partial<Omit<LoadOptions, 'files'>> {
  /** Beside `config.yaml`. */
  readonly files?: Readonly<Record<string, string>>
  /** Names of the configuration files, in order; default `config.yaml`. */
  readonly load?: readonly string[]
}

const NO_HANDLERS: LoadOptions['handlers'] = []

/** Loads `text` as `config.yaml`: what came out, or each problem as one line without the folder. */
export function load(t: TestContext, text: string, options: LoadTestOptions = {}): LoadedConfig | string[] {
  const { files = {}, load: names = ['config.yaml'], env = {}, handlers = NO_HANDLERS } = options
  const folder = makeFolder(t, { 'config.yaml': text, ...files })
  const result = tryLoadConfig({ files: names.map((name) => join(folder, name)), env, handlers })
  if (!('problems' in result)) return result
  return result.problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ''))
}

/** Loads what must be accepted. */
export function accept(t: TestContext, text: string, options: LoadTestOptions = {}): LoadedConfig {
  const loaded = load(t, text, options)
  assert.ok(!Array.isArray(loaded), `refused: ${String(loaded)}`)
  return loaded
}

/** Loads what must be refused; gives the problems, one line each. */
export function refuse(t: TestContext, text: string, options: LoadTestOptions = {}): string[] {
  const problems = load(t, text, options)
  assert.ok(Array.isArray(problems), 'accepted')
  return problems
}
