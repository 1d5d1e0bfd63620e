import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Clock, systemClock } from '../kernel/clock.ts'
import { GateError } from '../kernel/errors.ts'
import { type Logger, silentLogger } from '../kernel/logger.ts'
import type { Rule } from '../kernel/rule.ts'
import { createRuleRepository, type RepositoryDeps, type RuleSettings } from './repository.ts'

/** The watcher's settling and its slow look are hurried; the events are the file system's own. */
const hurried: Clock = {
  now: () => Date.now(),
  schedule: (delayMs, run) => systemClock.schedule(Math.min(delayMs, 25), run),
}

function folder(t: TestContext): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'rules-')))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function rule(id: string, url = `http://h/${id}`): string {
  return JSON.stringify([{ id, match: { url, methods: ['GET'] } }])
}

/** 2,000 rules. */
function many(version: string): string {
  const rules = Array.from({ length: 2000 }, (_, i) => ({
    id: `${version}-${i}`,
    match: { url: `http://h/${version}/svc${i}/<[0-9]+>/<(a|b)?>/<.*>`, methods: ['GET', 'POST', 'PUT'] },
    mutators: [{ handler: 'header', config: { headers: { 'X-User': '{{ print .Subject }}' } } }],
  }))
  return JSON.stringify(rules, null, 1)
}

const settings = (baseDir: string, ...repositories: string[]): RuleSettings<string> => ({
  repositories,
  baseDir,
  strategy: 'regexp',
  refreshIntervalMs: undefined,
  compilePlan: ({ id }) => ({ plan: id, problems: [] }),
})

async function open(t: TestContext, first: RuleSettings<string>, deps: Partial<RepositoryDeps> = {}) {
  const changes = new EventEmitter()
  const logged: string[] = []
  const logger: Logger = {
    ...silentLogger,
    error: (fields, message) => void logged.push(`${JSON.stringify(fields)} ${message}`),
  }
  const repository = await createRuleRepository(first, {
    clock: hurried,
    logger,
    onChange: () => void changes.emit('change'),
    ...deps,
  })
  t.after(() => repository.close())
  return {
    repository,
    logged,
    match: (path: string): string => {
      try {
        return repository.matcher.match('GET', 'http', 'h', path).plan
      } catch (cause) {
        return cause instanceof GateError ? cause.code : String(cause)
      }
    },
    /** Waits until something is so, looking at every change. */
    async until(isSo: () => boolean): Promise<void> {
      const signal = AbortSignal.timeout(10_000)
      while (!isSo()) await once(changes, 'change', { signal })
    },
  }
}

test('rules of all sources are in force, in the order of the sources', async (t) => {
  const dir = folder(t)
  writeFileSync(join(dir, 'b.json'), rule('b'))
  writeFileSync(join(dir, 'a.yaml'), '- id: a\n  match: { url: "http://h/a", methods: [GET] }\n')
  const inline = `inline://${Buffer.from(rule('c')).toString('base64')}`
  const { repository, match } = await open(t, settings(dir, 'file://b.json', inline, `file://${dir}/a.yaml`, 'b.json'))
  assert.deepEqual(
    repository.list().map(({ id }) => id),
    ['b', 'c', 'a', 'b'],
  )
  assert.equal(match('/a'), 'a')
  assert.equal(match('/c'), 'c')
  assert.equal(match('/b'), 'ERR_RULE_AMBIGUOUS')
  assert.ok(repository.sources().every(({ loaded, problems }) => loaded && problems.length === 0))
})

test('a repository named twice is one', async (t) => {
  const dir = folder(t)
  writeFileSync(join(dir, 'a.json'), rule('a'))
  const { match } = await open(t, settings(dir, 'file://a.json', 'file://a.json'))
  assert.equal(match('/a'), 'a')
})

test('a file that is written in place is read again', async (t) => {
  const dir = folder(t)
  writeFileSync(join(dir, 'a.json'), rule('one'))
  const { match, until } = await open(t, settings(dir, 'file://a.json'))
  writeFileSync(join(dir, 'a.json'), rule('two'))
  await until(() => match('/two') === 'two')
  assert.equal(match('/one'), 'ERR_RULE_NOT_FOUND')
})

test('a file that is replaced by an atomic rename is read again, every time', async (t) => {
  const dir = folder(t)
  writeFileSync(join(dir, 'a.json'), rule('one'))
  const { match, until } = await open(t, settings(dir, 'file://a.json'))
  for (const id of ['two', 'three', 'four']) {
    writeFileSync(join(dir, 'tmp'), rule(id))
    renameSync(join(dir, 'tmp'), join(dir, 'a.json'))
    await until(() => match(`/${id}`) === id)
  }
})

test('the ..data swap of a Kubernetes volume is seen, every time', async (t) => {
  const dir = folder(t)
  for (const id of ['one', 'two', 'three']) {
    mkdirSync(join(dir, `..${id}`))
    writeFileSync(join(dir, `..${id}`, 'rules.json'), rule(id))
  }
  symlinkSync('..one', join(dir, '..data'))
  symlinkSync('..data/rules.json', join(dir, 'rules.json'))
  const { match, until } = await open(t, settings(dir, 'file://rules.json'))
  assert.equal(match('/one'), 'one')
  for (const id of ['two', 'three']) {
    symlinkSync(`..${id}`, join(dir, '..data_tmp'))
    renameSync(join(dir, '..data_tmp'), join(dir, '..data'))
    await until(() => match(`/${id}`) === id)
  }
})

test('a file or folder that is missing at the start is picked up when it appears', async (t) => {
  const dir = folder(t)
  const { repository, match, until, logged } = await open(t, settings(dir, 'file://a.json', 'file://later/b.json'))
  assert.deepEqual(
    repository.sources().map(({ name, loaded, problems }) => [name, loaded, problems.length]),
    [
      ['file://a.json', false, 1],
      ['file://later/b.json', false, 1],
    ],
  )
  assert.match(logged.join('\n'), /file:\/\/a\.json.*cannot be read \(ENOENT\)/)
  writeFileSync(join(dir, 'a.json'), rule('a'))
  await until(() => match('/a') === 'a')
  mkdirSync(join(dir, 'later'))
  writeFileSync(join(dir, 'later/b.json'), rule('b'))
  await until(() => match('/b') === 'b')
  assert.ok(repository.sources().every(({ loaded }) => loaded))
})

test('a source that cannot be taken keeps its last good rules, and is taken as soon as it is mended', async (t) => {
  const dir = folder(t)
  writeFileSync(join(dir, 'a.json'), rule('a'))
  writeFileSync(join(dir, 'b.json'), rule('b'))
  const { repository, match, until, logged } = await open(t, settings(dir, 'file://a.json', 'file://b.json'))
  const isBroken = () => (repository.sources()[0]?.problems.length ?? 0) > 0
  for (const [text, told] of [
    ['[{', /is not valid JSON/],
    ['{"id":"a"}', /must be a list of rules/],
    ['[{"id":"a","match":{"url":7}}]', /rule "a": \[0\]\.match\.url: must be a text/],
    [rule('a', 'http://h/<(>'), /rule "a": \[0\]\.match\.url: does not compile: .*missing closing \)/],
    [rule('new').slice(0, -1), /is not valid JSON/],
  ] as const) {
    logged.length = 0
    writeFileSync(join(dir, 'a.json'), text)
    await until(() => isBroken() && logged.some((line) => told.test(line)))
    assert.match(logged.join(), /its last good rules stay in force/)
    assert.deepEqual([match('/a'), match('/b')], ['a', 'b'])
    assert.equal(repository.sources()[0]?.loaded, true)
  }
  rmSync(join(dir, 'a.json'))
  await until(() => logged.some((line) => line.includes('is gone or cannot be read')))
  assert.equal(match('/a'), 'a')
  writeFileSync(join(dir, 'a.json'), rule('a2'))
  await until(() => match('/a2') === 'a2')
  assert.equal(isBroken(), false)
})

test('FM-34: a file that is empty, such as while it is written, takes away no rules; an empty list does', async (t) => {
  const dir = folder(t)
  const file = join(dir, 'a.json')
  writeFileSync(file, rule('a'))
  const { repository, match, logged, until } = await open(t, settings(dir, 'file://a.json'))
  writeFileSync(file, '')
  await until(() => repository.sources()[0]?.problems.length === 1)
  assert.match(logged[0] ?? '', /is empty; no rules are written as \[\]/)
  assert.equal(match('/a'), 'a')
  writeFileSync(file, rule('b'))
  await until(() => match('/b') === 'b')
  writeFileSync(file, '[]')
  await until(() => match('/b') === 'ERR_RULE_NOT_FOUND')
})

test('a source that was never good leaves the others in force', async (t) => {
  const dir = folder(t)
  writeFileSync(join(dir, 'a.json'), rule('a', 'http://h/<[>'))
  writeFileSync(join(dir, 'b.json'), rule('b'))
  const { repository, match, logged } = await open(t, settings(dir, 'file://a.json', 'file://b.json', 'inline://%%%'))
  assert.equal(match('/b'), 'b')
  assert.deepEqual(
    repository.sources().map(({ loaded }) => loaded),
    [false, true, false],
  )
  assert.match(logged.join('\n'), /"rule_id":"a".*none of its rules are in force: file:\/\/a\.json:1: rule "a"/)
  assert.match(logged.join('\n'), /inline:\/\/%%% is not standard base64/)
})

test('a rule with a mistake has a plan, and is not among the valid ones', async (t) => {
  const dir = folder(t)
  writeFileSync(join(dir, 'a.json'), rule('a'))
  const problem = { path: 'authorizer.handler', message: 'is not known', ruleId: 'a' }
  const { repository, match, logged } = await open(t, {
    ...settings(dir, 'file://a.json'),
    compilePlan: () => ({ plan: 'answers 500', problems: [problem] }),
  })
  assert.equal(match('/a'), 'answers 500')
  assert.deepEqual(repository.list(), [])
  assert.deepEqual(repository.ruleProblems(), [{ ...problem, source: 'file://a.json' }])
  assert.match(logged.join(), /what it matches is answered 500: file:\/\/a\.json: rule "a": authorizer\.handler/)
})

test('rules for RPC never match HTTP and are listed', async (t) => {
  const dir = folder(t)
  writeFileSync(join(dir, 'a.json'), JSON.stringify([{ id: 'rpc', match: { full_method: 'a', authority: 'h' } }]))
  const { repository, match } = await open(t, settings(dir, 'file://a.json'))
  assert.equal(match('/a'), 'ERR_RULE_NOT_FOUND')
  assert.deepEqual(
    repository.list().map(({ id }) => id),
    ['rpc'],
  )
})

test('a reload takes sources on and off, and keeps what it knows of the others', async (t) => {
  const dir = folder(t)
  for (const id of ['a', 'b', 'c']) writeFileSync(join(dir, `${id}.json`), rule(id))
  const { repository, match, until } = await open(t, settings(dir, 'file://a.json', 'file://b.json'))
  rmSync(join(dir, 'b.json'))
  await until(() => (repository.sources()[1]?.problems.length ?? 0) > 0)
  await repository.reload(settings(dir, 'file://c.json', 'file://b.json'))
  assert.deepEqual(['/a', '/b', '/c'].map(match), ['ERR_RULE_NOT_FOUND', 'b', 'c'])
  assert.deepEqual(
    repository.list().map(({ id }) => id),
    ['c', 'b'],
  )
  writeFileSync(join(dir, 'c.json'), rule('d'))
  await until(() => match('/d') === 'd')
})

test('a reload with another strategy reads the same sources anew', async (t) => {
  const dir = folder(t)
  writeFileSync(join(dir, 'a.json'), rule('a', 'http://h/<a*>'))
  writeFileSync(join(dir, 'b.json'), rule('b', 'http://h/<b+>'))
  const first = settings(dir, 'file://a.json', 'file://b.json')
  const { repository, match } = await open(t, first)
  assert.deepEqual(['/aa', '/ab', '/bb', '/b+'].map(match), ['a', 'ERR_RULE_NOT_FOUND', 'b', 'ERR_RULE_NOT_FOUND'])
  await repository.reload({ ...first, strategy: 'glob' })
  assert.deepEqual(['/aa', '/ab', '/bb', '/b+'].map(match), ['a', 'a', 'ERR_RULE_NOT_FOUND', 'b'])
})

test('a reload with other plans compiles every rule anew', async (t) => {
  const dir = folder(t)
  writeFileSync(join(dir, 'a.json'), rule('a'))
  const first = settings(dir, 'file://a.json')
  const { repository, match } = await open(t, first)
  await repository.reload({ ...first, compilePlan: ({ id }: Rule) => ({ plan: `${id}2`, problems: [] }) })
  assert.equal(match('/a'), 'a2')
})

test('a kind of source that there is not is refused in words, and changes nothing', async (t) => {
  const dir = folder(t)
  writeFileSync(join(dir, 'a.json'), rule('a'))
  const first = settings(dir, 'file://a.json')
  const { repository, match } = await open(t, first)
  await assert.rejects(repository.reload(settings(dir, 'ftp://x/rules.json')), /"ftp:\/\/"; supported are file:\/\//)
  assert.equal(match('/a'), 'a')
})

test('since when a source is good, or is not, is known', async (t) => {
  const dir = folder(t)
  let now = 1000
  writeFileSync(join(dir, 'a.json'), rule('a'))
  const clock = { ...hurried, now: () => now }
  const { repository, until } = await open(t, settings(dir, 'file://a.json'), { clock })
  assert.equal(repository.sources()[0]?.since, 1000)
  now = 2000
  writeFileSync(join(dir, 'a.json'), '[{')
  await until(() => repository.sources()[0]?.since === 2000)
  now = 3000
  writeFileSync(join(dir, 'a.json'), rule('a'))
  await until(() => repository.sources()[0]?.since === 3000)
})

test('one look and no watching, for validate', async (t) => {
  const dir = folder(t)
  writeFileSync(join(dir, 'a.json'), rule('a'))
  const scheduled: number[] = []
  const clock: Clock = {
    now: () => 0,
    schedule(delayMs) {
      scheduled.push(delayMs)
      return () => {}
    },
  }
  await open(t, settings(dir, 'file://a.json'), { watch: false, clock })
  assert.deepEqual(scheduled, [])
})

test('2,000 rules are reloaded without holding the event loop for long', async (t) => {
  const dir = folder(t)
  writeFileSync(join(dir, 'a.json'), many('one'))
  const { match, until } = await open(t, settings(dir, 'file://a.json'))
  assert.equal(match('/one/svc1999/7/a/x'), 'one-1999')
  // CPU of the process between two turns of the loop, so that a busy machine does not matter.
  let longestMs = 0
  let last = process.cpuUsage()
  let isDone = false
  const turn = () => {
    const { user, system } = process.cpuUsage(last)
    longestMs = Math.max(longestMs, (user + system) / 1000)
    last = process.cpuUsage()
    if (!isDone) setImmediate(turn)
  }
  setImmediate(turn)
  writeFileSync(join(dir, 'a.json'), many('two'))
  await until(() => match('/two/svc1999/7/a/x') === 'two-1999')
  isDone = true
  assert.equal(match('/one/svc1999/7/a/x'), 'ERR_RULE_NOT_FOUND')
  assert.ok(longestMs < 150, `${longestMs} ms at a stretch`)
})
