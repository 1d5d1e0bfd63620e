import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { startApp } from '../../src/app.ts'
import {
  askPublished,
  publishedCases,
  publishedFolders,
  Services,
  setUpPublished,
  tearDownPublished,
} from '../support/published.ts'

/** The path of an upstream that is asked for `/` keeps its slash, unless `access_rules.trailing_slash` is `strip`. */
function withSlash(asked: readonly string[], path: string): string[] {
  return asked.map((text) => (path === '/' ? text.replace('GET /app\n', 'GET /app/\n') : text))
}

const PORTS = `
serve:
  proxy: { port: 0, host: 127.0.0.1 }
  api: { port: 0, host: 127.0.0.1 }
  prometheus: { port: 0, host: 127.0.0.1 }
`

interface Started extends AsyncDisposable {
  readonly ports: Readonly<Record<'proxy' | 'api', number>>
  readonly services: Services
  readonly token: string
}

/** Starts a configuration as it is written, but for its ports, laid over it as a second file. */
async function start(folder: string): Promise<Started> {
  await using stack = new AsyncDisposableStack()
  const services = stack.use(new Services())
  const setup = await setUpPublished(folder, await services.listen())
  stack.defer(() => tearDownPublished(setup))
  const ports = join(setup.folder, 'ports.yaml')
  writeFileSync(ports, PORTS)
  const app = await startApp({
    configFiles: [setup.configFile, ports],
    env: {},
    logSink: { write() {}, flushSync() {} },
  })
  stack.defer(() => app.stop())
  const owned = stack.move()
  const { proxy, api } = app.addresses
  return {
    ports: { proxy: proxy.port, api: api.port },
    services,
    token: setup.token,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

for (const folder of publishedFolders()) {
  test(`published: ${folder} starts and answers as Ory Oathkeeper did`, async () => {
    await using started = await start(folder)
    const { ports, services, token } = started
    services.take()
    for (const { answer, asked, ...request } of publishedCases(folder)) {
      const given = await askPublished(ports, request, token)
      const expected = { answer, asked: withSlash(asked, request.path) }
      assert.deepEqual({ answer: given, asked: services.take() }, expected, JSON.stringify(request))
    }
  })
}

test('published: WebSockets are opened for who has a session, and bypass everything from then on', async () => {
  await using started = await start('kratos-proxy')
  const echo = new WebSocketServer({ server: started.services.server })
  echo.on('connection', (socket) => socket.on('message', (data) => socket.send(data)))
  const open = async (cookie: string): Promise<string | number> => {
    const headers = { host: 'app.example:8080', cookie, accept: 'application/json' }
    const socket = new WebSocket(`ws://127.0.0.1:${started.ports.proxy}/chat`, { headers })
    const refused = once(socket, 'unexpected-response').then(([, response]) => Number(response.statusCode))
    const opened = once(socket, 'open').then(async () => {
      socket.send('hello')
      const [data] = await once(socket, 'message')
      return String(data)
    })
    socket.on('error', () => {})
    try {
      return await Promise.race([opened, refused])
    } finally {
      socket.terminate()
    }
  }
  assert.equal(await open('ory_kratos_session=good'), 'hello')
  // The rule's own `redirect` has the `when` of the configuration: a client that wants no page gets the fallback, JSON.
  assert.equal(await open('ory_kratos_session=bad'), 401)
  echo.close()
})
