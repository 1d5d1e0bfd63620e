import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { runCommand } from './run-command.ts'

const OPTIONS = { timeoutMs: 10_000, maxBytes: 1000, env: { PATH: process.env['PATH'] ?? '' } }
const shell = (script: string) => ['/bin/sh', '-c', script] as const

test('what a program prints on standard output is given, and nothing of standard error', async () => {
  assert.equal(await runCommand(shell('echo one; echo two >&2; echo three'), OPTIONS), 'one\nthree\n')
  assert.equal(await runCommand(['echo', '$HOME', '; ls', '`x`'], OPTIONS), '$HOME ; ls `x`\n', 'no shell reads it')
})

test('it sees the environment that it is given and no more', async () => {
  const env = { ...OPTIONS.env, GIVEN: 'this' }
  process.env['NOT_GIVEN'] = 'that'
  assert.equal(await runCommand(shell('echo "$GIVEN/$NOT_GIVEN"'), { ...OPTIONS, env }), 'this/\n')
  delete process.env['NOT_GIVEN']
})

test('what goes wrong is told without what it printed', async () => {
  const none = ['/no/such/program'] as const
  for (const [command, told] of [
    [none, 'could not be run (ENOENT)'],
    [[tmpdir()] as const, 'could not be run (EACCES)'],
    [shell('echo secret; exit 3'), 'ended with exit code 3'],
    [shell('echo secret; kill -TERM $$'), 'ended with SIGTERM'],
    [shell('while :; do echo secret-secret-secret; done'), 'prints more than 1000 bytes'],
  ] as const) {
    await assert.rejects(runCommand(command, OPTIONS), { name: 'CommandError', message: told })
  }
})

test('at the deadline it is killed, with everything that it has started', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'run-command-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'pid')
  const script = `sleep 60 & echo $! > ${file}.new; mv ${file}.new ${file}; wait`
  const run = assert.rejects(runCommand(shell(script), { ...OPTIONS, timeoutMs: 1500 }), {
    message: 'did not end within 1500 ms',
  })
  const pid = await eventually(() => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0), Boolean, 1400)
  await run
  await eventually(
    () => isRunning(pid),
    (runs) => !runs,
    5000,
  )
})

test('it is killed when it is told to stop, before or while it runs', async () => {
  const controller = new AbortController()
  const running = runCommand(shell('sleep 60'), { ...OPTIONS, signal: controller.signal })
  controller.abort()
  await assert.rejects(running, { message: 'was stopped' })
  await assert.rejects(runCommand(shell('sleep 60'), { ...OPTIONS, signal: controller.signal }), {
    message: 'was stopped',
  })
})

/** One that has ended and was not waited for by its parent yet does not run. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
