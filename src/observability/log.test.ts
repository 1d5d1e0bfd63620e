import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { createTestClock } from '../../test/support/test-clock.ts'
import { createLog, type Log, type LogLevel, type LogSink } from './log.ts'

const SOURCE = { serviceName: 'Oathkeeper', serviceVersion: '1.0.0' }

function createSink(): LogSink & { readonly written: string[] } {
  const written: string[] = []
  return { written, write: (text) => written.push(text), flushSync: () => written.push('<flush>') }
}

function createTestLog(level: LogLevel = 'info'): {
  log: Log
  sink: ReturnType<typeof createSink>
  clock: ReturnType<typeof createTestClock>
} {
  const sink = createSink()
  const clock = createTestClock()
  return { log: createLog({ level, format: 'json', source: SOURCE, clock, sink }), sink, clock }
}

const messages = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).msg)

test('entries of requests go out together, after a moment or when there are many', () => {
  const { log, sink, clock } = createTestLog()
  log.batch('info', {}, 'one')
  log.batch('info', {}, 'two')
  assert.deepEqual(sink.written, [])
  clock.advance(100)
  assert.deepEqual(sink.written.map(messages), [['one', 'two']])
  for (let i = 0; i < 60; i++) log.batch('info', { filler: 'x'.repeat(1000) }, 'many')
  assert.equal(sink.written.length, 2)
  clock.advance(100)
  assert.equal(sink.written.length, 3)
  assert.equal(clock.pending, 0)
})

test('other entries go out at once, in order', () => {
  const { log, sink } = createTestLog()
  log.batch('info', {}, 'request')
  log.error({}, 'trouble')
  assert.deepEqual(sink.written.map(messages), [['request', 'trouble']])
})

test('the level decides what is written', () => {
  const expected: [LogLevel, string[]][] = [
    ['panic', []],
    ['fatal', []],
    ['error', ['error']],
    ['warn', ['error', 'warn']],
    ['info', ['error', 'warn', 'info', 'batch']],
    ['debug', ['error', 'warn', 'info', 'batch', 'debug']],
    ['trace', ['error', 'warn', 'info', 'batch', 'debug']],
  ]
  for (const [level, wanted] of expected) {
    const { log, sink, clock } = createTestLog(level)
    log.error({}, 'error')
    log.warn({}, 'warn')
    log.info({}, 'info')
    log.batch('info', {}, 'batch')
    log.debug({}, 'debug')
    clock.advance(100)
    assert.deepEqual(sink.written.flatMap(messages), wanted, level)
    assert.equal(log.isEnabled('info'), wanted.includes('info'))
  }
})

test('what is held back is written before the process ends', () => {
  const { log, sink } = createTestLog()
  log.batch('info', {}, 'last')
  log.flushSync()
  assert.deepEqual(messages(sink.written[0] ?? ''), ['last'])
  assert.equal(sink.written[1], '<flush>')
})

const CHILD = `
import { createLog } from ${JSON.stringify(resolve(import.meta.dirname, 'log.ts'))}
const log = createLog({ level: 'info', format: 'json', source: { serviceName: 's', serviceVersion: 'v' } })
process.on('exit', () => log.flushSync())
log.info({}, 'first')
for (let i = 0; i < 500; i++) log.batch('info', { i }, 'entry')
if (process.argv[1] === 'wait') setTimeout(() => { log.info({}, 'after'); process.exitCode = 7 }, 300)
else process.exit(7)
`

test('standard error has every entry when the process exits', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD, 'now'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number]
  assert.equal(code, 7)
  assert.equal(messages(text).length, 501)
})

test('FM-36: a reader that goes away does not end the process', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD, 'wait'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stderr.destroy()
  const [code] = (await once(child, 'close')) as [number]
  assert.equal(code, 7)
})
