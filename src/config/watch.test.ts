import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { makeFolder } from '../../test/support/config.ts'
import { formatProblem } from '../kernel/problem.ts'
import { type LoadedConfig, loadConfig } from './load.ts'
import { watchConfig } from './watch.ts'

/** Watches the files; `next` gives the level of the log after the next change, or the problems. */
function watching(t: TestContext, files: readonly string[], env: Record<string, string> = {}) {
  const load = { files, env, handlers: [] }
  const emitter = new EventEmitter()
  const heard: string[] = []
  const hear = (what: string): void => {
    heard.push(what)
    emitter.emit('heard')
  }
  const watch = watchConfig({
    load,
    loaded: loadConfig(load),
    onChange: ({ config }: LoadedConfig) => hear(config.log.level),
    onProblems: (problems) =>
      hear(problems.map((problem) => formatProblem(problem).replace(/^[^:]*\//, '')).join('; ')),
    pollMs: 3_600_000,
    settleMs: 10,
  })
  t.after(() => watch.close())
  return {
    watch,
    heard,
    async next(): Promise<string | undefined> {
      if (heard.length === 0) await once(emitter, 'heard', { signal: AbortSignal.timeout(5_000) })
      return heard.shift()
    },
  }
}

test('a changed file is loaded again; what does not load changes nothing and is told', async (t) => {
  const folder = makeFolder(t, { 'a.yaml': 'log: { level: info }\n' })
  const { next } = watching(t, [join(folder, 'a.yaml')])
  writeFileSync(join(folder, 'a.yaml'), 'log: { level: debug }\n')
  assert.equal(await next(), 'debug')
  writeFileSync(join(folder, 'a.yaml'), 'log: { level: loud }\n')
  assert.match((await next()) ?? '', /^a\.yaml:1: log\.level: must be one of/)
  writeFileSync(join(folder, 'new'), 'log: { level: warn }\n')
  renameSync(join(folder, 'new'), join(folder, 'a.yaml'))
  assert.equal(await next(), 'warn')
})

test('FM-34: a file that is empty, such as while it is written, changes nothing; an empty section does', async (t) => {
  const folder = makeFolder(t, { 'a.yaml': 'log: { level: debug }\n' })
  const file = join(folder, 'a.yaml')
  const { next, watch } = watching(t, [file])
  writeFileSync(file, '')
  assert.match((await next()) ?? '', /^a\.yaml: is empty/)
  watch.reload()
  assert.match((await next()) ?? '', /^a\.yaml: is empty/)
  writeFileSync(file, '{}')
  assert.equal(await next(), 'info')
})

test('the ..data swap of a Kubernetes volume is one load, however many files it changes', async (t) => {
  const folder = makeFolder(t)
  for (const [version, level] of [
    ['..v1', 'info'],
    ['..v2', 'debug'],
  ] as const) {
    mkdirSync(join(folder, version))
    writeFileSync(join(folder, version, 'a.yaml'), `log: { level: ${level} }\n`)
    writeFileSync(join(folder, version, 'b.yaml'), `log: { redaction_text: ${level} }\n`)
  }
  symlinkSync('..v1', join(folder, '..data'))
  for (const name of ['a.yaml', 'b.yaml']) symlinkSync(`..data/${name}`, join(folder, name))
  const { next, heard } = watching(t, [join(folder, 'a.yaml'), join(folder, 'b.yaml')])
  symlinkSync('..v2', join(folder, '..tmp'))
  renameSync(join(folder, '..tmp'), join(folder, '..data'))
  assert.equal(await next(), 'debug')
  assert.deepEqual(heard, [])
})

test('a secret that changes in its file is loaded again, also when the file was missing for a while', async (t) => {
  const folder = makeFolder(t, {
    'a.yaml': 'session_store: { type: redis, redis: { addr: "a:1", password_file: secret } }\nlog: { level: info }\n',
    secret: 'one',
  })
  const { next } = watching(t, [join(folder, 'a.yaml')])
  writeFileSync(join(folder, 'secret'), 'two')
  assert.equal(await next(), 'info')
  rmSync(join(folder, 'secret'))
  assert.match((await next()) ?? '', /password_file: names a file that cannot be read/)
  writeFileSync(join(folder, 'secret'), 'three')
  assert.equal(await next(), 'info')
})

test('a file that a mistaken configuration names is watched, so that its mending is seen', async (t) => {
  const folder = makeFolder(t, { 'a.yaml': 'log: { level: info }\n' })
  const { next } = watching(t, [join(folder, 'a.yaml')])
  writeFileSync(
    join(folder, 'a.yaml'),
    'session_store: { type: redis, redis: { addr: "a:1", password_file: later } }\nlog: { level: debug }\n',
  )
  assert.match((await next()) ?? '', /password_file/)
  writeFileSync(join(folder, 'later'), 'x')
  assert.equal(await next(), 'debug')
})

test('reload loads at once, without a change', async (t) => {
  const folder = makeFolder(t, { 'a.yaml': 'log: { level: info }\n' })
  const { watch, heard } = watching(t, [join(folder, 'a.yaml')])
  watch.reload()
  assert.deepEqual(heard, ['info'])
})
