import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestGate, createTestRegistry, makeRule } from '../../../test/support/gate.ts'
import { requestView, type ViewParts } from '../../../test/support/request-view.ts'
import { reply, type Service, startService } from '../../../test/support/service.ts'
import { GateError } from '../../kernel/errors.ts'
import type { Decision } from '../../kernel/gate.ts'
import type { HandlerReference } from '../../kernel/rule.ts'

type Config = Record<string, unknown>

const ON = { enabled: true }
const SETTINGS = { authorizers: { remote: ON, remote_json: ON, allow: ON }, mutators: { header: ON, noop: ON } }

/** Decides a request of which a remote service is asked. */
async function decide(
  service: Service,
  config: Config = {},
  request: ViewParts = {},
  handler: 'remote' | 'remote_json' = 'remote',
): Promise<Decision> {
  const payload = handler === 'remote' ? {} : { payload: '{"sub":{{ .Subject | toJson }}}' }
  const authorizer = { handler, config: { remote: `${service.origin}/check`, ...payload, ...config } }
  const gate = createTestGate({ rules: [{ authorizer }], deps: { outbound: service.outbound }, settings: SETTINGS })
  return gate.decide(requestView(request))
}

const json = (service: Service, config: Config = {}, request: ViewParts = {}) =>
  decide(service, config, request, 'remote_json')

const refuseBody = (): Promise<Uint8Array> => Promise.reject(new GateError('ERR_REQUEST_BODY_TOO_LARGE'))

function errorOf(decision: Decision): GateError {
  assert.ok(!decision.granted)
  return decision.error
}

for (const ask of [decide, json]) {
  const name = ask === json ? 'remote_json' : 'remote'

  test(`${name}: 200 allows`, async (t) => {
    assert.ok((await ask(await startService(t))).granted)
  })

  test(`${name}: 403 refuses`, async (t) => {
    assert.equal(errorOf(await ask(await startService(t, reply(403)))).code, 'ERR_ACCESS_FORBIDDEN')
  })

  for (const status of [201, 202, 204, 206, 400, 401, 404, 409, 501]) {
    test(`${name}: ${status} is no answer: 500`, async (t) => {
      const service = await startService(t, reply(status))
      const error = errorOf(await ask(service))
      assert.deepEqual([error.code, error.status], ['ERR_AUTHORIZER_FAILED', 500])
      assert.equal(error.reason, `expected status code 200 but got ${status}`)
      assert.equal(service.calls.length, 1)
    })
  }

  test(`${name}: 429 reaches the client with what the service says of its limits`, async (t) => {
    const limits = { 'retry-after': '120', 'x-ratelimit-remaining': '0', 'x-other': 'x' }
    const decision = await ask(await startService(t, reply(429, limits)))
    assert.ok(!decision.granted)
    assert.equal(decision.reply.status, 429)
    const headers = decision.reply.headers.filter(([header]) => /^(retry|x-)/i.test(header))
    assert.deepEqual(headers, [
      ['Retry-After', '120'],
      ['X-Ratelimit-Remaining', '0'],
    ])
  })

  test(`${name}: what fails is tried again for as long as give_up_after says`, async (t) => {
    const service = await startService(t, (_call, response) => {
      if (service.calls.length < 4) response.destroy()
      else response.end()
    })
    assert.ok((await ask(service, { retry: { max_delay: '1ms' } })).granted)
    const before = service.calls.length
    service.answer = reply(503)
    const error = errorOf(await ask(service, { retry: { max_delay: '1ms' } }))
    assert.deepEqual([error.code, service.calls.length - before], ['ERR_AUTHORIZER_FAILED', 5])
  })

  test(`${name}: headers come from templates, replace what is copied, and are not sent empty`, async (t) => {
    const service = await startService(t)
    const headers = {
      'X-Sub': '{{ print .Subject }}',
      'x-none': '{{ print .Extra.nope }}',
      'Content-Type': 'text/x',
      Authorization: 'Token t',
      'X-Uni': 'é 名',
      Host: 'elsewhere.example',
      'Content-Length': '1',
      Connection: 'close',
    }
    assert.ok((await ask(service, { headers })).granted)
    const sent = service.calls[0]?.headers ?? {}
    assert.equal(sent['x-sub'], 'anonymous')
    assert.ok(!('x-none' in sent))
    assert.equal(sent['content-type'], 'text/x')
    assert.equal(sent['authorization'], 'Token t')
    assert.equal(Buffer.from(String(sent['x-uni']), 'latin1').toString(), 'é 名')
    assert.equal(sent['host'], new URL(service.origin).host)
  })

  test(`V-109: ${name}: a control character in a header is an error, not another header and not another subject`, async (t) => {
    const service = await startService(t)
    for (const text of ['a\\r\\nX-Evil: 1', 'a\\x00', '\\n']) {
      const error = errorOf(await ask(service, { headers: { 'X-A': `{{ print "${text}" }}` } }))
      assert.deepEqual([error.code, error.status], ['ERR_TEMPLATE_FAILED', 500])
    }
    assert.equal(service.calls.length, 0)
    // Characters that become CR and LF when they are cut to a byte.
    assert.ok((await ask(service, { headers: { 'X-A': '{{ print "\\u010d\\u010aX-Evil: 1" }}' } })).granted)
    assert.ok(!('x-evil' in (service.calls[0]?.headers ?? {})))
  })

  test(`V-054: ${name}: the service gets nothing of the client’s but what is configured`, async (t) => {
    const service = await startService(t)
    const request: ViewParts = {
      headers: [
        ['Cookie', 'session=secret'],
        ['X-Api-Key', 'secret'],
        ['X-Forwarded-For', '192.0.2.1'],
        ['User-Agent', 'browser'],
      ],
    }
    assert.ok((await ask(service, {}, request)).granted)
    const names = Object.keys(service.calls[0]?.headers ?? {}).filter((header) => header !== 'host')
    assert.deepEqual(names.toSorted(), ['accept-encoding', 'connection', 'content-length', 'content-type'])
  })

  test(`A-34: ${name}: a redirect is not followed`, async (t) => {
    const other = await startService(t)
    for (const status of [301, 302, 303, 307, 308]) {
      const service = await startService(t, reply(status, { location: other.origin }))
      assert.equal(errorOf(await ask(service)).code, 'ERR_AUTHORIZER_FAILED')
    }
    assert.equal(other.calls.length, 0)
  })
}

test('remote sends a copy of the body and its type, and the upstream gets the same body', async (t) => {
  const service = await startService(t)
  const body = Buffer.from('payload \u0000 é')
  const limits: number[] = []
  const request: ViewParts = {
    method: 'PUT',
    headers: [['Content-Type', 'text/plain']],
    readBody: (limit) => {
      limits.push(limit)
      return Promise.resolve(body)
    },
  }
  assert.ok((await decide(service, {}, request)).granted)
  assert.deepEqual(
    service.calls.map(({ method, url, headers, body: sent }) => [method, url, headers['content-type'], sent]),
    [['POST', '/check', 'text/plain', body.toString()]],
  )
  assert.deepEqual(limits, [10 * 1024 * 1024])
})

test('remote without a body says so, with the empty type that Oathkeeper sends', async (t) => {
  const service = await startService(t)
  assert.ok((await decide(service)).granted)
  const { headers } = service.calls[0] ?? assert.fail()
  assert.deepEqual([headers['content-length'], headers['content-type']], ['0', ''])
})

test('a body that is too large is 413, and the service is not asked about a part of it', async (t) => {
  const service = await startService(t)
  const decision = await decide(service, {}, { readBody: refuseBody })
  assert.ok(!decision.granted)
  assert.equal(decision.reply.status, 413)
  assert.equal(service.calls.length, 0)
})

test('remote_json sends its payload as it is rendered', async (t) => {
  const service = await startService(t)
  const payload = ' {"sub":"{{ print .Subject }}", "n": 1.0 }\n'
  assert.ok((await json(service, { payload })).granted)
  const { body, headers } = service.calls[0] ?? assert.fail()
  assert.equal(body, ' {"sub":"anonymous", "n": 1.0 }\n')
  assert.equal(headers['content-type'], 'application/json')
})

test('remote_json: what does not render to JSON is 500, and nobody is asked', async (t) => {
  const service = await startService(t)
  for (const payload of ['', '{"sub": {{ .Subject }}}', '{"a":1} x', '{{ .Nope }}', "{'a':1}"]) {
    const error = errorOf(await json(service, { payload }))
    assert.deepEqual([error.code, error.status], ['ERR_TEMPLATE_FAILED', 500], payload)
  }
  assert.equal(service.calls.length, 0)
})

test('headers of the answer go to the upstream, empty where the answer has none, and never from the client', async (t) => {
  const service = await startService(t, reply(200, { 'x-up': 'é', 'x-two': '2', 'content-length': '0' }))
  const names = ['x-up', 'X-TWO', 'X-Absent', 'Content-Length', 'Connection']
  const request = requestView({
    headers: [
      ['X_Up', 'spoof'],
      ['x-absent', 'spoof'],
      ['X.Two', 'spoof'],
      ['X-Mine', 'kept'],
    ],
  })
  const authorizer: HandlerReference = {
    handler: 'remote',
    config: { remote: service.origin, forward_response_headers_to_upstream: names },
  }
  const gate = createTestGate({ rules: [{ authorizer }], deps: { outbound: service.outbound }, settings: SETTINGS })
  const decision = await gate.decide(request)
  assert.ok(decision.granted)
  const sent = Object.fromEntries(decision.exchange.headers)
  assert.deepEqual(Object.keys(sent), ['X-Up', 'X-Two', 'X-Absent'])
  assert.deepEqual([sent['X-Two'], sent['X-Absent']], [['2'], ['']])
  assert.deepEqual([...request.headers], [['X-Mine', 'kept']])
})

test('a name and a password in the URL are sent as Basic', async (t) => {
  const service = await startService(t)
  const remote = service.origin.replace('http://', 'http://us%20er:pa%3Ass@')
  assert.ok((await decide(service, { remote })).granted)
  assert.equal(service.calls[0]?.headers['authorization'], `Basic ${Buffer.from('us er:pa:ss').toString('base64')}`)
})

test('mistakes of the configuration are told at their place', () => {
  const problemsOf = (config: Config, handler = 'remote'): string[] =>
    createTestRegistry({}, SETTINGS)
      .compileRule(makeRule({ authorizer: { handler, config: { remote: 'http://h/', ...config } } }))
      .problems.map(({ path, message }) => `${path}: ${message}`)
  assert.match(problemsOf({ remote: 'ftp://h/' })[0] ?? '', /^authorizer\.config\.remote: must be an http/)
  assert.match(
    problemsOf({ headers: { 'X A': '1' } })[0] ?? '',
    /^authorizer\.config\.headers\.X A: "X A" is not the name/,
  )
  assert.match(problemsOf({ headers: { 'X-A': '{{ if }}' } })[0] ?? '', /headers\.X-A: the template does not parse/)
  const forward = { forward_response_headers_to_upstream: ['X-A', 'X B'] }
  assert.match(problemsOf(forward)[0] ?? '', /upstream\[1\]: "X B" is not the name of a header/)
  assert.match(problemsOf({ forward_response_headers_to_upstream: ['A', 'A'] })[0] ?? '', /anything twice/)
  assert.match(problemsOf({}, 'remote_json')[0] ?? '', /^authorizer\.config\.payload/)
  assert.match(problemsOf({ payload: '{{' }, 'remote_json')[0] ?? '', /payload: the template does not parse/)
})
