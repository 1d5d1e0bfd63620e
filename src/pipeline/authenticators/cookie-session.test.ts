import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createTestGate, type TestRule } from '../../../test/support/gate.ts'
import { requestView, type ViewParts } from '../../../test/support/request-view.ts'
import { openedSession, sessionReader } from '../../../test/support/sessions.ts'
import {
  faultyAnswers,
  sendJson,
  startStub,
  type StubAnswer,
  type StubService,
  testOutbound,
} from '../../../test/support/stub-service.ts'
import { createTestClock } from '../../../test/support/test-clock.ts'
import type { Decision } from '../../kernel/gate.ts'
import { silentLogger } from '../../kernel/logger.ts'
import type { PipelineDeps } from '../deps.ts'

interface Rig {
  readonly stub: StubService
  ask(parts?: ViewParts, config?: Record<string, unknown>, rule?: TestRule): Promise<Decision>
}

async function startRig(t: TestContext, answer: StubAnswer, deps: Partial<PipelineDeps> = {}): Promise<Rig> {
  const stub = await startStub(t, answer)
  const outbound = deps.outbound ?? testOutbound(t)
  return {
    stub,
    async ask(parts = {}, config = {}, rule = {}) {
      const handler = {
        handler: 'cookie_session',
        config: { check_session_url: `${stub.origin}/whoami`, preserve_path: true, ...config },
      }
      const gate = createTestGate({
        rules: [{ authenticators: [handler, 'anonymous'], ...rule }],
        settings: {
          authenticators: { cookie_session: { enabled: true }, anonymous: { enabled: true } },
        },
        deps: { ...deps, outbound },
      })
      return gate.decide(requestView({ headers: [['Cookie', 'sid=alice']], ...parts }))
    },
  }
}

const ALICE = { subject: 'alice', extra: { email: 'a@example.com', n: 1 } }

function granted(decision: Decision) {
  assert.ok(decision.granted)
  const { subject, extra } = decision.exchange
  return { subject, extra }
}

function refused(decision: Decision) {
  assert.ok(!decision.granted)
  const { code, reason, headers } = decision.error
  return { code, reason, headers }
}

test('subject and extra come from the answer of the session service', async (t) => {
  const { ask, stub } = await startRig(t, sendJson(ALICE))
  assert.deepEqual(granted(await ask()), ALICE)
  const { headers, ...call } = stub.calls[0] ?? assert.fail()
  assert.deepEqual(call, { method: 'GET', url: '/whoami', body: '' })
  const { connection: _, host: __, ...sent } = headers
  assert.deepEqual(sent, { cookie: 'sid=alice', 'accept-encoding': 'identity' })
})

test('without a cookie it is not responsible', async (t) => {
  const { ask, stub } = await startRig(t, sendJson(ALICE))
  for (const cookie of [undefined, '', ';', 'bad name=x', 'é=x']) {
    const headers: [string, string][] = cookie === undefined ? [] : [['Cookie', cookie]]
    assert.equal(granted(await ask({ headers })).subject, 'anonymous')
  }
  assert.equal(stub.calls.length, 0)
})

test('`only` names the cookies that count', async (t) => {
  const { ask } = await startRig(t, sendJson(ALICE))
  assert.equal(granted(await ask({}, { only: ['sid', 'other'] })).subject, 'alice')
  assert.equal(granted(await ask({}, { only: ['SID'] })).subject, 'anonymous')
})

test('the session of our own login is neither sent nor counted', async (t) => {
  const { ask, stub } = await startRig(t, sendJson(ALICE), { sessions: sessionReader(() => openedSession()) })
  assert.equal(granted(await ask({ headers: [['Cookie', 'session=ticket']] })).subject, 'anonymous')
  await ask({ headers: [['Cookie', 'session=ticket; sid=alice']] })
  assert.deepEqual(
    stub.calls.map(({ headers }) => headers['cookie']),
    ['sid=alice'],
  )
})

test('method, path and query follow the configuration', async (t) => {
  const { ask, stub } = await startRig(t, sendJson(ALICE))
  const request: ViewParts = { method: 'POST', path: '/a b/ü', rawPath: '', rawQuery: 'q=%20x' }
  const url = `${stub.origin}/base/./%2e/x?fixed=a b#fragment`
  const rule = { url: 'http://app.example/a b/ü' }
  for (const config of [
    { preserve_path: true },
    { preserve_path: true, preserve_query: false, force_method: 'GET' },
    { preserve_path: false, preserve_query: true },
    { preserve_path: false, preserve_query: false },
  ]) {
    await ask(request, { check_session_url: url, ...config }, rule)
  }
  await ask({}, { check_session_url: `${stub.origin}/ü ö` })
  assert.deepEqual(
    stub.calls.map(({ method, url: sent }) => `${method} ${sent}`),
    [
      'POST /base/./%2e/x?fixed=a%20b',
      'GET /base/./%2e/x?q=%20x',
      'POST /a%20b/%C3%BC?fixed=a%20b',
      'POST /a%20b/%C3%BC?q=%20x',
      'GET /%C3%BC%20%C3%B6',
    ],
  )
})

test('V-054: only the configured headers are sent, and none that belongs to a connection', async (t) => {
  const { ask, stub } = await startRig(t, sendJson(ALICE))
  const headers: [string, string][] = [
    ['Cookie', 'a=b'],
    ['Cookie', 'sid=alice'],
    ['Authorization', 'Bearer secret'],
    ['X-Copied', 'one'],
    ['x-copied', 'two'],
    ['X-Set', 'by the client'],
    ['Content-Length', '7'],
    ['X-Forwarded-Host', 'spoof.example'],
  ]
  await ask(
    { headers, receivedHost: 'gateway.example' },
    {
      forward_http_headers: ['x-copied', 'X-SET', 'Host', 'Content-Length', 'Connection', 'Transfer-Encoding'],
      additional_headers: { 'x-set': 'by us', 'X-Forwarded-Host': 'fixed.example', Host: 'evil.example' },
      preserve_host: true,
    },
  )
  const { connection: _, host, ...sent } = stub.calls[0]?.headers ?? {}
  assert.equal(host, new URL(stub.origin).host)
  assert.deepEqual(sent, {
    cookie: 'a=b; sid=alice',
    'accept-encoding': 'identity',
    'x-copied': 'one, two',
    'x-set': 'by us',
    'x-forwarded-host': 'gateway.example',
  })
})

test('name and password of the URL are sent as Basic, and stand in no log and no answer', async (t) => {
  const { ask, stub } = await startRig(t, sendJson(ALICE))
  const withPassword = stub.origin.replace('http://', 'http://us%40er:pa%3Ass@')
  await ask({}, { check_session_url: `${withPassword}/x` })
  assert.equal(stub.calls[0]?.headers['authorization'], `Basic ${Buffer.from('us@er:pa:ss').toString('base64')}`)
  const broken = refused(await ask({}, { check_session_url: 'http://us:secret@127.0.0.1:1/x' }))
  assert.equal(broken.code, 'ERR_ACCESS_FORBIDDEN')
  assert.ok(!JSON.stringify(broken).includes('secret'))
})

test('subject_from and extra_from are gjson paths', async (t) => {
  const { ask } = await startRig(t, sendJson({ identity: { id: 'id-1', traits: { roles: ['a', 'b'] } } }))
  const config = { subject_from: 'identity.traits.roles.1', extra_from: '@this' }
  assert.deepEqual(granted(await ask({}, config)), {
    subject: 'b',
    extra: { identity: { id: 'id-1', traits: { roles: ['a', 'b'] } } },
  })
})

for (const [what, document, config, reason] of [
  [
    'a number as subject',
    { subject: 1 },
    {},
    'subject_from GJSON path returned an error on JSON output: json: cannot unmarshal number into Go value of type string',
  ],
  [
    'a list as subject',
    { subject: ['a'] },
    {},
    'subject_from GJSON path returned an error on JSON output: json: cannot unmarshal array into Go value of type string',
  ],
  [
    'a boolean as extra',
    { extra: true },
    {},
    'extra_from GJSON path returned an error on JSON output: json: cannot unmarshal bool into Go value of type map[string]interface {}',
  ],
  [
    'a list as extra',
    { extra: [] },
    {},
    'extra_from GJSON path returned an error on JSON output: json: cannot unmarshal array into Go value of type map[string]interface {}',
  ],
] as const) {
  test(`V-008: ${what} refuses`, async (t) => {
    const { ask } = await startRig(t, sendJson(document))
    const { code, reason: said } = refused(await ask({}, config))
    assert.deepEqual([code, said], ['ERR_ACCESS_FORBIDDEN', `The configured ${reason}`])
  })
}

test('V-008: an answer that names nobody is accepted, as in Oathkeeper, with a warning once a minute', async (t) => {
  const warnings: unknown[] = []
  const logger = { ...silentLogger, warn: (fields: object, message: string) => warnings.push([fields, message]) }
  const clock = createTestClock()
  const stub = await startStub(t, sendJson({}))
  const gate = createTestGate({
    rules: [{ authenticators: [{ handler: 'cookie_session', config: { check_session_url: stub.origin } }] }],
    settings: { authenticators: { cookie_session: { enabled: true } } },
    deps: { outbound: testOutbound(t), logger, clock },
  })
  const ask = async () => gate.decide(requestView({ headers: [['Cookie', 'sid=x']] }))
  for (const body of ['{}', '{"subject":null}', '[]', 'hello', '', '<html>{</html>']) {
    stub.answer = (_call, response) => void response.end(body)
    assert.deepEqual(granted(await ask()), { subject: '', extra: undefined }, body)
  }
  assert.equal(warnings.length, 1)
  clock.advance(60_000)
  await ask()
  assert.equal(warnings.length, 2)
})

test('429 reaches the client with what the service says about its limits', async (t) => {
  const limits = { 'Retry-After': '7', 'X-RateLimit-Limit': '10', 'X-RateLimit-Remaining': '0', 'X-Other': 'no' }
  const { ask } = await startRig(t, sendJson({}, 429, limits))
  const decision = await ask()
  assert.deepEqual(refused(decision).code, 'ERR_RATE_LIMITED')
  assert.deepEqual(refused(decision).headers, [
    ['Retry-After', '7'],
    ['X-Ratelimit-Limit', '10'],
    ['X-Ratelimit-Remaining', '0'],
  ])
})

test('V-049: equal questions at the same time are one, different ones never are', async (t) => {
  const stub = await startStub(t, ({ headers }, response) => {
    const subject = /sid=([^;]*)/.exec(String(headers['cookie']))?.[1] ?? ''
    setTimeout(() => response.end(JSON.stringify({ subject })), 20)
  })
  const config = {
    check_session_url: `${stub.origin}/whoami`,
    preserve_path: true,
    forward_http_headers: ['X-A', 'X-B'],
  }
  const gate = createTestGate({
    rules: [{ authenticators: [{ handler: 'cookie_session', config }] }],
    settings: { authenticators: { cookie_session: { enabled: true } } },
    deps: { outbound: testOutbound(t) },
  })
  const of = async (sid: string, a: string, b: string) =>
    granted(
      await gate.decide(
        requestView({
          headers: [
            ['Cookie', `sid=${sid}`],
            ['X-A', a],
            ['X-B', b],
          ],
        }),
      ),
    ).subject
  const subjects = await Promise.all([
    of('alice', 'a:b', 'c'),
    of('alice', 'a:b', 'c'),
    of('alice', 'a', 'b:c'),
    of('bob', 'a:b', 'c'),
    of('bob', 'a","X-B","b', 'c'),
  ])
  assert.deepEqual(subjects, ['alice', 'alice', 'alice', 'bob', 'bob'])
  assert.equal(stub.calls.length, 4)
})

test('V-037: no malformed cookie lets anybody in', async (t) => {
  const { ask, stub } = await startRig(t, ({ headers }, response) => {
    response.writeHead(/(^|; )sid=alice(;|$)/.test(String(headers['cookie'])) ? 200 : 401).end(JSON.stringify(ALICE))
  })
  const rule = {
    authenticators: [{ handler: 'cookie_session', config: { check_session_url: stub.origin, only: ['sid'] } }],
  }
  const cookies = [
    'sid=%',
    'sid=%E0%A4%A',
    'sid',
    'sid=',
    'sid={}',
    'sid="alice',
    'sid=alice\\',
    'SID=alice',
    'sid =x',
    '__proto__=sid',
    'sid=é',
    'sid=alice%00',
    `sid=${'a'.repeat(8000)}`,
  ]
  for (const cookie of cookies) {
    assert.ok(!(await ask({ headers: [['Cookie', cookie]] }, {}, rule)).granted, cookie)
  }
})

test('FM-32 A-34 V-047 V-114: whatever fails at the session service refuses, in time, and is not followed', async (t) => {
  const canary = await startStub(t, sendJson(ALICE))
  const { ask, stub } = await startRig(t, sendJson(ALICE), { outbound: testOutbound(t, 150) })
  for (const [what, answer] of faultyAnswers(`${canary.origin}/elsewhere`)) {
    stub.answer = answer
    const started = performance.now()
    const decision = await ask()
    assert.ok(!decision.granted, what)
    assert.match(decision.error.code, /^ERR_(ACCESS_FORBIDDEN|CREDENTIALS_INVALID)$/, what)
    assert.ok(performance.now() - started < 1000, what)
  }
  assert.equal(canary.calls.length, 0)
  stub.answer = sendJson(ALICE)
  assert.equal(granted(await ask()).subject, 'alice')
})

const rule = (url: string, stub: StubService): TestRule => ({
  url,
  authenticators: [{ handler: 'cookie_session', config: { check_session_url: stub.origin } }],
})

test('FM-32: a service that hangs holds up nobody but those who ask it, and leaves nothing behind', async (t) => {
  const hanging = await startStub(t, () => {})
  const good = await startStub(t, sendJson(ALICE))
  const gate = createTestGate({
    rules: [rule('http://app.example/hanging', hanging), rule('http://app.example/good', good)],
    settings: { authenticators: { cookie_session: { enabled: true } } },
    deps: { outbound: testOutbound(t, 1000) },
  })
  const ask = async (path: string, sid: number) =>
    gate.decide(requestView({ path, headers: [['Cookie', `sid=${sid}`]] }))
  // More than there are connections to one service.
  const stuck = Promise.all(Array.from({ length: 300 }, (_, i) => ask('/hanging', i)))
  let isStuck = true
  void stuck.finally(() => (isStuck = false))
  for (let i = 0; i < 20; i++) assert.equal(granted(await ask('/good', i)).subject, 'alice')
  assert.ok(isStuck)
  assert.ok((await stuck).every((decision) => !decision.granted))
  hanging.answer = sendJson(ALICE)
  assert.equal(granted(await ask('/hanging', 1)).subject, 'alice')
})

test('V-072: what cannot be called is a problem of the rule', async (t) => {
  const { ask } = await startRig(t, sendJson(ALICE))
  for (const config of [
    { check_session_url: 'ftp://session.example/' },
    { force_method: 'GET /' },
    { forward_http_headers: [1] },
    { additional_headers: { 'a b': 'c' } },
    { unknown: 1 },
  ]) {
    assert.equal(refused(await ask({}, config)).code, 'ERR_HANDLER_MISCONFIGURED')
  }
})
