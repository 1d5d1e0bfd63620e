import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { type Problem, ProblemsError } from '../kernel/problem.ts'
import { StartError } from '../kernel/start-error.ts'
import type { Application, AppOptions } from './application.ts'
import { runProgram } from './program.ts'

/** A command line whose product is told what to do, and which keeps everything that it says. */
function cli(application: Partial<Application> = {}) {
  const signals = new EventEmitter()
  const said = { out: '', err: '', exits: [] as number[], asked: [] as AppOptions[], signals }
  const product: Application = {
    startApp: async () => ({ stop: async () => undefined, reload: () => undefined, stopped: Promise.resolve(0) }),
    validateApp: async () => ({ problems: [], warnings: [] }),
    ...application,
  }
  const run = (...argv: string[]) =>
    runProgram(argv, {
      env: { HERE: '1' },
      loadApplication: async () => ({
        startApp: (options) => (said.asked.push(options), product.startApp(options)),
        validateApp: (options) => (said.asked.push(options), product.validateApp(options)),
      }),
      out: (text) => (said.out += text),
      err: (text) => (said.err += text),
      exit: (code) => said.exits.push(code),
      onSignal: (names, listen) => {
        for (const name of names) signals.on(name, () => listen(name))
        return () => names.forEach((name) => signals.removeAllListeners(name))
      },
    })
  return { run, said }
}

const PROBLEMS: Problem[] = [
  { source: 'a.yaml', line: 3, path: 'serve.proxy.port', message: 'must be a port number, found "x"' },
  { source: 'env:LOG_LEVEL', path: 'log.level', message: 'must be one of …' },
]

test('serve runs everything, also where it is told to run the proxy, as in the examples that Oathkeeper publishes', async () => {
  for (const what of ['proxy', 'api', 'all']) {
    const { run, said } = cli()
    assert.equal(await run('serve', what, '-c', 'a'), 0)
    assert.deepEqual(said.asked[0]?.configFiles, ['a'])
  }
})

test('serve takes several files, in their order, before and behind the command', async () => {
  const { run, said } = cli()
  assert.equal(await run('-c', 'a', 'serve', '-c', 'b', '--config', 'c', '--config=d', '--sqa-opt-out'), 0)
  assert.deepEqual(said.asked, [{ configFiles: ['a', 'b', 'c', 'd'], env: { HERE: '1' } }])
})

test('H-15: a refused configuration is 255: each problem on its line, their number, and where to read more', async () => {
  const startApp = () => Promise.reject(new ProblemsError(PROBLEMS))
  const { run, said } = cli({ startApp, validateApp: async () => ({ problems: PROBLEMS, warnings: [] }) })
  assert.equal(await run('serve', '-c', 'a.yaml'), 255)
  const text = `a.yaml:3: serve.proxy.port: must be a port number, found "x"
env:LOG_LEVEL: log.level: must be one of …

The configuration is refused: 2 problems. docs/configuration.md explains every key.
`
  assert.equal(said.err, text)
  assert.equal(await run('validate', '-c', 'a.yaml'), 255)
  assert.equal(said.err, text + text)
  assert.equal(said.out, '')
})

test('validate tells what works and is probably not meant, and that is no refusal', async () => {
  const { run, said } = cli({ validateApp: async () => ({ problems: [], warnings: PROBLEMS }) })
  assert.equal(await run('validate', '-c', 'a.yaml'), 0)
  assert.match(said.err, /^warning: a\.yaml:3: serve\.proxy\.port: must be .*\nwarning: env:LOG_LEVEL: log\.level: /)
  assert.match(said.out, /^Nothing is wrong/)
  assert.equal(await run('validate'), 0)
  assert.match(said.out, /No configuration file was named/)
})

test('what could not be done is 1, with its sentence', async () => {
  const { run, said } = cli({ startApp: () => Promise.reject(new StartError('port 4455 is taken')) })
  assert.equal(await run('serve'), 1)
  assert.equal(said.err, 'oathkeeper: port 4455 is taken\n')
})

test('what nobody foresaw is 1, with the place in the code', async () => {
  const { run, said } = cli({ startApp: () => Promise.reject(new TypeError('x is not a function')) })
  assert.equal(await run('serve'), 1)
  assert.match(said.err, /^oathkeeper: TypeError: x is not a function\n {4}at /)
})

test('wrong usage is 2, with what was probably meant', async () => {
  const { run, said } = cli()
  for (const argv of [
    ['sevre'],
    ['serve', '--no-such-option'],
    ['serve', '-c'],
    ['serve', 'more'],
    ['validate', '--port', '1'],
  ]) {
    assert.equal(await run(...argv), 2, argv.join(' '))
  }
  assert.match(said.err, /unknown command 'sevre'\n\(Did you mean serve\?\)/)
  assert.deepEqual([said.out, said.asked], ['', []])
})

test('validate says that nothing is wrong', async () => {
  const { run, said } = cli()
  assert.equal(await run('validate', '-c', 'a'), 0)
  assert.equal(said.out, 'Nothing is wrong with the configuration and its rules.\n')
})

test('help teaches, on standard output, and is no mistake', async () => {
  for (const argv of [[], ['--help'], ['help'], ['serve', '--help'], ['validate', '--help']]) {
    const { run, said } = cli()
    assert.equal(await run(...argv), 0)
    assert.match(said.out, /Usage: oathkeeper/)
    assert.match(said.out, /oathkeeper validate -c oathkeeper\.yaml|Exit codes:/)
    assert.equal(said.err, '')
  }
})

test('version names the version and Node', async () => {
  const { run, said } = cli()
  assert.equal(await run('version'), 0)
  assert.match(said.out, /^Version: +\d+\.\d+\.\d+\nNode: +v\d+/)
})

/** A product that stops when it is told to. */
function stoppable() {
  const { promise: stopped, resolve } = Promise.withResolvers<number>()
  const { promise: started, resolve: start } = Promise.withResolvers<undefined>()
  const calls: string[] = []
  const startApp: Application['startApp'] = async () => {
    setImmediate(() => start(undefined))
    return { stop: async () => void calls.push('stop'), reload: () => calls.push('reload'), stopped }
  }
  return { startApp, calls, started, end: () => resolve(0) }
}

test('SIGHUP reloads, SIGTERM stops gracefully, and nothing listens to signals afterwards', async () => {
  const product = stoppable()
  const { run, said } = cli(product)
  const code = run('serve')
  await product.started
  said.signals.emit('SIGHUP')
  said.signals.emit('SIGTERM')
  assert.deepEqual(product.calls, ['reload', 'stop'])
  product.end()
  assert.deepEqual([await code, said.exits, said.signals.eventNames()], [0, [], []])
})

test('a second signal ends at once', async () => {
  const product = stoppable()
  const { run, said } = cli(product)
  const code = run('serve')
  await product.started
  said.signals.emit('SIGTERM')
  said.signals.emit('SIGINT')
  assert.deepEqual([product.calls, said.exits], [['stop'], [130]])
  product.end()
  await code
})
