import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  CHECK,
  decodeCheckResponse,
  encodeCheck,
  frame,
  GrpcClient,
  type TestCheck,
} from '../../../test/support/ext-authz.ts'
import { createTestGate, type TestGateOptions } from '../../../test/support/gate.ts'
import { createGrpcServer } from '../../grpc/server.ts'
import { compileTrust } from '../../http/forwarded.ts'
import { systemClock } from '../../kernel/clock.ts'
import type { Gate } from '../../kernel/gate.ts'
import { type Logger, silentLogger } from '../../kernel/logger.ts'
import type { RequestView } from '../../kernel/request.ts'
import { GateError } from '../../kernel/errors.ts'
import { defineAuthenticator, defineAuthorizer, defineErrorHandler, defineMutator } from '../../pipeline/define.ts'
import { createExtAuthz, type ExtAuthzOptions } from './ext-authz.ts'

interface Setup extends Partial<ExtAuthzOptions> {
  readonly gate: Gate
  readonly logger?: Logger
  readonly maxMessageSize?: number
}

async function start(t: TestContext, setup: Setup): Promise<GrpcClient> {
  const { gate, logger = silentLogger, maxMessageSize = 100_000, ...options } = setup
  const { trustedProxies = 'all', trailingSlash = 'keep', isOwnCookie = () => false } = options
  const method = createExtAuthz({ trustedProxies, trailingSlash, isOwnCookie }, { gate, logger })
  const server = createGrpcServer(
    {
      host: '127.0.0.1',
      port: 0,
      tls: undefined,
      readTimeoutMs: 5_000,
      writeTimeoutMs: 5_000,
      idleTimeoutMs: 5_000,
      maxMessageSize,
      trusts: compileTrust(trustedProxies),
    },
    { methods: [method], clock: systemClock, logger },
  )
  const { port } = await server.listen()
  t.after(() => server.close(0))
  const client = new GrpcClient(port)
  t.after(() => client[Symbol.dispose]())
  return client
}

/** Asks, and gives the request that the gate saw. */
async function viewOf(t: TestContext, check: TestCheck, options: Partial<ExtAuthzOptions> = {}): Promise<RequestView> {
  let view: RequestView | undefined
  const inner = createTestGate({ rules: [] })
  const gate: Gate = {
    decide(request) {
      view = request
      return inner.decide(request)
    },
    refuse: (exchange, error) => inner.refuse(exchange, error),
  }
  const client = await start(t, { gate, ...options })
  await client.check(check)
  assert.ok(view)
  return view
}

const grantWith = (more: TestGateOptions['more'], mutators: readonly string[]): Gate =>
  createTestGate({
    rules: [{ mutators }],
    settings: { mutators: Object.fromEntries(['noop', ...mutators].map((name) => [name, { enabled: true }])) },
    ...(more !== undefined && { more }),
  })

/** A mutator that sets what it is given. */
function setting(type: string, headers: Record<string, string>, ownedHeaders = Object.keys(headers)) {
  return defineMutator({
    type,
    schema: undefined,
    compile: () => ({
      ownedHeaders,
      run: ({ headers: all }) => {
        for (const [name, value] of Object.entries(headers)) all.set(name, [value])
      },
    }),
  })
}

test('the request in question is the one that Envoy tells of', async (t) => {
  const view = await viewOf(t, {
    method: 'PATCH',
    path: '/a/%62//c?x=1',
    host: 'app.example:8443',
    headers: [
      ['x-forwarded-proto', 'https'],
      ['content-type', 'text/plain'],
    ],
    body: 'body',
    source: '203.0.113.9',
  })
  assert.equal(view.front, 'decision')
  assert.equal(`${view.method} ${view.scheme}://${view.host}${view.path}`, 'PATCH https://app.example:8443/a/b/c')
  assert.equal(view.rawQuery, 'x=1')
  assert.equal(view.originalUri, '/a/%62//c?x=1')
  assert.equal(view.receivedHost, 'app.example:8443')
  assert.equal(view.clientAddress, '203.0.113.9')
  assert.equal(view.peerAddress, '127.0.0.1')
  assert.equal(view.isRpc, false)
  assert.equal(String(await view.readBody(4)), 'body')
  await assert.rejects(view.readBody(3), { code: 'ERR_REQUEST_BODY_TOO_LARGE' })
})

test('V-033: a query does not disturb the path', async (t) => {
  const view = await viewOf(t, { path: '/a?b=/c%3Fd' })
  assert.equal(view.path, '/a')
  assert.equal(view.rawQuery, 'b=/c%3Fd')
})

test('V-017: no header of the client says which request is meant', async (t) => {
  const view = await viewOf(t, {
    path: '/mine',
    scheme: 'https',
    headers: [
      ['host', 'evil'],
      ['x-forwarded-host', 'evil'],
      ['x-forwarded-method', 'DELETE'],
      ['x-forwarded-uri', '/evil'],
      ['x-original-url', '/evil'],
      ['x-rewrite-url', '/evil'],
      ['x-real-ip', '10.0.0.1'],
      ['forwarded', 'host=evil;for=10.0.0.1'],
      ['x_forwarded_uri', '/evil'],
      ['x-forwarded-proto', 'http'],
      ['x-forwarded-for', '10.0.0.1'],
    ],
    source: '203.0.113.9',
  })
  // `:scheme` is the client's in HTTP/2; X-Forwarded-Proto is Envoy's.
  assert.equal(`${view.method} ${view.scheme}://${view.host}${view.path}`, 'GET http://app.example/mine')
  assert.deepEqual([...view.headers].map(([name]) => name.toLowerCase()).toSorted(), [
    'x-forwarded-for',
    'x-forwarded-proto',
  ])
  assert.equal(view.clientAddress, '203.0.113.9')
})

test('the client stands behind the proxies that are named', async (t) => {
  const check = { source: '10.0.0.7', headers: [['x-forwarded-for', '192.0.2.1, 203.0.113.9, 10.0.0.8']] } as const
  const named = await viewOf(t, check, { trustedProxies: ['10.0.0.0/8', '127.0.0.1'] })
  assert.equal(named.clientAddress, '203.0.113.9')
  assert.equal((await viewOf(t, check)).clientAddress, '10.0.0.7')
  assert.equal((await viewOf(t, { source: '/run/x.sock' })).clientAddress, '127.0.0.1')
})

test('calls of gRPC, gRPC-Web and Connect are told from other requests', async (t) => {
  const isRpc = async (method: string, path: string, headers: readonly [string, string][]): Promise<unknown> =>
    (await viewOf(t, { method, path, headers })).isRpc
  for (const type of [
    'application/grpc',
    'application/grpc+proto',
    'application/grpc-web-text',
    'application/connect+json',
  ]) {
    assert.equal(await isRpc('POST', '/p.S/M', [['content-type', type]]), true, type)
  }
  assert.equal(await isRpc('POST', '/p.S/M', [['connect-protocol-version', '1']]), true)
  assert.equal(await isRpc('GET', '/p.S/M?connect=v1&message=e30', []), true)
  for (const type of ['application/grpcx', 'application/json', 'text/plain']) {
    assert.equal(await isRpc('POST', '/p.S/M', [['content-type', type]]), false, type)
  }
  assert.equal(await isRpc('GET', '/p.S/M?connect=v2', [['content-type', 'application/grpc']]), false)
})

test('V-036: what is no path or no host is never let in', async (t) => {
  const gate = createTestGate({ rules: [{ url: 'http://app.example' }, { url: 'http://app.example/' }] })
  const client = await start(t, { gate })
  const refused: [TestCheck, number][] = [
    [{ path: '/%zz' }, 400],
    [{ path: '/a b' }, 400],
    [{ path: '/a\\b' }, 400],
    [{ path: '/a#b' }, 400],
    [{ path: '/%00' }, 404],
    [{ path: '*' }, 404],
    [{ path: 'http://app.example/' }, 404],
    [{ host: 'app.example/x' }, 400],
    [{ host: 'user@app.example' }, 400],
    [{ host: '' }, 400],
    [{ scheme: '' }, 400],
    [{ scheme: 'http://app.example/public?' }, 400],
  ]
  for (const [check, status] of refused) {
    const { denied } = await client.check(check)
    assert.equal(denied?.status, status, JSON.stringify(check))
    assert.equal(JSON.parse(denied.body).error.code, status)
  }
  assert.ok((await client.check({ path: '/' })).ok)
  assert.ok((await client.check({ path: '' })).ok)
})

test('a header that says who is asking comes once', async (t) => {
  const client = await start(t, { gate: createTestGate({ rules: [{}] }) })
  for (const name of ['authorization', 'x-forwarded-proto']) {
    const headers = [
      [name, 'http'],
      [name, 'http'],
    ] as const
    assert.equal((await client.check({ headers, raw: true })).denied?.status, 400, name)
  }
})

test('what a rule sets replaces what the client sent by that name, in every spelling', async (t) => {
  const user = setting('user', { 'X-User': 'ada', 'X-Empty': '' })
  const client = await start(t, { gate: grantWith([user], ['user']) })
  const headers = [
    ['x-user', 'evil'],
    ['x_user', 'evil'],
    ['x.user', 'evil'],
    ['x-empty', 'evil'],
    ['x-other', 'kept'],
  ] as const
  assert.deepEqual(await client.check({ headers }), {
    code: 0,
    ok: { set: { 'x-user': 'ada', 'x-empty': '' }, remove: ['x_user', 'x.user'] },
    denied: undefined,
  })
})

test('a header that a rule owns and does not set is taken from the request', async (t) => {
  const nothing = setting('nothing', {}, ['X-User'])
  const client = await start(t, { gate: grantWith([nothing], ['nothing']) })
  const { ok } = await client.check({ headers: [['x-user', 'evil']] })
  assert.deepEqual(ok, { set: {}, remove: ['x-user'] })
})

test('what the request has already, and what frames it, is not sent back', async (t) => {
  const framing = setting('framing', { Host: 'evil', 'Content-Length': '99', Connection: 'close', 'X-Same': 'same' })
  const client = await start(t, { gate: grantWith([framing], ['noop', 'framing']) })
  const headers = [
    ['x-foo', '1'],
    ['x-same', 'same'],
    ['content-length', '5'],
  ] as const
  assert.deepEqual((await client.check({ headers })).ok, { set: {}, remove: [] })
})

const isOwnCookie = (name: string): boolean => name === 'own'

test('our own cookies go no further', async (t) => {
  const cookie = setting('cookie_like', { Cookie: 'own=1; set=2' })
  const plain = await start(t, { gate: grantWith([], ['noop']), isOwnCookie })
  const some = [['cookie', 'a=1; own=secret; b=2']] as const
  assert.deepEqual((await plain.check({ headers: some })).ok, { set: { cookie: 'a=1; b=2' }, remove: [] })
  assert.deepEqual((await plain.check({ headers: [['cookie', 'own=secret']] })).ok, { set: {}, remove: ['cookie'] })
  assert.deepEqual((await plain.check({ headers: [['cookie', 'a=1']] })).ok, { set: {}, remove: [] })
  const lines = [
    ['cookie', 'a=1'],
    ['cookie', 'own=secret'],
  ] as const
  assert.deepEqual((await plain.check({ headers: lines, raw: true })).ok, { set: { cookie: 'a=1' }, remove: [] })
  const set = await start(t, { gate: grantWith([cookie], ['cookie_like']), isOwnCookie })
  assert.deepEqual((await set.check({ headers: some })).ok?.set, { cookie: 'set=2' })
})

test('H-12: a header that cannot be sent on is a refusal', async (t) => {
  for (const headers of [{ 'X-A': 'a\r\nX-Evil: 1' }, { 'X A': 'a' }, { 'X-A': 'a\xff' }, { ':path': '/x' }]) {
    const client = await start(t, { gate: grantWith([setting('broken', headers)], ['broken']) })
    const { ok, denied } = await client.check({})
    assert.equal(ok, undefined)
    assert.equal(denied?.status, 500)
  }
})

/** An authorizer that always fails. */
function refusing(type: string, error: GateError) {
  return defineAuthorizer({
    type,
    schema: undefined,
    compile: () => () => {
      throw error
    },
  })
}

test('a refusal is what the error handlers say, with the code that the error has', async (t) => {
  const rules = [
    { url: 'http://app.example/401', authenticators: ['unauthorized'] },
    { url: 'http://app.example/403', authorizer: 'deny' },
    { url: 'http://app.example/429', authorizer: 'busy' },
    { url: 'http://app.example/503', authorizer: 'down' },
    { url: 'http://app.example/302', authenticators: ['unauthorized'], errors: ['away'] },
  ]
  const away = defineErrorHandler({
    type: 'away',
    schema: undefined,
    compile: () => ({
      precedence: 'sole',
      matches: () => true,
      respond: () => ({
        status: 302,
        headers: [
          ['Location', 'https://login.example/'],
          ['Set-Cookie', 'a='],
          ['Set-Cookie', 'b='],
        ],
        body: '',
      }),
    }),
  })
  const settings = {
    authorizers: {
      allow: { enabled: true },
      deny: { enabled: true },
      busy: { enabled: true },
      down: { enabled: true },
    },
    errors: { json: { enabled: true }, away: { enabled: true } },
  }
  const more = [
    refusing('busy', new GateError('ERR_RATE_LIMITED', { headers: [['Retry-After', '7']] })),
    refusing('down', new GateError('ERR_SESSION_STORE_UNAVAILABLE')),
    away,
  ]
  const client = await start(t, { gate: createTestGate({ rules, settings, more }) })
  const codes = { 400: 3, 401: 16, 403: 7, 404: 5, 429: 8, 503: 14 }
  for (const [status, code] of Object.entries(codes)) {
    const answer = await client.check({ path: status === '400' ? '/%' : `/${status}` })
    assert.deepEqual([answer.denied?.status, answer.code], [Number(status), code])
    assert.equal(JSON.parse(answer.denied?.body ?? '').error.code, Number(status))
    const names = answer.denied?.headers.map(([name]) => name) ?? []
    for (const name of ['content-type', 'cache-control', 'content-security-policy'])
      assert.ok(names.includes(name), name)
    if (status === '429') assert.ok(names.includes('retry-after'))
  }
  const redirect = await client.check({ path: '/302', headers: [['x-forwarded-proto', 'http']] })
  assert.deepEqual([redirect.denied?.status, redirect.code], [302, 16])
  assert.deepEqual(redirect.denied?.headers.slice(0, 3), [
    ['location', 'https://login.example/', false],
    ['set-cookie', 'a=', true],
    ['set-cookie', 'b=', true],
  ])
})

test('what an authenticator answers itself is the answer, and nothing goes on to the upstream', async (t) => {
  const callback = defineAuthenticator({
    type: 'callback_like',
    schema: undefined,
    compile: () => (exchange) => {
      exchange.respond = () => ({ status: 302, headers: [['Location', '/home']], body: '' })
      return true
    },
  })
  const settings = { authenticators: { callback_like: { enabled: true } } }
  const rules = [{ authenticators: ['callback_like'] }]
  const client = await start(t, { gate: createTestGate({ rules, settings, more: [callback] }) })
  const { code, ok, denied } = await client.check({})
  assert.notEqual(code, 0)
  assert.equal(ok, undefined)
  assert.deepEqual([denied?.status, denied?.headers[0]], [302, ['location', '/home', false]])
})

test('a client that came by TLS is told to stay with it', async (t) => {
  const client = await start(t, { gate: createTestGate({ rules: [] }) })
  const hsts = async (scheme: string): Promise<boolean> => {
    const { denied } = await client.check({ headers: [['x-forwarded-proto', scheme]] })
    return denied?.headers.some(([name]) => name === 'strict-transport-security') ?? false
  }
  assert.equal(await hsts('https'), true)
  assert.equal(await hsts('http'), false)
})

test('V-017: a gateway that is not trusted is told no, whatever it asks', async (t) => {
  const client = await start(t, { gate: createTestGate({ rules: [{}] }), trustedProxies: ['192.0.2.0/24'] })
  const { code, ok, denied } = await client.check({})
  assert.deepEqual([code, ok, denied?.status], [7, undefined, 403])
})

test('what cannot be read is a denial, so that no gateway takes it for a check that failed', async (t) => {
  const logged: string[] = []
  const logger = { ...silentLogger, warn: (_: unknown, message: string) => void logged.push(message) }
  const client = await start(t, { gate: createTestGate({ rules: [{}] }), logger, maxMessageSize: 1_000 })
  const ask = async (message: readonly (Buffer | undefined)[]) => {
    const answer = await client.call(CHECK, message)
    assert.equal(answer.status, 0)
    return decodeCheckResponse(answer.message ?? Buffer.alloc(0)).denied?.status
  }
  assert.equal(await ask([frame(Buffer.from([0x0a]))]), 400)
  assert.equal(await ask([frame(Buffer.alloc(0))]), 400)
  const large = frame(encodeCheck({ headers: [['cookie', 'x'.repeat(1_000)]] }))
  assert.equal(await ask([large.subarray(0, 500), undefined]), 413)
  assert.equal(logged.length, 3)
})

test('a gate that answers later is waited for', async (t) => {
  const later = defineAuthorizer({
    type: 'later',
    schema: undefined,
    compile: () => () => new Promise((resolve) => setTimeout(resolve, 5)),
  })
  const settings = { authorizers: { later: { enabled: true } } }
  const client = await start(t, { gate: createTestGate({ rules: [{ authorizer: 'later' }], settings, more: [later] }) })
  assert.ok((await client.check({})).ok)
})

test('a slash at the end counts or does not, as configured', async (t) => {
  assert.equal((await viewOf(t, { path: '/a/' })).path, '/a/')
  assert.equal((await viewOf(t, { path: '/a/' }, { trailingSlash: 'strip' })).path, '/a')
})
