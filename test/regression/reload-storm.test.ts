// Files that change, signals that come and clients that go on meanwhile: nobody is let in by a half of a change, and nobody
// who may get in is turned away by a whole one.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Pool } from 'undici'
import { eventually } from '../support/eventually.ts'
import { type OathkeeperProcess, startOathkeeper } from '../support/oathkeeper.ts'

interface Scene {
  readonly app: OathkeeperProcess
  readonly pool: Pool
  readonly rules: (secret: 'allow' | 'deny') => string
  /** Statuses by path, since the start. */
  readonly seen: Map<string, Map<number, number>>
  /** What was answered in another way, such as by a connection that broke. */
  readonly failures: string[]
  stopLoad(): Promise<void>
}

async function startScene(t: TestContext): Promise<Scene> {
  const upstream = createServer((_, response) => void setTimeout(() => response.end('ok'), 2))
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  t.after(() => {
    upstream.closeAllConnections()
    upstream.close()
  })
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const rule = (id: string, path: string, authorizer: string): Record<string, unknown> => ({
    id,
    match: { url: `http://<[^/]+>${path}`, methods: ['GET'] },
    authenticators: [{ handler: 'noop' }],
    authorizer: { handler: authorizer },
    mutators: [{ handler: 'noop' }],
    upstream: { url },
  })
  const rules = (secret: 'allow' | 'deny'): Record<string, unknown>[] => [
    rule('open', '/open', 'allow'),
    rule('shut', '/shut', 'deny'),
    rule('secret', '/secret', secret),
  ]
  const app = await startOathkeeper({
    config: {
      log: { level: 'error' },
      authenticators: { noop: { enabled: true } },
      authorizers: { allow: { enabled: true }, deny: { enabled: true } },
      mutators: { noop: { enabled: true } },
    },
    rules: rules('deny'),
  })
  t.after(() => app.stop())
  const pool = new Pool(app.proxyUrl, { connections: 8 })
  t.after(() => pool.destroy())
  const seen = new Map<string, Map<number, number>>()
  const failures: string[] = []
  const ending = new AbortController()
  const clients = ['/open', '/shut', '/nowhere', '/open', '/secret'].map(async (path) => {
    while (!ending.signal.aborted) {
      try {
        const { statusCode, body } = await pool.request({ path, method: 'GET' })
        await body.dump()
        const statuses = seen.get(path) ?? new Map<number, number>()
        seen.set(path, statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1))
      } catch (cause) {
        failures.push(`${path}: ${String(cause)}`)
        await wait(5)
      }
    }
  })
  return {
    app,
    pool,
    rules: (secret) => JSON.stringify(rules(secret)),
    seen,
    failures,
    async stopLoad() {
      ending.abort()
      await Promise.all(clients)
    },
  }
}

function replace(file: string, content: string): void {
  writeFileSync(`${file}.new`, content)
  renameSync(`${file}.new`, file)
}

test('FM-34: a storm of changes, whole, broken and by halves, never opens or shuts what stays the same', async (t) => {
  const { app, seen, failures, rules, stopLoad } = await startScene(t)
  const good = rules('deny')
  for (let i = 0; i < 60; i++) {
    if (i % 4 === 0) replace(app.rulesFile, good.slice(0, 10 + ((i * 37) % (good.length - 20))))
    else if (i % 4 === 1) writeFileSync(app.rulesFile, good)
    else if (i % 4 === 2) replace(app.rulesFile, good.replace('"deny"', '"denny"').replace('[^/]+', '(['))
    else replace(app.rulesFile, rules('deny'))
    if (i % 5 === 0) app.kill('SIGHUP')
    await wait(5 + (i % 7) * 5)
  }
  replace(app.rulesFile, rules('allow'))
  for (let i = 0; i < 20; i++) app.kill('SIGHUP')
  await eventually(
    () => seen.get('/secret')?.get(200) ?? 0,
    (count) => count > 0,
    5_000,
  )
  await stopLoad()
  assert.deepEqual(failures, [])
  assert.deepEqual([...(seen.get('/open') ?? new Map()).keys()], [200])
  assert.deepEqual([...(seen.get('/shut') ?? new Map()).keys()], [403])
  assert.deepEqual([...(seen.get('/nowhere') ?? new Map()).keys()], [404])
  assert.deepEqual([...(seen.get('/secret') ?? new Map()).keys()].sort(), [200, 403])
  assert.equal(await app.stop(), 0)
})

test('FM-27: a stop under load answers what it has taken, takes no more, and ends with 0', async (t) => {
  const { app, seen, failures, stopLoad } = await startScene(t)
  await eventually(
    () => seen.get('/open')?.get(200) ?? 0,
    (count) => count > 50,
    5_000,
  )
  const before = failures.length
  assert.equal(before, 0)
  const begun = performance.now()
  assert.equal(await app.stop(), 0)
  assert.ok(performance.now() - begun < 6_000)
  await stopLoad()
  for (const [path, statuses] of seen) {
    for (const status of statuses.keys()) assert.ok(status < 500, `${path}: ${status}`)
  }
  for (const failure of failures) assert.match(failure, /ECONNREFUSED|other side closed|ECONNRESET/)
})

test('a second signal ends at once what does not stop by itself', async (t) => {
  const { app, stopLoad } = await startScene(t)
  const hanging = createServer(() => undefined)
  hanging.listen(0, '127.0.0.1')
  await once(hanging, 'listening')
  t.after(() => {
    hanging.closeAllConnections()
    hanging.close()
  })
  await stopLoad()
  const rule = JSON.stringify([
    {
      id: 'hanging',
      match: { url: 'http://<[^/]+>/hanging', methods: ['GET'] },
      authenticators: [{ handler: 'noop' }],
      authorizer: { handler: 'allow' },
      mutators: [{ handler: 'noop' }],
      upstream: { url: `http://127.0.0.1:${(hanging.address() as AddressInfo).port}` },
    },
  ])
  replace(app.rulesFile, rule)
  const arrived = once(hanging, 'request')
  const asking = setInterval(() => void fetch(`${app.proxyUrl}/hanging`).catch(() => undefined), 100)
  await arrived
  clearInterval(asking)
  app.kill('SIGTERM')
  await wait(200)
  const begun = performance.now()
  app.kill('SIGTERM')
  assert.equal(await app.exited, 143)
  assert.ok(performance.now() - begun < 2_000)
  assert.equal(spawnSync('kill', ['-0', String(app.pid)]).status, 1, 'it is gone')
})
