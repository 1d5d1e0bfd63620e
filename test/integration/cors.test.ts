import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { ask, type Answer } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { startOathkeeper, type OathkeeperProcess } from '../support/oathkeeper.ts'
import { type RawUpstream, respond, startRawUpstream } from '../support/raw-upstream.ts'

const SPA = 'https://spa.example'
const CORS = { enabled: true, allowed_origins: [SPA], allow_credentials: true, max_age: 600 }

function configWith(cors: Record<string, unknown>): Record<string, Record<string, unknown>> {
  return {
    serve: { proxy: { cors }, api: { cors } },
    log: { level: 'warn' },
    authenticators: { anonymous: { enabled: true }, unauthorized: { enabled: true } },
    authorizers: { allow: { enabled: true } },
    mutators: { header: { enabled: true, config: { headers: { 'X-User': '{{ print .Subject }}' } } } },
  }
}

const rule = (path: string, authenticator: string, upstream: string): Record<string, unknown> => ({
  id: path,
  match: { url: `http://app.example${path}`, methods: ['GET', 'POST', 'OPTIONS'] },
  authenticators: [{ handler: authenticator }],
  authorizer: { handler: 'allow' },
  mutators: [{ handler: 'header' }],
  upstream: { url: upstream },
})

async function start(upstream: RawUpstream, cors: Record<string, unknown> = CORS): Promise<OathkeeperProcess> {
  return startOathkeeper({
    config: configWith(cors),
    rules: [rule('/open', 'anonymous', upstream.origin), rule('/closed', 'unauthorized', upstream.origin)],
  })
}

type Header = readonly [name: string, value: string]

function askProxy(app: OathkeeperProcess, path: string, method: string, headers: readonly Header[]): Promise<Answer> {
  return ask({ port: app.ports.proxy, path, method, headers: [['Host', 'app.example'], ...headers] })
}

function valuesOf({ headers }: Answer, name: string): string[] {
  return headers.flatMap(([other, value]) => (other === name ? [value] : []))
}

const PREFLIGHT: readonly Header[] = [
  ['Origin', SPA],
  ['Access-Control-Request-Method', 'POST'],
]

describe('CORS', { concurrency: 2 }, () => {
  test('a preflight is answered before any rule, on both listeners, and reaches no upstream', async (t) => {
    const upstream = await startRawUpstream()
    t.after(() => upstream.close())
    await using app = await start(upstream)
    for (const path of ['/open', '/closed', '/of-no-rule']) {
      const answer = await askProxy(app, path, 'OPTIONS', PREFLIGHT)
      assert.equal(answer.status, 204)
      assert.deepEqual(answer.headers, [
        ['vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'],
        ['access-control-allow-origin', SPA],
        ['access-control-allow-methods', 'POST'],
        ['access-control-allow-credentials', 'true'],
        ['access-control-max-age', '600'],
      ])
    }
    const decision = await ask({
      port: app.ports.api,
      path: '/decisions/closed',
      method: 'OPTIONS',
      headers: PREFLIGHT,
    })
    assert.deepEqual([decision.status, valuesOf(decision, 'access-control-allow-origin')], [204, [SPA]])
    assert.equal(upstream.requests.length, 0)
  })

  test('a refusal says so to the script that asked; an origin that may not ask is told nothing', async (t) => {
    const upstream = await startRawUpstream()
    t.after(() => upstream.close())
    await using app = await start(upstream)
    const refused = await askProxy(app, '/closed', 'GET', [['Origin', SPA]])
    assert.deepEqual([refused.status, valuesOf(refused, 'access-control-allow-origin')], [401, [SPA]])
    const foreign = await askProxy(app, '/closed', 'GET', [['Origin', 'https://evil.example']])
    assert.deepEqual(
      [foreign.status, valuesOf(foreign, 'access-control-allow-origin'), valuesOf(foreign, 'vary')],
      [401, [], ['Origin']],
    )
  })

  test('what the upstream says about CORS is passed on too, as in Oathkeeper', async (t) => {
    const upstream = await startRawUpstream()
    t.after(() => upstream.close())
    upstream.script = (_, connection) =>
      connection.write(respond('', 'Access-Control-Allow-Origin: https://own.example', 'Vary: Accept'))
    await using app = await start(upstream)
    const answer = await askProxy(app, '/open', 'GET', [['Origin', SPA]])
    assert.deepEqual(valuesOf(answer, 'access-control-allow-origin'), [SPA, 'https://own.example'])
    assert.deepEqual(valuesOf(answer, 'vary'), ['Origin', 'Accept'])
  })

  test('V-088: OPTIONS that is no preflight brings no identity of the client to the upstream, with CORS or without', async (t) => {
    const upstream = await startRawUpstream()
    t.after(() => upstream.close())
    for (const cors of [CORS, { enabled: false }]) {
      await using app = await start(upstream, cors)
      const before = upstream.requests.length
      const spoofed: Header[] = [
        ['Origin', SPA],
        ['X-User', 'root'],
        ['x_user', 'root'],
      ]
      const answer = await askProxy(app, '/open', 'OPTIONS', spoofed)
      assert.equal(answer.status, 200)
      const [request] = upstream.requests.slice(before)
      assert.deepEqual([request?.values('x-user'), request?.values('x_user')], [['anonymous'], []])
    }
  })

  test('a change of the settings is taken up while requests come', async (t) => {
    const upstream = await startRawUpstream()
    t.after(() => upstream.close())
    await using app = await start(upstream, { enabled: false })
    const askOnce = async (): Promise<string[]> =>
      valuesOf(await askProxy(app, '/open', 'GET', [['Origin', SPA]]), 'access-control-allow-origin')
    assert.deepEqual(await askOnce(), [])
    const config = JSON.parse(readFileSync(app.configFile, 'utf8')) as { serve: { proxy: Record<string, unknown> } }
    config.serve.proxy['cors'] = CORS
    writeFileSync(app.configFile, JSON.stringify(config))
    await eventually(askOnce, (allowed) => allowed.includes(SPA), 5_000)
    assert.doesNotMatch(app.log(), /takes effect at the next start/)
  })
})
