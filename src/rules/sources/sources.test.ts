import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../kernel/clock.ts'
import type { SourceContext } from './source.ts'
import { createSource } from './sources.ts'

function folder(t: TestContext): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'sources-')))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  mkdirSync(join(path, 'sub dir'))
  writeFileSync(join(path, 'rules.json'), 'top')
  writeFileSync(join(path, 'sub dir', 'rules.json'), 'sub')
  return path
}

const contextAt = (baseDir: string): SourceContext => ({
  baseDir,
  clock: systemClock,
  watch: false,
  refreshIntervalMs: () => undefined,
})

/** What a source tells first. */
async function first(location: string, baseDir: string): Promise<string> {
  const source = createSource(location, contextAt(baseDir))
  const told: string[] = []
  await source.start({
    onContent: (content) => void told.push(Buffer.from(content).toString()),
    onFailure: (message) => void told.push(`failed: ${message}`),
  })
  source.close()
  assert.equal(told.length, 1)
  return told[0] ?? ''
}

const LOCATIONS: readonly (readonly [location: (dir: string) => string, content: string])[] = [
  [() => 'rules.json', 'top'],
  [() => './rules.json', 'top'],
  [() => 'file://rules.json', 'top'],
  [() => 'file://./rules.json', 'top'],
  [() => 'FILE://rules.json', 'top'],
  [() => 'file://sub dir/../rules.json', 'top'],
  [() => 'file://sub%20dir/rules.json', 'sub'],
  [() => 'sub dir/rules.json', 'sub'],
  [(dir) => `file://${dir}/rules.json`, 'top'],
  [(dir) => `file://${dir}/sub%20dir/rules.json`, 'sub'],
  [(dir) => `${dir}/sub dir/rules.json`, 'sub'],
]

for (const [location, content] of LOCATIONS) {
  test(`${location('/folder')} is found, a relative one from the folder of the configuration`, async (t) => {
    const dir = folder(t)
    assert.equal(await first(location(dir), dir), content)
  })
}

test('a file that is not there, or is a folder, is a failure that names it', async (t) => {
  const dir = folder(t)
  assert.equal(await first('file://none.json', dir), `failed: ${dir}/none.json cannot be read (ENOENT)`)
  assert.equal(await first('file://sub dir', dir), `failed: ${dir}/sub dir cannot be read (EISDIR)`)
})

test('inline rules are standard base64 with padding', async () => {
  assert.equal(await first(`inline://${Buffer.from('[]').toString('base64')}`, '/'), '[]')
  assert.equal(await first(`inline://${Buffer.from('ä??>').toString('base64')}`, '/'), 'ä??>')
  for (const text of ['W10', '_-==', 'W1 0=', '%%']) {
    assert.equal(await first(`inline://${text}`, '/'), `failed: inline://${text} is not standard base64 with padding`)
  }
})

test('the name of inline rules does not repeat them', () => {
  const location = `inline://${'QUFB'.repeat(100)}`
  assert.ok(createSource(location, contextAt('/')).name.length < 40)
})

test('a source closed while it starts does not go on watching', async (t) => {
  const dir = folder(t)
  let scheduled = 0
  const clock = { now: () => 0, schedule: () => (scheduled++, () => {}) }
  const source = createSource('rules.json', { ...contextAt(dir), clock, watch: true })
  const started = source.start({ onContent() {}, onFailure() {} })
  source.close()
  await started
  assert.equal(scheduled, 0)
})

test('a scheme that there is not is told with those that there are', () => {
  assert.throws(
    () => createSource('gopher://x', contextAt('/')),
    /rules cannot be read by "gopher:\/\/"; supported are file:\/\/, inline:\/\//,
  )
})
