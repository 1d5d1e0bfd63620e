import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GateError } from '../kernel/errors.ts'
import { Secret } from '../lib/secret.ts'
import { createFormatter, type LogFormat } from './format.ts'

const NOW = Date.UTC(2026, 6, 24, 10, 11, 12, 7)
const SOURCE = { serviceName: 'Oathkeeper', serviceVersion: '1.0.0' }

function format(kind: LogFormat, fields: Record<string, unknown>, message = 'Said', now = NOW): string {
  return createFormatter(kind, SOURCE)('info', now, message, fields)
}

test('json is one object a line', () => {
  assert.equal(
    format('json', { rule_id: 'a', granted: true, took_ms: 0.5, nothing: undefined, empty: null }),
    '{"time":"2026-07-24T10:11:12.007Z","level":"info","msg":"Said","rule_id":"a","granted":true,"took_ms":0.5,"empty":null,"service_name":"Oathkeeper","service_version":"1.0.0","audience":"application"}\n',
  )
})

test('json_pretty is the same object over several lines', () => {
  const pretty = format('json_pretty', { rule_id: 'a\u009b' })
  assert.deepEqual(JSON.parse(pretty), JSON.parse(format('json', { rule_id: 'a\u009b' })))
  assert.ok(pretty.startsWith('{\n  "time"') && !pretty.includes('\u009b'))
})

test('gelf has its own names, and ours behind an underscore', () => {
  const entry = JSON.parse(format('gelf', { rule_id: 'a' }))
  assert.equal(typeof entry.host, 'string')
  delete entry.host
  assert.deepEqual(entry, {
    version: '1.1',
    short_message: 'Said',
    timestamp: NOW / 1000,
    level: 6,
    _rule_id: 'a',
    _service_name: 'Oathkeeper',
    _service_version: '1.0.0',
  })
})

test('text quotes what is not a plain word', () => {
  assert.equal(
    format('text', { rule_id: 'a', http_path: '/x y', subject: '', at: { deep: [1] }, n: 5 }),
    'time="2026-07-24T10:11:12.007Z" level=info msg="Said" rule_id=a http_path="/x y" subject="" at="{\\"deep\\":[1]}" n=5\n',
  )
})

test('the time follows the clock over the second, and backwards', () => {
  const write = createFormatter('text', SOURCE)
  const times = [NOW, NOW + 993, NOW - 60_000].map((now) => /time="([^"]+)"/.exec(write('info', now, '', {}))?.[1])
  assert.deepEqual(times, ['2026-07-24T10:11:12.007Z', '2026-07-24T10:11:13.000Z', '2026-07-24T10:10:12.007Z'])
})

test('H-10: nothing in a field or a message begins a line or reaches a terminal', () => {
  const hostile = 'a\r\nlevel=error msg=forged\u0000\u001b[2J\u0085\u009b31m\u2028\u2029\u202e"\\\u007f'
  for (const kind of ['json', 'json_pretty', 'gelf', 'text'] as const) {
    const entry = format(kind, { subject: hostile, list: [hostile], [hostile]: 1 }, hostile)
    const body = kind === 'json_pretty' ? entry.replaceAll('\n', ' ') : entry.slice(0, -1)
    assert.doesNotMatch(body, /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e]/, kind)
  }
  assert.equal(JSON.parse(format('json', { subject: hostile })).subject, hostile)
})

test('H-10: what is named like a secret shows no value, at any depth', () => {
  const fields = {
    authorization: 'Bearer v3ry',
    cookie: 'session=v3ry',
    client_secret: 'v3ry',
    access_token: 'v3ry',
    password: 'v3ry',
    state: 'v3ry',
    code: 'v3ry',
    query: 'code=v3ry',
    session: { id_token: 'v3ry', list: [{ ticket: 'v3ry' }] },
    wrapped: new Secret('v3ry'),
  }
  for (const kind of ['json', 'json_pretty', 'gelf', 'text'] as const) {
    assert.ok(!format(kind, fields).includes('v3ry'), kind)
  }
  assert.equal(JSON.parse(format('json', { session_id: 'public', error_code: 'ERR_X' })).session_id, 'public')
})

test('an error is told with its code, its detail and what caused it, without a stack', () => {
  const cause = new Error('connect ECONNREFUSED', { cause: new Error('inner') })
  const error = new GateError('ERR_SESSION_STORE_UNAVAILABLE', { cause, detail: 'GET failed' })
  assert.deepEqual(JSON.parse(format('json', { error })).error, {
    message: 'The session store could not be asked',
    error_code: 'ERR_SESSION_STORE_UNAVAILABLE',
    detail: 'GET failed',
    cause: { message: 'connect ECONNREFUSED', cause: { message: 'inner' } },
  })
})

test('what JSON cannot hold does not break the log', () => {
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  for (const value of [cycle, 10n, Symbol('s'), () => {}, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.doesNotThrow(() => JSON.parse(format('json', { value })))
  }
})
