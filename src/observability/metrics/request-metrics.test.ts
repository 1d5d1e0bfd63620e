import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRequestMetrics } from './request-metrics.ts'

const COLLAPSED = { metricNamePrefix: 'ory_oathkeeper_', hideRequestPaths: false, collapseRequestPaths: true }

/** The counters, as label `request` and count of each. */
function countsOf(text: string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [, request = '', times] of text.matchAll(/requests_total\{method="GET",request="([^"]*)".*\} (\d+)/g)) {
    counts[request] = (counts[request] ?? 0) + Number(times)
  }
  return counts
}

function count(options: Partial<typeof COLLAPSED>, targets: readonly string[], status = 200): Record<string, number> {
  const metrics = createRequestMetrics({ ...COLLAPSED, ...options })
  const record = metrics.recorder('oathkeeper-proxy')
  for (const target of targets) record('GET', target, status, 0.001)
  return countsOf(metrics.text())
}

/** Those of Oathkeeper's own tests. */
const TARGETS = ['/', '/hello?foo=bar', '/hello/world', '/hello/world?foo=bar']

test('names, labels and buckets are those of Oathkeeper', () => {
  const metrics = createRequestMetrics(COLLAPSED)
  metrics.recorder('oathkeeper-api')('GET', '/decisions/a', 200, 0.03)
  const labels = 'method="GET",request="/decisions",service="oathkeeper-api",status_code="200"'
  const bucket = (bound: string, value: number): string =>
    `ory_oathkeeper_requests_duration_seconds_bucket{${labels},le="${bound}"} ${value}`
  assert.deepEqual(metrics.text().split('\n'), [
    '# HELP ory_oathkeeper_requests_total Total number of requests',
    '# TYPE ory_oathkeeper_requests_total counter',
    `ory_oathkeeper_requests_total{${labels}} 1`,
    '# HELP ory_oathkeeper_requests_duration_seconds Time spent serving requests.',
    '# TYPE ory_oathkeeper_requests_duration_seconds histogram',
    bucket('0.005', 0),
    bucket('0.01', 0),
    bucket('0.025', 0),
    ...['0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '+Inf'].map((bound) => bucket(bound, 1)),
    `ory_oathkeeper_requests_duration_seconds_sum{${labels}} 0.03`,
    `ory_oathkeeper_requests_duration_seconds_count{${labels}} 1`,
    '',
  ])
})

test('an observation on a bound belongs to its bucket; one beyond all of them only to the last', () => {
  const metrics = createRequestMetrics(COLLAPSED)
  const record = metrics.recorder('s')
  record('GET', '/', 200, 0.005)
  record('GET', '/', 200, 11)
  const buckets = [...metrics.text().matchAll(/le="([^"]+)"\} (\d+)/g)].map(([, bound, value]) => `${bound} ${value}`)
  assert.deepEqual(buckets.slice(0, 2), ['0.005 1', '0.01 1'])
  assert.deepEqual(buckets.slice(-2), ['10 1', '+Inf 2'])
})

test('the label `request` is the first segment, the path without query, or empty', () => {
  assert.deepEqual(count({}, TARGETS), { '/': 1, '/hello': 3 })
  assert.deepEqual(count({ collapseRequestPaths: false }, TARGETS), { '/': 1, '/hello': 1, '/hello/world': 2 })
  assert.deepEqual(count({ hideRequestPaths: true }, TARGETS), { '': 4 })
  assert.deepEqual(count({ hideRequestPaths: true, collapseRequestPaths: false }, TARGETS), { '': 4 })
  assert.deepEqual(count({}, ['http://a.example/x/y?z=/', 'http://a.example', '*', '/a?b=/c']), {
    '/x': 1,
    '/': 1,
    '/*': 1,
    '/a': 1,
  })
})

test('requests to the health routes are not counted', () => {
  const targets = ['/health/alive', '/health/ready', '/health/ready?x=1', '/health/other', '/health']
  assert.deepEqual(count({}, targets), { '/health': 2 })
  assert.deepEqual(count({ hideRequestPaths: true }, targets), { '': 2 })
})

test('what a label must not hold as it is, is escaped', () => {
  assert.deepEqual(count({}, ['/a\\b']), { '/a\\\\b': 1 })
})

test('E-18: paths that anybody can invent do not fill memory, and do not push out those that are answered', () => {
  const metrics = createRequestMetrics(COLLAPSED)
  const record = metrics.recorder('s')
  for (let i = 0; i < 5_000; i++) record('GET', `/invented-${i}`, 404, 0.001)
  record('GET', '/real', 200, 0.001)
  record('GET', '/invented-4999', 200, 0.001)
  const counts = countsOf(metrics.text())
  assert.equal(Object.keys(counts).length, 103)
  assert.deepEqual([counts['other'], counts['/real'], counts['/invented-4999']], [4_900, 1, 1])
})

test('E-18: neither answered paths, nor methods, nor statuses grow without bound', () => {
  const metrics = createRequestMetrics(COLLAPSED)
  const record = metrics.recorder('s')
  for (let i = 0; i < 3_000; i++) record('GET', `/page-${i}`, 200, 0.001)
  assert.equal(countsOf(metrics.text())['other'], 2_000)
  for (let i = 0; i < 50; i++) record(`METHOD-${i}`, '/page-0', 200, 0.001)
  assert.match(metrics.text(), /_total\{method="other",request="\/page-0",service="s",status_code="200"\} 50\n/)
  for (let path = 0; path < 10; path++) {
    for (let status = 200; status < 400; status++) record('GET', `/page-${path}`, status, 0.001)
  }
  const text = metrics.text()
  assert.ok(text.split('\n').length <= 2_001 * 15 + 5)
  assert.match(text, /_total\{method="other",request="other",service="s",status_code="other"\} \d+\n/)
})
