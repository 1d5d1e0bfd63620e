import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import { runProgram } from './program.ts'

const MAIN = resolve(import.meta.dirname, '../main.ts')

async function run(...argv: string[]): Promise<string> {
  let out = ''
  const code = await runProgram(argv, {
    env: {},
    loadApplication: () => Promise.reject(new Error('needs no application')),
    out: (text) => (out += text),
    err: (text) => assert.fail(text),
    exit: () => undefined,
    onSignal: () => () => undefined,
  })
  assert.equal(code, 0)
  return out
}

async function candidates(...words: string[]): Promise<string[]> {
  const out = await run('__complete', ...words)
  return out.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0] ?? '']))
}

test('commands are offered where a command may stand', async () => {
  const all = ['serve', 'validate', 'rules', 'health', 'credentials', 'completion', 'version', 'help']
  assert.deepEqual(await candidates(''), all)
  assert.deepEqual(await candidates('ver'), ['version'])
  assert.deepEqual(await candidates('rules', ''), ['list', 'get'])
  assert.deepEqual(await candidates('-c', 'rules', 'health', 'a'), ['alive'])
  assert.deepEqual(await candidates('serve', ''), [])
})

test('options are offered with their values; hidden ones are not', async () => {
  assert.deepEqual(await candidates('serve', '--'), ['--config', '--help'])
  assert.deepEqual(await candidates('rules', 'list', '--l'), ['--limit'])
  assert.deepEqual(await candidates('rules', 'list', '--format', ''), ['json', 'yaml', 'table'])
  assert.deepEqual(await candidates('rules', 'list', '--format', '=', 'y'), ['yaml'])
  assert.deepEqual(await candidates('rules', 'list', '--format', '='), ['json', 'yaml', 'table'])
  assert.deepEqual(await candidates('rules', 'list', '--format=t'), ['--format=table'])
  assert.deepEqual(await candidates('credentials', 'generate', '--alg', 'ES'), ['ES256', 'ES384', 'ES512'])
  assert.deepEqual(await candidates('serve', '-c', ''), [':file'])
  assert.deepEqual(await candidates('serve', '--config=oa'), [':file'])
})

/** A folder in front of PATH with this product as `oathkeeper`. */
function install(t: TestContext): { readonly folder: string; readonly env: NodeJS.ProcessEnv } {
  const folder = mkdtempSync(join(tmpdir(), 'oathkeeper-completion-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'oathkeeper'), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`, { mode: 0o755 })
  writeFileSync(join(folder, 'my config.yaml'), '')
  return { folder, env: { ...process.env, PATH: `${folder}:${process.env['PATH']}` } }
}

function has(shell: string): boolean {
  return spawnSync(shell, ['-c', 'true']).status === 0
}

test('bash completes with the script', { skip: !has('bash') && 'there is no bash here' }, (t) => {
  const { folder, env } = install(t)
  const complete = (...words: string[]): string[] => {
    const quoted = ['oathkeeper', ...words].map((word) => `'${word}'`).join(' ')
    const script = `source <(oathkeeper completion bash); COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _oathkeeper; printf '%s\\n' "\${COMPREPLY[@]}"`
    return execFileSync('bash', ['-c', script], { env, cwd: folder, encoding: 'utf8' }).trim().split('\n')
  }
  assert.deepEqual(complete('rules', 'l'), ['list'])
  assert.deepEqual(complete('health', ''), ['alive', 'ready'])
  assert.deepEqual(complete('serve', '-c', 'my'), ['my config.yaml'])
})

test('the scripts for zsh and fish are scripts', async (t) => {
  for (const shell of ['zsh', 'fish']) {
    const script = await run('completion', shell)
    assert.match(script, /oathkeeper __complete/)
    if (!has(shell)) {
      t.diagnostic(`there is no ${shell} here: its script is not run`)
      continue
    }
    assert.equal(spawnSync(shell, ['-n'], { input: script }).status, 0)
  }
})
