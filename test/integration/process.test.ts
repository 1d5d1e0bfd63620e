import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { WebSocketServer, WebSocket } from 'ws'
import { eventually } from '../support/eventually.ts'
import { choosePorts, startOathkeeper } from '../support/oathkeeper.ts'
import { findFreePort } from '../support/ports.ts'
import { timed } from '../support/until.ts'

const MAIN = resolve(import.meta.dirname, '../../src/main.ts')

describe('the process', { concurrency: 2 }, () => {
  let upstream: Server
  const held = new Map<string, ServerResponse>()
  let sockets: WebSocketServer

  before(async () => {
    upstream = createServer((request, response) => {
      if (request.url === '/slow') held.set(request.url, response)
      else response.end('hello')
    }).listen(0, '127.0.0.1')
    sockets = new WebSocketServer({ server: upstream })
    await once(upstream, 'listening')
  })
  after(() => {
    sockets.close()
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

  test('FM-27: a stop takes no new work, finishes what is under way, and ends with 0', async () => {
    const app = await startOathkeeper(setup())
    const slow = fetch(`${app.proxyUrl}/slow`).then((answer) => answer.text())
    const response = await eventually(
      () => held.get('/slow'),
      (one) => one !== undefined,
      5000,
    )
    const stopping = app.stop()
    await eventually(
      () => canConnect(app.ports.proxy),
      (can) => !can,
      5000,
    )
    response?.end('finished')
    assert.equal(await slow, 'finished')
    const { value: code, ms } = await timed(() => stopping)
    assert.equal(code, 0)
    assert.ok(ms < 5000, `took ${ms} ms`)
  })

  test('FM-27: an open WebSocket does not keep a stopping process for ever', async () => {
    const app = await startOathkeeper(setup())
    const socket = new WebSocket(`${app.proxyUrl.replace('http', 'ws')}/socket`)
    await once(socket, 'open')
    const closed = once(socket, 'close')
    socket.on('error', () => undefined)
    const { value: code, ms } = await timed(() => app.stop())
    assert.equal(code, 0)
    assert.ok(ms < 20_000, `took ${ms} ms`)
    await closed
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

function canConnect(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      done(true)
    })
    socket.on('error', () => done(false))
  })
}

function runCli(...args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [MAIN, ...args], (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code), output: stdout + stderr })
    })
  })
}
