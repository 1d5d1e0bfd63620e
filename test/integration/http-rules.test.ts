import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startOathkeeper, type OathkeeperProcess } from '../support/oathkeeper.ts'

const CONFIG = {
  authenticators: { noop: { enabled: true } },
  authorizers: { allow: { enabled: true } },
  mutators: { noop: { enabled: true } },
}

function rule(id: string): Record<string, unknown> {
  return {
    id,
    match: { url: `http://<.*>/${id}`, methods: ['GET'] },
    authenticators: [{ handler: 'noop' }],
    authorizer: { handler: 'allow' },
    mutators: [{ handler: 'noop' }],
  }
}

interface RuleServer {
  readonly url: string
  /** What it gives; nothing: 500. */
  rules: string | undefined
}

async function startRuleServer(t: TestContext): Promise<RuleServer> {
  const server = createServer((_, response) => {
    if (made.rules === undefined) response.writeHead(500).end()
    else response.end(made.rules)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const made: RuleServer = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/rules`, rules: undefined }
  return made
}

function start(
  repositories: readonly string[],
  waitForReady = true,
  refresh_interval = '1s',
): Promise<OathkeeperProcess> {
  const access_rules = { repositories, refresh_interval }
  return startOathkeeper({ config: { ...CONFIG, access_rules }, rules: [rule('local')], waitForReady })
}

const status = (url: string): Promise<number> =>
  fetch(url).then(
    async (answer) => (await answer.arrayBuffer(), answer.status),
    () => 0,
  )

describe('rules from a web server', { concurrency: 2 }, () => {
  test('are in force, are taken up when they change, and stay when the server gives none or broken ones', async (t) => {
    const server = await startRuleServer(t)
    server.rules = JSON.stringify([rule('one')])
    await using app = await start([server.url])
    const decide = (id: string): Promise<number> => status(`${app.apiUrl}/decisions/${id}`)
    assert.equal(await decide('one'), 200)
    server.rules = 'id: two'
    await eventually(
      () => app.log(),
      (log) => log.includes(`access rules cannot be taken, its last good rules stay in force: ${server.url}`),
      10_000,
    )
    server.rules = undefined
    await eventually(
      () => app.log(),
      (log) => log.includes('/rules answered 500, and not 200'),
      10_000,
    )
    assert.deepEqual([await decide('one'), await status(`${app.apiUrl}/health/ready`)], [200, 200])
    server.rules = JSON.stringify([rule('two')])
    await eventually(
      () => decide('two'),
      (now) => now === 200,
      10_000,
    )
    assert.equal(await decide('one'), 404)
  })

  test('that cannot be had at the start keep readiness red, without secrets, and other sources serve', async (t) => {
    const server = await startRuleServer(t)
    const location = `${server.url.replace('http://', 'http://me:s3cret@')}?token=t0ken`
    await using app = await start(['file://rules.json', location], false)
    await eventually(
      () => status(`${app.apiUrl}/decisions/local`),
      (now) => now === 200,
      20_000,
    )
    const ready = await fetch(`${app.apiUrl}/health/ready`)
    const text = await ready.text()
    assert.deepEqual([ready.status, text.includes(`not loaded yet: ${server.url}?…`)], [503, true])
    assert.doesNotMatch(text + app.log(), /s3cret|t0ken/)
    server.rules = JSON.stringify([rule('one')])
    await eventually(
      () => status(`${app.apiUrl}/health/ready`),
      (now) => now === 200,
      10_000,
    )
  })

  test('are fetched at once when SIGHUP says so, however long the interval', async (t) => {
    const server = await startRuleServer(t)
    server.rules = JSON.stringify([rule('one')])
    await using app = await start([server.url], true, '1h')
    server.rules = JSON.stringify([rule('two')])
    app.kill('SIGHUP')
    await eventually(
      () => status(`${app.apiUrl}/decisions/two`),
      (now) => now === 200,
      10_000,
    )
  })
})
