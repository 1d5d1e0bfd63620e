import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { type Answer, ask, startApi, type TestApiOptions } from '../../test/support/api.ts'
import { createTestGate } from '../../test/support/gate.ts'
import type { Gate } from '../kernel/gate.ts'
import type { RequestView } from '../kernel/request.ts'
import type { GateError } from '../kernel/errors.ts'
import { compileCors } from '../http/cors.ts'
import { defineMutator } from '../pipeline/define.ts'

/** Asks and gives the request that the gate saw. */
async function viewOf(
  t: TestContext,
  path: string,
  headers: readonly (readonly [string, string])[] = [],
  options: Partial<TestApiOptions> & { readonly method?: string; readonly body?: string } = {},
): Promise<{ readonly answer: Answer; readonly view: RequestView | undefined }> {
  let view: RequestView | undefined
  const inner = createTestGate({ rules: [] })
  const gate: Gate = {
    decide(request) {
      view = request
      return inner.decide(request)
    },
    refuse: (exchange, error) => inner.refuse(exchange, error),
  }
  const { method = 'GET', body, ...api } = options
  const { port } = await startApi(t, { gate, ...api })
  const answer = await ask({ port, path, headers, method, ...(body === undefined ? {} : { body }) })
  return { answer, view }
}

async function targetOf(
  t: TestContext,
  path: string,
  headers: readonly (readonly [string, string])[] = [],
  options: Partial<TestApiOptions> & { readonly method?: string; readonly body?: string } = {},
): Promise<string> {
  const { view } = await viewOf(t, path, [['Host', 'api.example'], ...headers], options)
  assert.ok(view)
  return `${view.method} ${view.scheme}://${view.host}${view.path}${view.rawQuery === '' ? '' : `?${view.rawQuery}`}`
}

const uri = (value: string): readonly (readonly [string, string])[] => [['X-Forwarded-Uri', value]]

const FORWARDED: readonly (readonly [string, string])[] = [
  ['X-Forwarded-Method', 'PATCH'],
  ['X-Forwarded-Proto', 'https'],
  ['X-Forwarded-Host', 'app.example:8443'],
  ['X-Forwarded-Uri', '/a//b/../c?x=1'],
]

test('the request in question is what the gateway says, with the query of its own request', async (t) => {
  assert.equal(await targetOf(t, '/decisions?own=1', FORWARDED), 'PATCH https://app.example:8443/a/c?own=1')
  assert.equal(
    await targetOf(t, '/decisions/ignored', FORWARDED, { method: 'POST', body: '{}' }),
    'PATCH https://app.example:8443/a/c',
  )
})

test('where the gateway says nothing its own request counts', async (t) => {
  assert.equal(
    await targetOf(t, '/decisions/a%20b/%2e%2e/c?x', [], { method: 'DELETE' }),
    'DELETE http://api.example/c?x',
  )
  assert.equal(await targetOf(t, '/decisions'), 'GET http://api.example')
  assert.equal(await targetOf(t, '/decisions/'), 'GET http://api.example/')
  const empty = FORWARDED.slice(0, 3).map(([name]) => [name, ''] as const)
  assert.equal(await targetOf(t, '/decisions/x', empty), 'GET http://api.example/x')
})

test('scheme and method are taken as the gateway spells them', async (t) => {
  const headers = [
    ['X-Forwarded-Proto', 'WS'],
    ['X-Forwarded-Method', 'get'],
  ] as const
  assert.equal(await targetOf(t, '/decisions/x', headers), 'get WS://api.example/x')
})

test('V-033: the query of the forwarded URI does not disturb its path, and is kept for coming back', async (t) => {
  const { view } = await viewOf(t, '/decisions', [['X-Forwarded-Uri', '/a?b=/c%3Fd']])
  assert.equal(view?.path, '/a')
  assert.equal(view?.rawQuery, '')
  assert.equal(view?.originalUri, '/a?b=/c%3Fd')
})

test('the forwarded path is decoded and cleaned as the proxy’s, with its trailing slash or without', async (t) => {
  assert.equal(await targetOf(t, '/decisions', uri('/public/%2e%2e/admin/')), 'GET http://api.example/admin/')
  const strip = { trailingSlash: 'strip' } as const
  assert.equal(await targetOf(t, '/decisions', uri('/admin/'), strip), 'GET http://api.example/admin')
})

test('V-036: what is no path is never let in', async (t) => {
  const gate = createTestGate({ rules: [{ url: 'http://api.example' }, { url: 'http://api.example/' }] })
  const { port } = await startApi(t, { gate })
  const cases: [value: string, status: number][] = [
    ['/%zz', 400],
    ['/%', 400],
    ['/a b', 400],
    ['/a\\b', 400],
    ['/a#b', 400],
    ['/%00', 404],
    ['', 404],
    ['*', 404],
    ['http://api.example/', 404],
    ['a', 404],
    ['?', 404],
  ]
  for (const [value, status] of cases) {
    const headers = [
      ['Host', 'api.example'],
      ['X-Forwarded-Uri', value],
    ] as const
    const answer = await ask({ port, path: '/decisions', headers })
    assert.equal(answer.status, status, value)
    assert.equal(JSON.parse(answer.body).error.code, status)
  }
  assert.equal((await ask({ port, path: '/decisions', headers: [['Host', 'api.example']] })).status, 200)
})

test('V-017: headers of a gateway that is not trusted are ignored and dropped', async (t) => {
  for (const trustedProxies of [[], ['192.0.2.0/24']]) {
    const headers = [
      ...FORWARDED,
      ['Forwarded', 'host=evil'],
      ['X-Real-Ip', '10.0.0.1'],
      ['X_Forwarded_Uri', '/x'],
    ] as const
    const { view } = await viewOf(t, '/decisions/mine', [['Host', 'api.example'], ...headers], { trustedProxies })
    assert.equal(view?.method, 'GET')
    assert.equal(view?.host, 'api.example')
    assert.equal(view?.path, '/mine')
    assert.equal(view?.peerTrusted, false)
    assert.deepEqual(
      [...(view?.headers ?? [])].filter(([name]) => name !== 'Connection'),
      [],
    )
  }
})

test('a forwarded header that comes twice is refused', async (t) => {
  const { port } = await startApi(t, { gate: createTestGate({ rules: [{ url: 'http://app.example/' }] }) })
  for (const name of ['Method', 'Proto', 'Host', 'Uri']) {
    const headers = [...FORWARDED, [`x-forwarded-${name}`, '/']] as const
    const answer = await ask({ port, path: '/decisions', headers })
    assert.equal(answer.status, 400, name)
  }
})

test('a grant is 200 without a body, with the first value of each header', async (t) => {
  const two = defineMutator({
    type: 'two',
    schema: undefined,
    compile: () => ({
      ownedHeaders: [],
      run: (exchange) => {
        exchange.headers.set('X-Two', ['1', '2'])
        exchange.headers.set('X-Empty', [''])
        exchange.headers.set('Content-Length', ['99'])
        exchange.headers.set('Transfer-Encoding', ['chunked'])
      },
    }),
  })
  const rules = [{ url: 'http://app.example/', mutators: ['two'] }]
  const settings = { mutators: { two: { enabled: true } } }
  const { port } = await startApi(t, { gate: createTestGate({ rules, settings, more: [two] }) })
  const headers = [
    ['X-Forwarded-Host', 'app.example'],
    ['X-Forwarded-Uri', '/'],
  ] as const
  for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE', 'HEAD']) {
    assert.deepEqual(await ask({ port, path: '/decisions', method, headers }), {
      status: 200,
      headers: [
        ['x-two', '1'],
        ['x-empty', ''],
      ],
      body: '',
    })
  }
})

test('Annex B 5: noop echoes the headers of the request', async (t) => {
  const { port } = await startApi(t, { gate: createTestGate({ rules: [{ url: 'http://app.example/a' }] }) })
  const headers = [
    ['Host', 'app.example'],
    ['X-Foo', '1'],
    ['X-Name', Buffer.from('名').toString('latin1')],
  ] as const
  const answer = await ask({ port, path: '/decisions/a', headers })
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.headers, [
    ['x-foo', '1'],
    ['x-name', Buffer.from('名').toString('latin1')],
  ])
})

test('a refusal is what the error handlers say', async (t) => {
  const rules = [{ url: 'http://app.example/', authorizer: 'deny', errors: ['www_authenticate'] }]
  const { port } = await startApi(t, { gate: createTestGate({ rules }) })
  const answer = await ask({
    port,
    path: '/decisions',
    headers: [
      ['X-Forwarded-Host', 'app.example'],
      ['X-Forwarded-Uri', '/'],
    ],
  })
  assert.equal(answer.status, 401)
  assert.equal(answer.body, 'Unauthorized\n')
})

test('V-016 F-24: neither a user agent nor a question about the server itself is a reason to let in', async (t) => {
  const { port } = await startApi(t, { gate: createTestGate({ rules: [] }) })
  const agent = [['User-Agent', 'kube-probe/1.0']] as const
  assert.equal((await ask({ port, path: '/decisions', headers: agent })).status, 404)
  const hops = [['Max-Forwards', '0']] as const
  assert.equal((await ask({ port, path: '/decisions', method: 'OPTIONS', headers: hops })).status, 404)
  assert.equal((await ask({ port, path: '*', method: 'OPTIONS' })).status, 400)
})

test('only /decisions and what is below it is the decision API', async (t) => {
  const gate = createTestGate({ rules: [{ url: 'http://app.example' }, { url: 'http://app.example/' }] })
  const { port } = await startApi(t, { gate })
  const statusOf = async (path: string): Promise<number> =>
    (await ask({ port, path, headers: [['Host', 'app.example']] })).status
  assert.equal(await statusOf('/decisions'), 200)
  assert.equal(await statusOf('/decisions?x'), 200)
  assert.equal(await statusOf('/decisionsfoo'), 404)
  assert.equal(await statusOf('/DECISIONS'), 404)
  assert.equal(await statusOf('/decisions//a'), 307)
  assert.equal(await statusOf('/decisions/../rules'), 307)
  assert.equal(await statusOf('http://app.example/decisions/'), 200)
  assert.equal(await statusOf('http://app.example'), 404)
})

test('H-12: a header that cannot be written is a refusal, and the process lives', async (t) => {
  const broken = defineMutator({
    type: 'broken',
    schema: undefined,
    compile: () => ({ ownedHeaders: [], run: (exchange) => void exchange.headers.set('X-A', ['a\r\nX-Evil: 1']) }),
  })
  const rules = [{ url: 'http://app.example/', mutators: ['broken'] }]
  const settings = { mutators: { broken: { enabled: true } } }
  const { port } = await startApi(t, { gate: createTestGate({ rules, settings, more: [broken] }) })
  for (let i = 0; i < 2; i++) {
    const answer = await ask({ port, path: '/decisions/', headers: [['Host', 'app.example']] })
    assert.equal(answer.status, 500)
    assert.ok(!answer.headers.some(([name]) => name === 'x-evil'))
  }
})

test('a gate that answers later is waited for, and a client that left in between does no harm', async (t) => {
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<void>()
  const inner = createTestGate({ rules: [] })
  const gate: Gate = {
    async decide(request) {
      asked.resolve()
      await answer.promise
      return inner.decide(request)
    },
    refuse: (exchange, error: GateError) => inner.refuse(exchange, error),
  }
  const { port } = await startApi(t, { gate })
  const socket = connect(port, '127.0.0.1')
  socket.write('GET /decisions HTTP/1.1\r\nHost: a\r\n\r\n')
  await asked.promise
  socket.destroy()
  await once(socket, 'close')
  const patient = ask({ port, path: '/decisions' })
  answer.resolve()
  assert.equal((await patient).status, 404)
})

test('F-16: a body that nobody reads does not disturb the next request of the connection', async (t) => {
  const { port } = await startApi(t, { gate: createTestGate({ rules: [{ url: 'http://app.example/' }] }) })
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  const post = `POST /decisions/ HTTP/1.1\r\nHost: app.example\r\nContent-Length: 20000\r\n\r\n${'x'.repeat(20_000)}`
  socket.write(`${post}${post}GET /health/alive HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  await once(socket, 'end')
  assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 200'])
  assert.ok(text.endsWith('{"status":"ok"}\n'))
})

test('a header of the pipeline stands in place of one that CORS added, as in Oathkeeper', async (t) => {
  const cors = compileCors({
    enabled: true,
    allowedOrigins: ['*'],
    allowedMethods: ['GET'],
    allowedHeaders: [],
    exposedHeaders: [],
    allowCredentials: false,
    maxAgeSeconds: 0,
  })
  const gate = createTestGate({ rules: [{ url: 'http://app.example/a' }] })
  const { port } = await startApi(t, { gate, ...(cors === undefined ? {} : { cors }) })
  const headers: [string, string][] = [
    ['Host', 'app.example'],
    ['Origin', 'https://spa.example'],
    ['Access-Control-Allow-Origin', 'https://rule.example'],
  ]
  const answer = await ask({ port, path: '/decisions/a', headers })
  assert.deepEqual(answer.headers, [
    ['vary', 'Origin'],
    ['origin', 'https://spa.example'],
    ['access-control-allow-origin', 'https://rule.example'],
  ])
})
