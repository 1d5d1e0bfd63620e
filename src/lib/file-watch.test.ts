import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type FileWatchOptions, watchFile } from './file-watch.ts'

/** Long enough never to fire in a test: what arrives came by an event. */
const NEVER_MS = 3_600_000

function folder(t: TestContext): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'file-watch-')))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function watchIn(t: TestContext, path: string, options: Partial<FileWatchOptions> = {}) {
  const emitter = new EventEmitter()
  const changes: (string | undefined)[] = []
  const watch = watchFile(
    path,
    (content) => {
      changes.push(content?.toString())
      emitter.emit('change')
    },
    { pollMs: NEVER_MS, settleMs: 10, ...options },
  )
  t.after(() => watch.close())
  return {
    changes,
    close: () => watch.close(),
    async next(): Promise<string | undefined> {
      if (changes.length === 0) await once(emitter, 'change', { signal: AbortSignal.timeout(5_000) })
      return changes.shift()
    },
  }
}

test('a written file is told with its content', async (t) => {
  const path = join(folder(t), 'a.yaml')
  writeFileSync(path, 'one')
  const watch = watchIn(t, path)
  writeFileSync(path, 'two')
  assert.equal(await watch.next(), 'two')
})

test('an atomic rename is seen, also a second time', async (t) => {
  const dir = folder(t)
  const path = join(dir, 'a.yaml')
  writeFileSync(path, 'one')
  const watch = watchIn(t, path)
  for (const content of ['two', 'three']) {
    writeFileSync(join(dir, '.tmp'), content)
    renameSync(join(dir, '.tmp'), path)
    assert.equal(await watch.next(), content)
  }
})

test('the ..data swap of a Kubernetes volume is seen', async (t) => {
  const dir = folder(t)
  for (const [version, content] of Object.entries({ '..v1': 'one', '..v2': 'two', '..v3': 'three' })) {
    mkdirSync(join(dir, version))
    writeFileSync(join(dir, version, 'a.yaml'), content)
  }
  symlinkSync('..v1', join(dir, '..data'))
  symlinkSync('..data/a.yaml', join(dir, 'a.yaml'))
  const watch = watchIn(t, join(dir, 'a.yaml'))
  for (const [version, content] of [
    ['..v2', 'two'],
    ['..v3', 'three'],
  ] as const) {
    symlinkSync(version, join(dir, '..data_tmp'))
    renameSync(join(dir, '..data_tmp'), join(dir, '..data'))
    assert.equal(await watch.next(), content)
  }
})

test('a change of the file that a symlink leads to is seen', async (t) => {
  const dir = folder(t)
  mkdirSync(join(dir, 'there'))
  writeFileSync(join(dir, 'there', 'real.yaml'), 'one')
  symlinkSync(join(dir, 'there', 'real.yaml'), join(dir, 'a.yaml'))
  const watch = watchIn(t, join(dir, 'a.yaml'))
  writeFileSync(join(dir, 'there', 'real.yaml'), 'two')
  assert.equal(await watch.next(), 'two')
})

test('a file that goes is undefined, and its return is told', async (t) => {
  const path = join(folder(t), 'a.yaml')
  writeFileSync(path, 'one')
  const watch = watchIn(t, path)
  rmSync(path)
  assert.equal(await watch.next(), undefined)
  writeFileSync(path, 'one')
  assert.equal(await watch.next(), 'one')
})

test('a file whose folder is made later is found by the poll', async (t) => {
  const dir = join(folder(t), 'later')
  const watch = watchIn(t, join(dir, 'a.yaml'), { pollMs: 20 })
  mkdirSync(dir)
  writeFileSync(join(dir, 'a.yaml'), 'here')
  assert.equal(await watch.next(), 'here')
})

test('a change between the caller’s reading and the watch is told', async (t) => {
  const path = join(folder(t), 'a.yaml')
  writeFileSync(path, 'two')
  const watch = watchIn(t, path, { known: Buffer.from('one') })
  assert.equal(await watch.next(), 'two')
})

test('the same content again, and a neighbour, are no change', async (t) => {
  const dir = folder(t)
  const path = join(dir, 'a.yaml')
  writeFileSync(path, 'one')
  const watch = watchIn(t, path)
  writeFileSync(path, 'one')
  writeFileSync(join(dir, 'b.yaml'), 'other')
  writeFileSync(path, 'one')
  writeFileSync(path, 'two')
  assert.equal(await watch.next(), 'two')
  assert.deepEqual(watch.changes, [])
})

test('nothing is told after close', (t) => {
  const path = join(folder(t), 'a.yaml')
  writeFileSync(path, 'one')
  const timers: (() => void)[] = []
  const clock = {
    schedule: (_delayMs: number, run: () => void) => {
      timers.push(run)
      return () => timers.splice(timers.indexOf(run), 1)
    },
  }
  const watch = watchIn(t, path, { clock })
  assert.equal(timers.length, 1)
  writeFileSync(path, 'two')
  watch.close()
  assert.deepEqual([timers.length, watch.changes], [0, []])
})
