import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { choosePorts, startOathkeeper, type OathkeeperProcess } from '../support/oathkeeper.ts'
import { logIn, startProduct } from '../support/product.ts'
import { openRaw } from '../support/raw-client.ts'
import { respond, startRawUpstream } from '../support/raw-upstream.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { Visitor } from '../support/visitor.ts'

const CONFIG = {
  authenticators: { anonymous: { enabled: true }, unauthorized: { enabled: true } },
  authorizers: { allow: { enabled: true } },
  mutators: { noop: { enabled: true } },
}

const rule = (path: string, upstream: string, authenticator = 'anonymous'): Record<string, unknown> => ({
  id: path,
  match: { url: `http://<.*>${path}`, methods: ['GET'] },
  authenticators: [{ handler: authenticator }],
  authorizer: { handler: 'allow' },
  mutators: [{ handler: 'noop' }],
  upstream: { url: upstream },
})

async function scrape({ ports }: { readonly ports: { readonly metrics: number } }, path = '/metrics'): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${ports.metrics}${path}`)
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  return answer.text()
}

function countsOf(text: string, name: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => line.slice(name.length))
    .sort()
}

async function get(url: string): Promise<number> {
  const answer = await fetch(url)
  await answer.arrayBuffer()
  return answer.status
}

describe('metrics', { concurrency: 2 }, () => {
  test('requests of both listeners are counted under the names of Oathkeeper; decisions by what came of them', async (t) => {
    const upstream = await startRawUpstream()
    t.after(() => upstream.close())
    upstream.script = (_, connection) => connection.write(respond('hello'))
    await using app = await startOathkeeper({
      config: CONFIG,
      rules: [rule('/open/page', upstream.origin), rule('/closed', upstream.origin, 'unauthorized')],
    })
    await get(`${app.proxyUrl}/open/page?secret=1`)
    await get(`${app.proxyUrl}/open/page`)
    await get(`${app.proxyUrl}/closed`)
    await get(`${app.apiUrl}/decisions/nowhere`)
    await get(`${app.apiUrl}/health/alive`)
    const text = await scrape(app)
    assert.deepEqual(countsOf(text, 'ory_oathkeeper_requests_total'), [
      '{method="GET",request="/closed",service="oathkeeper-proxy",status_code="401"} 1',
      '{method="GET",request="/decisions",service="oathkeeper-api",status_code="404"} 1',
      '{method="GET",request="/open",service="oathkeeper-proxy",status_code="200"} 2',
    ])
    assert.deepEqual(countsOf(text, 'ory_oathkeeper_decisions_total'), [
      '{front="decision",outcome="ERR_RULE_NOT_FOUND"} 1',
      '{front="decision",outcome="granted"} 0',
      '{front="proxy",outcome="ERR_CREDENTIALS_INVALID"} 1',
      '{front="proxy",outcome="granted"} 2',
    ])
    assert.deepEqual(countsOf(text, 'ory_oathkeeper_rules'), [' 2'])
    assert.deepEqual(countsOf(text, 'ory_oathkeeper_session_store_up'), ['{store="memory"} 1'])
    assert.ok(Number(countsOf(text, 'process_cpu_seconds_total')[0]) > 0)
    assert.doesNotMatch(text, /secret/)
  })

  test('a client that goes away is 499, an upgraded connection 101', async (t) => {
    const upstream = await startRawUpstream()
    t.after(() => upstream.close())
    upstream.script = (request, connection) => {
      if (request.header('upgrade') !== undefined) {
        connection.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
      }
    }
    await using app = await startOathkeeper({ config: CONFIG, rules: [rule('/slow', upstream.origin)] })
    const gone = openRaw(app.ports.proxy)
    gone.write('GET /slow HTTP/1.1\r\nHost: a.example\r\n\r\n')
    await upstream.arrived(1)
    gone.destroy()
    const tunnel = openRaw(app.ports.proxy)
    t.after(() => tunnel.destroy())
    tunnel.write('GET /slow HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    await tunnel.nextHead()
    const statuses = await eventually(
      async () =>
        countsOf(await scrape(app), 'ory_oathkeeper_requests_total').map(
          (line) => /code="(\d+)"\} (\d)/.exec(line)?.[0],
        ),
      (found) => found.length === 2,
      5_000,
    )
    assert.deepEqual(statuses, ['code="101"} 1', 'code="499"} 1'])
  })

  test('prefix and path are as configured; everything else on the port is 404, and the proxy gives no metrics', async () => {
    const prometheus = { metrics_path: '/custom', metric_name_prefix: 'http_', collapse_request_paths: false }
    await using app = await startOathkeeper({ config: { ...CONFIG, serve: { prometheus } }, rules: [rule('/a', '')] })
    await get(`${app.apiUrl}/decisions/a`)
    assert.match(await scrape(app, '/custom?x=1'), /^http_requests_total\{method="GET",request="\/decisions\/a"/m)
    assert.equal(await get(`http://127.0.0.1:${app.ports.metrics}/metrics`), 404)
    const posted = await fetch(`http://127.0.0.1:${app.ports.metrics}/custom`, { method: 'POST', body: 'x' })
    assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET, HEAD'])
    for (const path of ['/metrics', '/custom', '/debug', '/health/alive', '/rules']) {
      assert.equal(await get(`${app.proxyUrl}${path}`), 404, `H-05: ${path} on the proxy is a path like any other`)
    }
  })

  test('rule sources and configurations that cannot be taken show', async () => {
    await using app = await startOathkeeper({ config: CONFIG, rules: [rule('/a', '')] })
    const states = async (): Promise<string[]> => {
      const text = await scrape(app)
      return ['rule_source_loaded', 'rule_source_failing', 'config_refused'].map(
        (name) => countsOf(text, `ory_oathkeeper_${name}`)[0]?.slice(-1) ?? '',
      )
    }
    assert.deepEqual(await states(), ['1', '0', '0'])
    writeFileSync(app.rulesFile, '{')
    await eventually(states, (found) => found.join('') === '110', 5_000)
    writeFileSync(app.configFile, '{')
    await eventually(states, (found) => found.join('') === '111', 5_000)
  })

  test('logins, sessions and the store of sessions are counted', async (t) => {
    const redis = await startRedisServer()
    t.after(() => redis.close())
    await using product = await startProduct({
      config: { session_store: { type: 'redis', redis: { addr: redis.addr } } },
    })
    const app = product.instances[0] as OathkeeperProcess
    const visitor = new Visitor()
    await logIn(visitor, `${product.door}/me`)
    await get(`${product.door}/.oathkeeper/callback?state=x&code=y`)
    const text = await scrape(app)
    const provider = product.provider.configuration['id'] as string
    assert.deepEqual(countsOf(text, 'ory_oathkeeper_logins_begun_total'), [`{provider="${provider}"} 1`])
    assert.deepEqual(countsOf(text, 'ory_oathkeeper_logins_total'), [
      '{provider="",stage="callback",outcome="attempt_unknown"} 1',
      `{provider="${provider}",stage="session",outcome="completed"} 1`,
    ])
    assert.deepEqual(countsOf(text, 'ory_oathkeeper_sessions_live'), ['{store="redis"} 1'])
    assert.deepEqual(countsOf(text, 'ory_oathkeeper_session_store_breaker_state'), ['{store="redis"} 0'])
    assert.deepEqual(countsOf(text, 'ory_oathkeeper_near_cache_sessions'), [' 1'])
    assert.deepEqual(countsOf(text, 'ory_oathkeeper_sessions_created_total'), [`{provider="${provider}"} 1`])
    assert.deepEqual(countsOf(text, 'ory_oathkeeper_session_store_up'), ['{store="redis"} 1'])
    const created = '_count{operation="create_session"} 1'
    assert.ok(text.includes(`ory_oathkeeper_session_store_operation_duration_seconds${created}`))
    await visitor.go(`${product.door}/me`)
    assert.match(text + (await scrape(app)), /near_cache_lookups_total\{result="hit"\} [1-9]/)
    await visitor.submit(`${product.door}/.oathkeeper/logout`, {})
    const ended = await eventually(
      () => scrape(app),
      (found) => found.includes('near_cache_invalidation_lag_seconds_count 1'),
      2_000,
    )
    assert.deepEqual(countsOf(ended, 'ory_oathkeeper_sessions_ended_total'), [
      `{provider="${provider}",reason="logout"} 1`,
    ])
    assert.deepEqual(countsOf(ended, 'ory_oathkeeper_sessions_live'), ['{store="redis"} 0'])
    await redis.stop()
    const after = await eventually(
      () => scrape(app),
      (found) =>
        /session_store_up\{store="redis"\} 0\n[^]*session_store_breaker_state\{store="redis"\} [12]\n/.test(found),
      2_000,
    )
    assert.doesNotMatch(after, /^ory_oathkeeper_sessions_live\{/m)
    assert.match(await scrape(app), /session_store_outage_seconds\{access="read"\} 0\.\d*[1-9]/)
    assert.match(await scrape(app), /session_store_operation_failures_total\{operation="ping"\} [1-9]/)
  })

  test('a taken port is told, and costs no more than the metrics', async (t) => {
    const ports = await choosePorts()
    const squatter = createServer().listen(ports.metrics, '127.0.0.1')
    t.after(() => squatter.close())
    await once(squatter, 'listening')
    await using app = await startOathkeeper({ ports, config: CONFIG, rules: [rule('/a', '')] })
    assert.equal(await get(`${app.apiUrl}/decisions/a`), 200)
    assert.match(
      app.log(),
      /serve\.prometheus: 127\.0\.0\.1:\d+ cannot be listened on \(EADDRINUSE\): no metrics are served/,
    )
  })
})
