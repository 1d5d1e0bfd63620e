import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { generate } from '../scripts/reference.ts'
import { CATALOGUE } from '../src/kernel/catalogue.ts'

const ROOT = resolve(import.meta.dirname, '..')

test('docs/errors.md lists every error of the catalogue with its status, in its order', () => {
  const text = readFileSync(resolve(ROOT, 'docs/errors.md'), 'utf8')
  const listed = [...text.matchAll(/^\| `(ERR_\w+)` \| (\d+) \|/gm)].map(([, code, status]) => [code, Number(status)])
  assert.deepEqual(
    listed,
    Object.entries(CATALOGUE).map(([code, { status }]) => [code, status]),
  )
})

test('every link between the documents leads somewhere', () => {
  const broken: string[] = []
  for (const file of globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md'], { cwd: ROOT })) {
    const text = readFileSync(resolve(ROOT, file), 'utf8').replace(/```[\s\S]*?```/g, '')
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      const [path = ''] = target.split('#')
      if (path === '' || /^[a-z]+:/.test(path)) continue
      if (!existsSync(resolve(ROOT, dirname(file), path))) broken.push(`${file}: ${target}`)
    }
  }
  assert.deepEqual(broken, [])
})

test('docs/README.md lists every document', () => {
  const index = readFileSync(resolve(ROOT, 'docs/README.md'), 'utf8')
  const missing = globSync('**/*.md', { cwd: resolve(ROOT, 'docs') }).filter(
    (file) => file !== 'README.md' && !index.includes(`(${file})`),
  )
  assert.deepEqual(missing, [])
})

test('docs/reliability.md has every row of the fault matrix, and every row has its test', () => {
  const text = readFileSync(resolve(ROOT, 'docs/reliability.md'), 'utf8')
  const rows = [...text.matchAll(/^\| (FM-\d\d) \|/gm)].map(([, row]) => row)
  assert.deepEqual(
    rows,
    Array.from({ length: 36 }, (_, i) => `FM-${String(i + 1).padStart(2, '0')}`),
  )
  const titlesOf = (pattern: string): string =>
    globSync(pattern, { cwd: ROOT })
      .flatMap((file) => readFileSync(resolve(ROOT, file), 'utf8').match(/\btest\(\s*['"`].*/g) ?? [])
      .join('\n')
  const [matrix, all] = [titlesOf('test/faults/*.test.ts'), titlesOf('{src,test}/**/*.test.ts')]
  assert.deepEqual(
    rows.filter((row, i) => !(i < 29 ? matrix : all).includes(row ?? '')),
    [],
  )
})

test('docs/dependencies.md names every dependency, and package.json allows no other install script', () => {
  const text = readFileSync(resolve(ROOT, 'docs/dependencies.md'), 'utf8')
  const manifest = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8')) as Record<
    'dependencies' | 'devDependencies' | 'allowScripts',
    Record<string, unknown>
  >
  const all = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)]
  assert.deepEqual(
    all.filter((name) => !text.includes(`\`${name}\``)),
    [],
  )
  assert.deepEqual(Object.keys(manifest.allowScripts), ['node'])
})

test('the reference and the JSON Schema are in step with the code (npm run reference)', () => {
  for (const [file, content] of generate()) assert.equal(readFileSync(file, 'utf8'), content, file)
})

test('the configuration of the README is accepted as it stands, with the session store that it adds', async (t) => {
  const readme = readFileSync(resolve(ROOT, 'README.md'), 'utf8')
  const blocks = [...readme.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text)
  const folder = mkdtempSync(join(tmpdir(), 'oathkeeper-readme-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [config, rules, store] = ['oathkeeper.yaml', 'rules.yaml', 'store.yaml'].map((name, i) => {
    const file = join(folder, name)
    writeFileSync(file, blocks[i] ?? '')
    return file
  })
  assert.ok(config !== undefined && rules !== undefined && store !== undefined)
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [resolve(ROOT, 'src/main.ts'), 'validate', '-c', config, '-c', store],
    { env: { ...process.env, CLIENT_SECRET: 'secret', REDIS_PASSWORD: 'secret' } },
  )
  assert.doesNotMatch(stdout + stderr, /warn|error|mistake/i)
})
