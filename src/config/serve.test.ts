import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { accept, refuse } from '../../test/support/config.ts'

const proxy = (t: TestContext, keys: string) => accept(t, `serve: { proxy: { ${keys} } }`).config.serve.proxy
const refused = (t: TestContext, keys: string) => refuse(t, `serve: { proxy: { ${keys} } }`).join('\n')

test('without configuration everything is as in Oathkeeper', (t) => {
  const { serve, accessRules, log, tracing } = accept(t, '').config
  const cors = {
    enabled: false,
    allowedOrigins: ['*'],
    allowedMethods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: ['Authorization', 'Content-Type'],
    exposedHeaders: ['Content-Type'],
    allowCredentials: false,
    maxAgeSeconds: 0,
  }
  const timeouts = { readMs: 5_000, writeMs: 120_000, idleMs: 120_000 }
  assert.deepEqual(serve, {
    proxy: {
      host: '',
      port: 4455,
      timeouts,
      cors,
      tls: undefined,
      trustedProxies: [],
      strictPaths: false,
      stripRequestHeaders: [],
      upgradeOrigins: undefined,
      upstream: {
        maxConnections: 256,
        maxWaiting: 1024,
        connectTimeoutMs: 5_000,
        headersTimeoutMs: 120_000,
        bodyTimeoutMs: 120_000,
        keepAliveMs: 4_000,
        maxHeaderSize: 65_536,
      },
      maxHeaderSize: 16_384,
      maxBodySize: undefined,
    },
    api: { host: '', port: 4456, timeouts, cors, tls: undefined, trustedProxies: 'all' },
    grpc: {
      enabled: false,
      host: '',
      port: 4457,
      timeouts,
      tls: undefined,
      trustedProxies: 'all',
      maxMessageSize: 4_194_304,
    },
    prometheus: {
      host: '',
      port: 9000,
      metricsPath: '/metrics',
      metricNamePrefix: 'ory_oathkeeper_',
      hideRequestPaths: false,
      collapseRequestPaths: true,
    },
    workers: 1,
  })
  assert.deepEqual(accessRules, {
    repositories: [],
    refreshIntervalMs: 60_000,
    matchingStrategy: 'regexp',
    trailingSlash: 'keep',
  })
  assert.deepEqual([log.level, log.format, log.leakSensitiveValues], ['info', 'text', false])
  assert.deepEqual([tracing.provider, tracing.serviceName], [undefined, 'ORY Oathkeeper'])
})

test('a timeout is one number and one unit; zero is Go’s "not set"', (t) => {
  assert.deepEqual(proxy(t, 'timeout: { read: 250ms, write: 1h, idle: 90s }').timeouts, {
    readMs: 250,
    writeMs: 3_600_000,
    idleMs: 90_000,
  })
  assert.deepEqual(proxy(t, 'timeout: { read: 0s, write: 0s, idle: 0s }').timeouts, {
    readMs: 5_000,
    writeMs: 10_000,
    idleMs: 120_000,
  })
  assert.equal(proxy(t, 'timeout: { read: 1ns }').timeouts.readMs, 1)
  for (const read of ['""', '5', '1m30s', '1.5s', '-5s', '1d', '~', '99999999999999999999h', '1000h']) {
    assert.match(refused(t, `timeout: { read: ${read} }`), /serve\.proxy\.timeout\.read: must be/, read)
  }
})

test('whose forwarded headers count: all, none, or some networks', (t) => {
  assert.equal(proxy(t, 'trust_forwarded_headers: true').trustedProxies, 'all')
  assert.deepEqual(proxy(t, 'trusted_proxies: [ 10.0.0.0/8, "::1" ]').trustedProxies, ['10.0.0.0/8', '::1'])
  assert.deepEqual(accept(t, 'serve: { api: { trusted_proxies: [] } }').config.serve.api.trustedProxies, [])
  assert.match(
    refused(t, 'trusted_proxies: [ 10.0.0.0/33 ]'),
    /trusted_proxies\[0\]: must be a network such as 10\.0\.0\.0\/8, or an address, found "10\.0\.0\.0\/33"/,
  )
  assert.match(refused(t, 'trusted_proxies: 10.0.0.0/8'), /trusted_proxies: must be a list, found a text/)
  assert.match(
    refused(t, 'trust_forwarded_headers: true, trusted_proxies: [ 10.0.0.0/8 ]'),
    /trusted_proxies: is given together with trust_forwarded_headers/,
  )
})

test('sizes and limits', (t) => {
  const { maxHeaderSize, maxBodySize, upstream } = proxy(
    t,
    'max_header_size: 32KiB, max_body_size: 10MB, upstream: { max_header_size: 1024, keep_alive: 30s }',
  )
  assert.deepEqual(
    [maxHeaderSize, maxBodySize, upstream.maxHeaderSize, upstream.keepAliveMs],
    [32_768, 10_000_000, 1_024, 30_000],
  )
  assert.equal(proxy(t, 'max_body_size: none').maxBodySize, undefined)
  assert.match(
    refused(t, 'max_header_size: big'),
    /max_header_size: must be a size such as 65536, 16KiB or 10MB, found "big"/,
  )
  assert.match(refused(t, 'max_body_size: -1'), /max_body_size: must be/)
})

test('origins of upgraded connections are origins, and none is configured by default', (t) => {
  assert.equal(proxy(t, '').upgradeOrigins, undefined)
  assert.deepEqual(proxy(t, 'upgrade: { allowed_origins: [ "https://App.example:443/" ] }').upgradeOrigins, [
    'https://app.example',
  ])
  assert.match(refused(t, 'upgrade: { allowed_origins: [ "*" ] }'), /upgrade\.allowed_origins\[0\]: must be an origin/)
})

test('names of headers are checked and compared without regard to case', (t) => {
  assert.deepEqual(proxy(t, 'strip_request_headers: [ X-User, x-email ]').stripRequestHeaders, ['x-user', 'x-email'])
  assert.match(
    refused(t, 'strip_request_headers: [ "X User" ]'),
    /strip_request_headers\[0\]: must be the name of a header/,
  )
})

test('TLS needs both of its parts; base64 is of a PEM', (t) => {
  const tls = (keys: string) => refuse(t, `serve: { api: { tls: { ${keys} } } }`).join()
  assert.match(tls('key: { path: a.pem }'), /serve\.api\.tls: needs key and cert: cert is missing/)
  assert.match(tls('cert: { base64: YQ== }, key: {}'), /serve\.api\.tls: needs key and cert: key is missing/)
  assert.match(
    tls('key: { base64: "not base64!" }, cert: { path: a.pem }'),
    /tls\.key\.base64: must be base64 of a PEM file, found a text$/,
  )
  assert.equal(accept(t, 'serve: { api: { tls: { key: {}, cert: {} } } }').config.serve.api.tls, undefined)
  const { tls: given } = accept(t, 'serve: { api: { tls: { key: { base64: YQ== }, cert: { path: /a.pem } } } }').config
    .serve.api
  assert.deepEqual([given?.key.base64?.reveal(), given?.cert.path], ['YQ==', '/a.pem'])
})

test('cors, prometheus, tracing and profiling are checked as Oathkeeper does', (t) => {
  const wrong = {
    'serve: { proxy: { cors: { allowed_methods: [ OPTIONS ] } } }': /allowed_methods\[0\]: must be one of GET, HEAD/,
    'serve: { proxy: { cors: { allowed_origins: [ a, a ] } } }': /allowed_origins: must not name anything twice/,
    'serve: { proxy: { cors: { max_age: "1" } } }': /max_age: must be a whole number, found a text|max_age: must be a/,
    'serve: { prometheus: { metrics_path: "" } }': /metrics_path: must be a path such as \/metrics/,
    'serve: { prometheus: { metric_name_prefix: "a-b" } }':
      /metric_name_prefix: must be the beginning of a metric name/,
    'tracing: { provider: x }': /tracing\.provider: must be one of jaeger, otel, zipkin/,
    'tracing: { providers: { otlp: { server_url: "http://a:1" } } }': /server_url: must be host:port/,
    'tracing: { providers: { otlp: { sampling: { trace_id_ratio: 1 } } } }':
      /trace_id_ratio: is not a key here; known are sampling_ratio/,
    'profiling: x': /profiling: must be one of cpu, mem, ""/,
    'version: "1.0"': /version: must be a version such as v0\.40\.0/,
    'serve: { workers: 2 }': /serve\.workers: more than 1 is not supported yet/,
    'access_rules: { on_multiple: first }': /on_multiple: must be error: first and most_specific are not supported yet/,
    'access_rules: { repositories: [ "ftp://a" ] }': /repositories\[0\]: must be a URI such as file:\/\/rules\.yaml/,
    'access_rules: { repositories: [ "s3://bucket" ] }': /repositories\[0\]: must name a bucket and a key, such as s3:/,
    'access_rules: { repositories: [ "gs://id:x@bucket/key" ] }': /repositories\[0\]: holds a user/,
    'access_rules: { repositories: "file://a" }': /repositories: must be a list, found a text/,
    'access_rules: { matching_strategy: exact }': /matching_strategy: must be one of regexp, glob/,
  }
  for (const [text, problem] of Object.entries(wrong)) assert.match(refuse(t, text).join(), problem, text)
  assert.equal(accept(t, 'profiling: ""\nversion: v26.2.0-rc.1+x').config.profiling, undefined)
})

test('CORS that lets in more, or less, than is probably meant is told', (t) => {
  const cors =
    'enabled: true, allow_credentials: true, allowed_origins: [ "*", "https://*.com", "https://*.example.com" ]'
  const { warnings } = accept(t, `serve:\n  proxy:\n    cors: { ${cors} }\n`)
  assert.deepEqual(
    warnings.map(({ path, line }) => [path, line]),
    [
      ['serve.proxy.cors.allowed_origins[1]', 3],
      ['serve.proxy.cors.allow_credentials', 3],
    ],
  )
  assert.deepEqual(accept(t, `serve: { proxy: { cors: { ${cors.replace('true', 'false')} } } }`).warnings, [])
})
