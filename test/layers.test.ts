import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { test } from 'node:test'

const SRC = resolve(import.meta.dirname, '../src')

/** Which areas an area may import, besides itself, `lib` and `kernel`. `types` may be imported as types only. */
const MAY_IMPORT: Record<string, { values: readonly string[]; types: readonly string[] }> = {
  lib: { values: [], types: [] },
  kernel: { values: [], types: [] },
  config: { values: [], types: [] },
  template: { values: [], types: [] },
  rules: { values: [], types: [] },
  pipeline: { values: [], types: ['credentials', 'sessions', 'template'] },
  credentials: { values: [], types: [] },
  sessions: { values: [], types: [] },
  login: { values: ['http', 'credentials'], types: ['sessions'] },
  http: { values: [], types: [] },
  proxy: { values: ['http'], types: [] },
  decision: { values: ['http', 'grpc'], types: [] },
  grpc: { values: ['http'], types: [] },
  admin: { values: ['http'], types: ['sessions', 'rules'] },
  observability: { values: [], types: ['sessions', 'login'] },
  cli: { values: ['config', 'app', 'observability'], types: [] },
}

const IMPORT = /^\s*(import|export)\s+(type\s)?[^'"]*?from\s+'(\.[^']+)'|^\s*import\s+'(\.[^']+)'/gm

interface Import {
  readonly file: string
  readonly from: string
  readonly to: string
  readonly typeOnly: boolean
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8')
  const area = areaOf(file)
  return [...text.matchAll(IMPORT)].map((found) => ({
    file: relative(SRC, file),
    from: area,
    to: areaOf(resolve(dirname(file), (found[3] ?? found[4]) as string)),
    typeOnly: found[2] !== undefined,
  }))
}

function areaOf(file: string): string {
  const path = relative(SRC, file)
  return path.includes('/') ? (path.split('/')[0] as string) : path.replace(/\.ts$/, '')
}

test('every import keeps to the table of areas', () => {
  const broken: string[] = []
  for (const file of globSync('**/*.ts', { cwd: SRC })) {
    if (file.endsWith('.test.ts')) continue
    for (const { from, to, typeOnly, file: at } of importsOf(resolve(SRC, file))) {
      if (from === 'app' || from === to || to === 'kernel' || to === 'lib') {
        if (from === 'lib' && to !== 'lib') broken.push(`${at}: lib imports ${to}`)
        if (from === 'kernel' && to !== 'lib' && to !== 'kernel') broken.push(`${at}: kernel imports ${to}`)
        continue
      }
      if (from === 'main' && to === 'cli') continue
      const table = MAY_IMPORT[from]
      assert.ok(table, `src/${from} is not in the table of areas`)
      if (table.values.includes(to) || (typeOnly && table.types.includes(to))) continue
      broken.push(`${at}: ${from} may not import ${to}${typeOnly ? '' : ' (as values)'}`)
    }
  }
  assert.deepEqual(broken, [])
})
