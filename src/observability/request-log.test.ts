import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { ask } from '../../test/support/api.ts'
import { createLog, type LogLevel } from './log.ts'
import { createRequestLog, type RequestLogOptions } from './request-log.ts'

type Header = readonly [name: string, value: string]

interface Entry {
  readonly msg: string
  readonly service: string
  readonly http_request: { readonly query: string; readonly headers: Readonly<Record<string, string>> }
  readonly http_response: unknown
}

const OPTIONS: RequestLogOptions = {
  leakSensitiveValues: false,
  redactionText: '[hidden]',
  additionalRedactedHeaders: ['x-mine'],
  isOwnCookie: (name) => name === 'oathkeeper',
}

/** What is logged of one request. */
async function logOf(
  t: TestContext,
  path: string,
  headers: readonly Header[],
  options: Partial<RequestLogOptions> = {},
  level: LogLevel = 'debug',
): Promise<{ readonly text: string; readonly entry: Entry | undefined }> {
  let text = ''
  const sink = { write: (more: string) => void (text += more), flushSync() {} }
  const log = createLog({ level, format: 'json', source: { serviceName: 'x', serviceVersion: '1' }, sink })
  const write = createRequestLog(log, 'oathkeeper-proxy', { ...OPTIONS, ...options })
  const server = createServer((request, response) => {
    write(request, 200, 1.23456)
    response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  await ask({ port: (server.address() as AddressInfo).port, path, headers: [['Host', 'app.example'], ...headers] })
  log.flushSync()
  return { text, entry: text === '' ? undefined : (JSON.parse(text) as Entry) }
}

const SECRETS: readonly Header[] = [
  ['Authorization', 'Bearer s3cret'],
  ['Cookie', 'oathkeeper=s3cret; theme=dark'],
  ['X-Session-Token', 's3cret'],
  ['X-Api-Key', 's3cret'],
  ['X-Amz-Security-Token', 's3cret'],
  ['Proxy-Authorization', 's3cret'],
  ['X-Mine', 's3cret'],
]

test('of a request everything is told but what may be a secret', async (t) => {
  const headers: Header[] = [
    ...SECRETS,
    ['Referer', 'https://a.example/x?code=s3cret'],
    ['X-Forwarded-Uri', '/y#s3cret'],
    ['User-Agent', 'curl'],
    ['X-Twice', 'a'],
    ['X-Twice', 'b'],
  ]
  const { entry, text } = await logOf(t, '/page?token=s3cret', headers)
  assert.doesNotMatch(text, /s3cret/)
  assert.deepEqual(entry?.http_request, {
    remote: '127.0.0.1',
    method: 'GET',
    path: '/page',
    query: '[hidden]',
    scheme: 'http',
    host: 'app.example',
    headers: {
      host: 'app.example',
      authorization: '[hidden]',
      cookie: '[hidden]',
      'x-session-token': '[hidden]',
      'x-api-key': '[hidden]',
      'x-amz-security-token': '[hidden]',
      'proxy-authorization': '[hidden]',
      'x-mine': '[hidden]',
      referer: 'https://a.example/x?[hidden]',
      'x-forwarded-uri': '/y?[hidden]',
      'user-agent': 'curl',
      'x-twice': 'a, b',
      connection: 'close',
    },
  })
  assert.deepEqual(entry.http_response, { status: 200, text_status: 'OK', took_ms: 1.235 })
  assert.deepEqual([entry.msg, entry.service], ['completed handling request', 'oathkeeper-proxy'])
})

test('`leak_sensitive_values` shows all of it but our own cookies', async (t) => {
  const { entry } = await logOf(t, '/?a=b', SECRETS, { leakSensitiveValues: true })
  const { headers, query } = entry?.http_request ?? { headers: {}, query: '' }
  assert.deepEqual([headers['authorization'], headers['x-mine'], query], ['Bearer s3cret', 's3cret', 'a=b'])
  assert.equal(headers['cookie'], 'theme=dark')
  const own = await logOf(t, '/', [['Cookie', 'oathkeeper=s3cret']], { leakSensitiveValues: true })
  assert.equal(own.entry?.http_request.headers['cookie'], '[hidden]')
})

test('a header cannot forge a member or a line', async (t) => {
  const { text, entry } = await logOf(t, '/', [
    ['__proto__', 'x'],
    ['X-A', '","msg":"forged\u0085'],
  ])
  assert.equal(text.trim().split('\n').length, 1)
  assert.equal(entry?.msg, 'completed handling request')
  assert.equal(entry.http_request.headers['x-a'], '","msg":"forged\u0085')
})

test('questions about our health are not logged, nor anything at other levels', async (t) => {
  assert.equal((await logOf(t, '/health/alive?x', [])).text, '')
  assert.equal((await logOf(t, '/x', [], {}, 'info')).text, '')
})
