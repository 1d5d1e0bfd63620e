import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { choosePorts, startOathkeeper } from '../support/oathkeeper.ts'
import { findFreePort } from '../support/ports.ts'

const MAIN = resolve(import.meta.dirname, '../../src/main.ts')

describe('the process', { concurrency: 2 }, () => {
  let upstream: Server

  before(async () => {
    upstream = createServer((_request, response) => void response.end('hello')).listen(0, '127.0.0.1')
    await once(upstream, 'listening')
  })
  after(() => {
    upstream.closeAllConnections()
    upstream.close()
  })

  const setup = (): { config: Record<string, unknown>; rules: Record<string, unknown>[] } => ({
    config: {
      authenticators: { noop: { enabled: true } },
      authorizers: { allow: { enabled: true } },
      mutators: { noop: { enabled: true } },
    },
    rules: [
      {
        id: 'all',
        match: { url: 'http://<[^/]+>/<.*>', methods: ['GET'] },
        authenticators: [{ handler: 'noop' }],
        authorizer: { handler: 'allow' },
        mutators: [{ handler: 'noop' }],
        upstream: { url: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` },
      },
    ],
  })

  test('FM-36: requests are served although nobody reads the log any more', async () => {
    const app = await startOathkeeper(setup())
    app.closeLog()
    for (let i = 0; i < 200; i++) {
      const answer = await fetch(`${app.proxyUrl}/page`)
      assert.equal(await answer.text(), 'hello')
    }
    assert.equal(await app.stop(), 0)
  })

  test('a port that is taken ends the start with 1 and names it', async () => {
    const taken = createTcpServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const app = await startOathkeeper({
      ...setup(),
      ports: { ...(await choosePorts()), proxy: port },
      waitForReady: false,
    })
    const code = await app.exited
    taken.close()
    assert.equal(code, 1)
    assert.ok(app.log().includes(String(port)), app.log())
    await app.stop()
  })

  test('a refused configuration is 255 with every mistake; wrong usage is 2; validate says the same as serve', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'oathkeeper-test-'))
    const file = join(folder, 'bad.yaml')
    writeFileSync(file, 'serve:\n  proxy:\n    port: many\nauthenticators:\n  anonymus:\n    enabled: true\n')
    const serve = await runCli('serve', '-c', file)
    assert.equal(serve.code, 255)
    for (const part of ['bad.yaml:3', 'serve.proxy.port', 'authenticators.anonymus'])
      assert.ok(serve.output.includes(part), serve.output)
    const validate = await runCli('validate', '-c', file)
    assert.equal(validate.code, 255)
    for (const part of ['bad.yaml:3', 'serve.proxy.port']) assert.ok(validate.output.includes(part), validate.output)
    assert.equal((await runCli('sevre')).code, 2)
    assert.equal((await runCli('serve', '--no-such-option')).code, 2)
    assert.equal((await runCli('version')).code, 0)
    rmSync(folder, { recursive: true })
  })

  test('validate looks thrice at rules elsewhere, and tells that they cannot be had', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'oathkeeper-test-'))
    const file = join(folder, 'remote.json')
    const url = `http://127.0.0.1:${await findFreePort()}/rules.json`
    writeFileSync(file, JSON.stringify({ access_rules: { repositories: [url] } }))
    const { code, output } = await runCli('validate', '-c', file)
    assert.deepEqual([code, output.includes(`${url} could not be asked (ECONNREFUSED)`)], [255, true], output)
    rmSync(folder, { recursive: true })
  })
})

function runCli(...args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [MAIN, ...args], (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code), output: stdout + stderr })
    })
  })
}
