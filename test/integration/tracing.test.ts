import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { ask } from '../support/api.ts'
import { type CollectedSpan, type Collector, startCollector } from '../support/collector.ts'
import { eventually } from '../support/eventually.ts'
import { startOathkeeper, type OathkeeperProcess } from '../support/oathkeeper.ts'
import { type RawUpstream, respond, startRawUpstream } from '../support/raw-upstream.ts'

interface Rig {
  readonly app: OathkeeperProcess
  readonly collector: Collector
  readonly upstream: RawUpstream
}

async function start(t: TestContext, tracing: (collector: Collector) => Record<string, unknown>): Promise<Rig> {
  const upstream = await startRawUpstream()
  upstream.script = (_, connection) => connection.write(respond('hello'))
  const collector = await startCollector()
  const app = await startOathkeeper({
    config: {
      tracing: tracing(collector),
      log: { format: 'json' },
      authenticators: { noop: { enabled: true } },
      authorizers: { allow: { enabled: true }, deny: { enabled: true } },
      mutators: { noop: { enabled: true } },
    },
    rules: ['open', 'closed', 'down'].map((id) => ({
      id,
      match: { url: `http://<.*>/${id}`, methods: ['GET'] },
      authenticators: [{ handler: 'noop' }],
      authorizer: { handler: id === 'closed' ? 'deny' : 'allow' },
      mutators: [{ handler: 'noop' }],
      upstream: { url: id === 'down' ? 'http://127.0.0.1:1' : upstream.origin },
    })),
  })
  t.after(async () => {
    await app.stop()
    await upstream.close()
    collector.close()
  })
  return { app, collector, upstream }
}

const otlp =
  (more: Record<string, unknown> = {}) =>
  ({ address }: Collector): Record<string, unknown> => ({
    provider: 'otel',
    service_name: 'gate',
    deployment_environment: 'test',
    providers: { otlp: { server_url: address, insecure: true, ...more } },
  })

const TRACE = '0af7651916cd43dd8448eb211c80319c'

function named(spans: readonly CollectedSpan[], name: string): CollectedSpan {
  const found = spans.find((span) => span.name === name)
  assert.ok(found, `there is no span ${name}`)
  return found
}

describe('tracing', { concurrency: 2 }, () => {
  test('a request is a span of its caller’s trace, and the upstream’s request a span of it', async (t) => {
    const { app, collector, upstream } = await start(t, otlp({ authorization_header: 'Bearer s3cret' }))
    await ask({
      port: app.ports.proxy,
      path: '/open?token=t0ken',
      headers: [
        ['traceparent', `00-${TRACE}-b7ad6b7169203331-01`],
        ['tracestate', 'vendor=1'],
        ['baggage', 'a=b'],
      ],
    })
    await app.stop()
    const spans = await collector.arrived(2)
    const [server, client] = [named(spans, 'proxy'), named(spans, 'upstream')]
    assert.deepEqual([server.traceId, server.parentSpanId, server.kind], [TRACE, 'b7ad6b7169203331', 2])
    assert.deepEqual([client.traceId, client.parentSpanId, client.kind], [TRACE, server.spanId, 3])
    assert.deepEqual(server.attributes, {
      'http.request.method': 'GET',
      'url.path': '/open',
      'network.peer.address': '127.0.0.1',
      'oathkeeper.rule_id': 'open',
      'oathkeeper.outcome': 'granted',
      'http.response.status_code': 200,
    })
    assert.deepEqual([server.source['service.name'], server.source['deployment.environment.name']], ['gate', 'test'])
    const [request] = upstream.requests
    assert.equal(request?.header('traceparent'), `00-${TRACE}-${client.spanId}-01`)
    assert.deepEqual([request?.header('tracestate'), request?.header('baggage')], ['vendor=1', 'a=b'])
    assert.equal(collector.requests[0]?.headers.authorization, 'Bearer s3cret')
    assert.match(app.log(), new RegExp(`"trace_id":"${TRACE}"`))
    assert.doesNotMatch(app.log() + collector.requests.map(({ body }) => body).join(''), /s3cret|t0ken/)
  })

  test('decisions are spans too; without a caller the trace begins here; refusals and failures say so', async (t) => {
    const { app, collector } = await start(t, otlp())
    await ask({ port: app.ports.api, path: '/decisions/closed' })
    await ask({ port: app.ports.proxy, path: '/down', headers: [['traceparent', '00-nonsense']] })
    await ask({ port: app.ports.api, path: '/health/alive' })
    await ask({ port: app.ports.proxy, path: '/metrics' })
    await app.stop()
    const spans = await collector.arrived(3)
    const decision = named(spans, 'api')
    assert.equal(decision.parentSpanId, undefined)
    assert.equal(decision.attributes['oathkeeper.outcome'], 'ERR_ACCESS_FORBIDDEN')
    assert.equal(decision.attributes['http.response.status_code'], 403)
    const [server, client] = [named(spans, 'proxy'), named(spans, 'upstream')]
    assert.deepEqual(server.status, { code: 2, message: 'status 502' })
    assert.deepEqual(client.status, { code: 2, message: 'ERR_UPSTREAM_UNAVAILABLE' })
    assert.equal(spans.length, 3, 'requests about our own health are not traced')
  })

  test('the caller decides what is sampled; without one the ratio does; either is carried on', async (t) => {
    const { app, collector, upstream } = await start(t, otlp({ sampling: { sampling_ratio: 0 } }))
    await ask({ port: app.ports.proxy, path: '/open', headers: [['traceparent', `00-${TRACE}-b7ad6b7169203331-00`]] })
    await ask({ port: app.ports.proxy, path: '/open' })
    await ask({ port: app.ports.proxy, path: '/open', headers: [['traceparent', `00-${TRACE}-b7ad6b7169203331-01`]] })
    const sent = upstream.requests.map((request) => request.header('traceparent') ?? '')
    assert.deepEqual(
      sent.map((header) => header.slice(-2)),
      ['00', '00', '01'],
    )
    assert.ok(sent[0]?.startsWith(`00-${TRACE}-`))
    await app.stop()
    assert.equal((await collector.arrived(2)).length, 2)
  })

  test('a collector that refuses is told once, and costs nothing else', async (t) => {
    const { app, collector } = await start(t, otlp())
    collector.status = 400
    await ask({ port: app.ports.proxy, path: '/open' })
    await eventually(
      () => app.log(),
      (log) => log.includes('spans are lost: they could not be sent'),
      15_000,
    )
    assert.equal((await ask({ port: app.ports.proxy, path: '/open' })).status, 200)
    assert.equal(await app.stop(), 0)
  })

  test('Zipkin gets them in its own format', async (t) => {
    const { app, collector } = await start(t, ({ address }) => ({
      provider: 'zipkin',
      providers: { zipkin: { server_url: `http://${address}/api/v2/spans` } },
    }))
    await ask({ port: app.ports.proxy, path: '/open' })
    await app.stop()
    const [request] = await eventually(
      () => collector.requests,
      (requests) => requests.length > 0,
      15_000,
    )
    assert.equal(request?.url, '/api/v2/spans')
    assert.match(request?.body ?? '', /"name":"upstream"/)
  })

  test('Jaeger’s agent is not there any more: a warning says what to do instead', async (t) => {
    const { app, upstream } = await start(t, () => ({
      provider: 'jaeger',
      providers: { jaeger: { local_agent_address: '127.0.0.1:6831' } },
    }))
    const headers = [['traceparent', `00-${TRACE}-b7ad6b7169203331-01`]] as const
    assert.equal((await ask({ port: app.ports.proxy, path: '/open', headers })).status, 200)
    assert.equal(upstream.requests[0]?.header('traceparent'), `00-${TRACE}-b7ad6b7169203331-01`)
    assert.match(app.log(), /tracing\.provider: sends no traces: Jaeger has no agents any more/)
  })
})
