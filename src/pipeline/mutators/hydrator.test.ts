import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createTestGate, createTestRegistry, makeRule } from '../../../test/support/gate.ts'
import { requestView, type ViewParts } from '../../../test/support/request-view.ts'
import { reply, type Service, startService } from '../../../test/support/service.ts'
import type { StubAnswer } from '../../../test/support/stub-service.ts'
import { LOGIN_ENTRY, openedSession, sessionReader } from '../../../test/support/sessions.ts'
import { createTestClock } from '../../../test/support/test-clock.ts'
import type { Decision } from '../../kernel/gate.ts'
import type { HandlerReference } from '../../kernel/rule.ts'

type Answered = Record<string, unknown>

const ON = { enabled: true }
const SETTINGS = { mutators: { hydrator: ON, header: ON, noop: ON } }

const header = (headers: Record<string, string>): HandlerReference => ({ handler: 'header', config: { headers } })

/** A service that answers what it is given with more in it. */
const hydrates =
  (more: (session: Answered) => Answered = (session) => session): StubAnswer =>
  ({ body }, response) =>
    void response.end(JSON.stringify(more(JSON.parse(body) as Answered)))

interface Parts {
  readonly api?: Record<string, unknown>
  readonly cache?: Record<string, unknown>
  /** Mutators after the hydrator. */
  readonly after?: readonly HandlerReference[]
  readonly before?: readonly HandlerReference[]
  readonly authenticators?: readonly string[]
}

function rig(
  service: Service,
  { api = {}, cache, after = [], before = [], authenticators = ['anonymous'] }: Parts = {},
) {
  const clock = createTestClock()
  const config = { api: { url: `${service.origin}/hydrate`, ...api }, ...(cache && { cache }) }
  const mutators = [...before, { handler: 'hydrator', config }, ...after]
  const sessions = sessionReader(() => openedSession())
  const deps = { outbound: service.outbound, clock, sessions, login: LOGIN_ENTRY }
  const rules = ['/', '/a b'].map((path) => ({
    url: `http://app.example${path}`,
    mutators,
    authenticators,
    captureGroups: ['g', ''],
  }))
  const gate = createTestGate({ rules, deps, settings: SETTINGS })
  return { clock, decide: async (request: ViewParts = {}): Promise<Decision> => gate.decide(requestView(request)) }
}

async function decide(t: TestContext, answer: Answered, parts: Parts = {}, request: ViewParts = {}): Promise<Decision> {
  return rig(await startService(t, reply(200, {}, answer)), parts).decide(request)
}

function grantedHeaders(decision: Decision): Record<string, string[]> {
  assert.ok(decision.granted, decision.granted ? '' : (decision.error.detail ?? decision.error.message))
  return Object.fromEntries(decision.exchange.headers)
}

/** As Node has it from the wire. */
const wire = (text: string): string => Buffer.from(text).toString('latin1')

const REQUEST = {
  method: 'POST',
  path: '/a b',
  rawPath: '/a%20b',
  rawQuery: 'b=2&a=1;x&a=%20',
  headers: [
    ['X-In', 'a'],
    ['x-in', wire('é')],
    ['Cookie', 'other=1; session=ticket'],
    ['Accept-Encoding', 'gzip'],
    ['Content-Length', '5'],
    ['Content-Type', 'text/plain'],
    ['Connection', 'X-Hop'],
    ['X-Hop', '1'],
  ],
} satisfies ViewParts

test('§2.3: the service gets the session as Oathkeeper writes it', async (t) => {
  const service = await startService(t, hydrates())
  await rig(service, { before: [header({ 'X-Set': 's' })] }).decide({
    ...REQUEST,
    headers: REQUEST.headers.slice(0, 2),
  })
  const { method, url, body } = service.calls[0] ?? assert.fail()
  assert.deepEqual([method, url], ['POST', '/hydrate?a=+&b=2'])
  assert.equal(
    body,
    '{"subject":"anonymous","extra":null,"header":{"X-Set":["s"]},"match_context":{"regexp_capture_groups":["g",""],' +
      '"url":{"Scheme":"http","Opaque":"","User":null,"Host":"app.example","Path":"/a b","Fragment":"",' +
      '"RawQuery":"b=2\\u0026a=1;x\\u0026a=%20","RawPath":"/a%20b","RawFragment":"","ForceQuery":false,"OmitHost":false},' +
      '"method":"POST","header":{"X-In":["a","é"]}}}',
  )
})

test('the headers of the request go with it, but those of the connection, and our own cookie', async (t) => {
  const service = await startService(t, hydrates())
  await rig(service).decide(REQUEST)
  const { headers, body } = service.calls[0] ?? assert.fail()
  const { host, connection: _, 'content-length': length, ...rest } = headers
  assert.equal(host, new URL(service.origin).host)
  assert.equal(length, String(Buffer.byteLength(body)))
  assert.deepEqual(rest, {
    'accept-encoding': 'identity',
    'content-type': 'application/json',
    cookie: 'other=1',
    'x-in': `a, ${wire('é')}`,
  })
  assert.ok(!body.includes('ticket'))
})

test('what is configured says who we are to the service', async (t) => {
  const service = await startService(t, hydrates())
  const own: ViewParts = { headers: [['Authorization', 'Bearer client']] }
  const noop = ['noop']
  await rig(service, { authenticators: noop }).decide(own)
  const basic = { username: 'hy', password: 'drator' }
  await rig(service, { authenticators: noop, api: { auth: { basic } } }).decide(own)
  const url = service.origin.replace('http://', 'http://u:p@')
  await rig(service, { authenticators: noop, api: { url } }).decide()
  await rig(service, { authenticators: noop, api: { url } }).decide(own)
  await rig(service, { authenticators: noop, api: { auth: {} } }).decide()
  assert.deepEqual(
    service.calls.map(({ headers }) => headers['authorization']),
    ['Bearer client', 'Basic aHk6ZHJhdG9y', 'Basic dTpw', 'Bearer client', 'Basic Og=='],
  )
})

test('the answer replaces the session: extra, headers, and what templates see of the match', async (t) => {
  const answer = {
    subject: 'anonymous',
    extra: { role: 'admin', n: 1 },
    header: { 'X-Role': ['admin', 'second'], 'x-name': ['é'], 'X-None': null },
    match_context: {
      regexp_capture_groups: ['h'],
      url: { Scheme: 's', Host: 'h', Path: '/p', RawQuery: 'q=1' },
      method: 'M',
      header: { 'X-In': ['mc'] },
    },
  }
  const seen =
    '{{ .Extra.role }} {{ index .MatchContext.RegexpCaptureGroups 0 }} {{ .MatchContext.URL.String }} ' +
    '{{ .MatchContext.Method }} {{ .MatchContext.Header.Get "X-In" }} {{ index .Header "X-Role" 0 }}'
  const parts = { before: [header({ 'X-Gone': 'x' })], after: [header({ 'X-Seen': seen })] }
  assert.deepEqual(grantedHeaders(await decide(t, answer, parts, REQUEST)), {
    'X-Role': ['admin', 'second'],
    'X-Name': [wire('é')],
    'X-None': [''],
    'X-Seen': ['admin h s://h/p?q=1 M mc admin'],
  })
})

test('an answer with the subject only leaves nothing else, as Oathkeeper’s zero values do', async (t) => {
  const seen =
    '{{ .Extra | toJson }}{{ .Header | toJson }}{{ .MatchContext.RegexpCaptureGroups | toJson }}{{ .MatchContext.Header.Get "X-In" }}'
  const answer = { subject: 'anonymous' }
  const after = [header({ 'X-Seen': seen })]
  assert.deepEqual(grantedHeaders(await decide(t, answer, { after }, REQUEST)), { 'X-Seen': ['nullnullnull'] })
  const broken = await decide(t, answer, { after: [header({ 'X-Seen': '{{ .MatchContext.URL.Path }}' })] }, REQUEST)
  assert.ok(!broken.granted)
  assert.equal(broken.error.code, 'ERR_TEMPLATE_FAILED')
})

test('members are found in any case, unknown ones are not looked at', async (t) => {
  const answer = { Subject: 'anonymous', EXTRA: { a: 1 }, Header: { 'X-A': ['1'] }, more: [] }
  assert.deepEqual(grantedHeaders(await decide(t, answer)), { 'X-A': ['1'] })
})

const unusable: [string, unknown][] = [
  ['another subject', { subject: 'root' }],
  ['no subject', { extra: {} }],
  ['a subject that is no text', { subject: 1 }],
  ['null', 'null'],
  ['a list', [{ subject: 'anonymous' }]],
  ['no JSON', 'hello'],
  ['nothing', ''],
  ['JSON and more', '{"subject":"anonymous"} {"subject":"root"}'],
  ['extra that is a list', { subject: 'anonymous', extra: [] }],
  ['a number that is none', '{"subject":"anonymous","extra":{"n":1e999}}'],
  ['headers that are a list', { subject: 'anonymous', header: [] }],
  ['a header that is a text', { subject: 'anonymous', header: { 'X-A': '1' } }],
  ['a header that is a number', { subject: 'anonymous', header: { 'X-A': [1] } }],
  ['a name that is none', { subject: 'anonymous', header: { 'X A': ['1'] } }],
  ['groups that are numbers', { subject: 'anonymous', match_context: { regexp_capture_groups: [1] } }],
  ['a URL that is a text', { subject: 'anonymous', match_context: { url: 'http://x/' } }],
  ['a flag that is a text', { subject: 'anonymous', match_context: { url: { OmitHost: 'yes' } } }],
  ['deep nesting', `{"subject":"anonymous","extra":${'['.repeat(1000)}${']'.repeat(1000)}}`],
]

for (const [what, body] of unusable) {
  test(`an answer with ${what} is 500 and changes nothing`, async (t) => {
    const decision = await rig(await startService(t, reply(200, {}, body))).decide()
    assert.ok(!decision.granted)
    assert.deepEqual([decision.error.code, decision.error.status], ['ERR_HYDRATOR_FAILED', 500])
    assert.equal(decision.error.message, 'The call to an external API returned an invalid JSON object')
    assert.equal(decision.exchange.headers.size, 0)
  })
}

for (const [status, hasAuth, message] of [
  [401, false, 'No credentials were provided in mutator configuration'],
  [401, true, 'Invalid credentials were provided in mutator configuration'],
  [204, false, 'The call to an external API returned a non-200 HTTP response'],
  [403, false, 'The call to an external API returned a non-200 HTTP response'],
  [429, false, 'The call to an external API returned a non-200 HTTP response'],
  [500, false, 'The call to an external API returned a non-200 HTTP response'],
] as const) {
  test(`status ${status} is 500: ${message}`, async (t) => {
    const service = await startService(t, reply(status, {}, { subject: 'anonymous' }))
    const auth = hasAuth ? { auth: { basic: { username: 'u', password: 'p' } } } : {}
    const decision = await rig(service, { api: { ...auth, retry: { max_delay: '1ms' } } }).decide()
    assert.ok(!decision.granted)
    assert.deepEqual([decision.error.status, decision.error.message], [500, message])
    assert.equal(service.calls.length, status === 429 || status === 500 ? 5 : 1)
  })
}

test('A-34: a redirect is not followed', async (t) => {
  const other = await startService(t, hydrates())
  const service = await startService(t, reply(307, { location: other.origin }))
  assert.ok(!(await rig(service).decide()).granted)
  assert.equal(other.calls.length, 0)
})

test('V-056: what the client sent under a name that the answer sets is gone, and no template reads what a rule owns', async (t) => {
  const service = await startService(
    t,
    hydrates((session) => ({ ...session, header: { 'X-Role': ['user'] } })),
  )
  const after = [header({ 'X-Own': '{{ .MatchContext.Header.Get "X-Own" }}|{{ .MatchContext.Header.Get "X-In" }}' })]
  const decision = await rig(service, { after }).decide({
    headers: [
      ['X_Role', 'admin'],
      ['x.role', 'admin'],
      ['X-Own', 'spoof'],
      ['X-In', 'kept'],
    ],
  })
  assert.deepEqual(grantedHeaders(decision), { 'X-Role': ['user'], 'X-Own': ['|kept'] })
  assert.deepEqual([...decision.exchange.request.headers], [['X-In', 'kept']])
  // The service is told all the same what the client sent.
  assert.equal(service.calls[0]?.headers['x-own'], 'spoof')
})

test('F-21 V-090: no header of the answer ends itself and begins another', async (t) => {
  const answer = {
    subject: 'anonymous',
    header: { 'X-A': ['a\r\nX-Evil: 1'], 'Content-Length': ['7'], Connection: ['x'] },
  }
  assert.deepEqual(grantedHeaders(await decide(t, answer)), { 'X-A': ['a  X-Evil: 1'] })
})

test('F-31: a header that no upstream would take is an error here', async (t) => {
  const decision = await decide(t, { subject: 'anonymous', header: { 'X-A': ['a'.repeat(9000)] } })
  assert.ok(!decision.granted)
  assert.equal(decision.error.code, 'ERR_MUTATED_HEADER_TOO_LARGE')
})

test('H-08: __proto__ in an answer is nobody’s prototype', async (t) => {
  const answer = '{"subject":"anonymous","extra":{"__proto__":{"role":"admin"},"a":1}}'
  const service = await startService(t, reply(200, {}, answer))
  const decision = await rig(service, { after: [header({ 'X-Role': '{{ print .Extra.role }}' })] }).decide()
  assert.deepEqual(grantedHeaders(decision), { 'X-Role': [''] })
})

test('with a cache, an equal request is not asked about again until the time is over', async (t) => {
  const service = await startService(
    t,
    hydrates((session) => ({ ...session, extra: { at: service.calls.length } })),
  )
  const after = [header({ 'X-At': '{{ .Extra.at }}' })]
  const { clock, decide: ask } = rig(service, { cache: { enabled: true, ttl: '10s' }, after })
  const at = async (request: ViewParts = {}) => grantedHeaders(await ask(request))['X-At']
  assert.deepEqual(await at(), ['1'])
  clock.advance(9_999)
  assert.deepEqual(await at(), ['1'])
  clock.advance(1)
  assert.deepEqual(await at(), ['2'])
  for (const request of [
    { rawQuery: 'q=1' },
    { method: 'PUT' },
    { path: '/a b' },
    { headers: [['X-A', '1']] },
  ] as ViewParts[]) {
    await at(request)
  }
  assert.equal(service.calls.length, 6)
})

test('FM-32: an answer that cannot be used is not kept, and a kept one is not used beyond its time', async (t) => {
  const service = await startService(t, reply(500))
  const { clock, decide: ask } = rig(service, {
    cache: { enabled: true, ttl: '10s' },
    api: { retry: { max_delay: '1ms' } },
  })
  assert.ok(!(await ask()).granted)
  service.answer = hydrates()
  assert.ok((await ask()).granted)
  service.answer = reply(500)
  assert.ok((await ask()).granted)
  clock.advance(10_000)
  assert.ok(!(await ask()).granted)
})

test('with a cache, equal requests at the same time are one call, and each subject gets its own', async (t) => {
  const service = await startService(
    t,
    hydrates((session) => ({ ...session, extra: { is: session['subject'] } })),
  )
  const after = [header({ 'X-Is': '{{ .Extra.is }}' })]
  const { decide: ask } = rig(service, { cache: { enabled: true }, authenticators: ['session', 'anonymous'], after })
  const asAlice: ViewParts = { headers: [['Cookie', 'session=x']] }
  const decisions = await Promise.all([ask(), ask(), ask(asAlice), ask(asAlice), ask()])
  assert.deepEqual(
    decisions.map((decision) => grantedHeaders(decision)['X-Is']?.[0]),
    ['anonymous', 'anonymous', 'alice', 'alice', 'anonymous'],
  )
  assert.equal(service.calls.length, 2)
})

test('without a cache every request is asked about', async (t) => {
  const service = await startService(t, hydrates())
  const { decide: ask } = rig(service)
  await Promise.all([ask(), ask(), ask()])
  assert.equal(service.calls.length, 3)
})

test('mistakes of the configuration are told at their place', () => {
  const problemsOf = (config: Answered): string[] =>
    createTestRegistry({}, SETTINGS)
      .compileRule(makeRule({ mutators: [{ handler: 'hydrator', config }] }))
      .problems.map(({ path, message }) => `${path}: ${message}`)
  assert.match(problemsOf({})[0] ?? '', /^mutators\[0\]\.config\.api/)
  assert.match(problemsOf({ api: { url: 'x' } })[0] ?? '', /config\.api\.url: must be a URL/)
  assert.match(problemsOf({ api: { url: 'ftp://h/' } })[0] ?? '', /config\.api\.url: must be an http/)
  assert.match(
    problemsOf({ api: { url: 'http://h/', retry: { attempts: 1 } } })[0] ?? '',
    /retry\.attempts: additional/,
  )
  assert.match(
    problemsOf({ api: { url: 'http://h/' }, cache: { ttl: '1d' } })[0] ?? '',
    /cache\.ttl: must be a duration/,
  )
  assert.deepEqual(problemsOf({ api: { url: 'http://h/' } }), [])
})
