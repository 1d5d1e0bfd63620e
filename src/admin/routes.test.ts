import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeRule } from '../../test/support/gate.ts'
import { HeaderList } from '../kernel/headers.ts'
import type { Reply } from '../kernel/reply.ts'
import type { Rule } from '../kernel/rule.ts'
import type { PingableStore } from './health.ts'
import { createAdminRoutes } from './routes.ts'

interface Parts {
  readonly rules?: readonly Rule[]
  readonly pendingSources?: readonly string[]
  readonly store?: PingableStore
  readonly keys?: readonly Readonly<Record<string, unknown>>[]
  readonly method?: string
  readonly accept?: string
}

async function ask(target: string, parts: Parts = {}): Promise<Reply> {
  const rules = parts.rules ?? [makeRule()]
  const { keys } = parts
  const routes = createAdminRoutes({
    rules: () => rules,
    health: {
      countRules: () => rules.length,
      pendingSources: () => parts.pendingSources ?? [],
      store: parts.store,
    },
    ...(keys === undefined ? {} : { keys: () => Promise.resolve(keys) }),
  })
  const headers = HeaderList.from(parts.accept === undefined ? [] : [['Accept', parts.accept]])
  return routes({ method: parts.method ?? 'GET', target, headers })
}

const contentType = (reply: Reply): string | undefined => reply.headers.find(([name]) => name === 'Content-Type')?.[1]

test('the process is alive, and ready with a rule', async () => {
  for (const target of ['/health/alive', '/health/ready', '/health/ready?x=1']) {
    for (const method of ['GET', 'HEAD']) {
      assert.deepEqual(await ask(target, { method }), {
        status: 200,
        headers: [['Content-Type', 'application/json; charset=utf-8']],
        body: '{"status":"ok"}\n',
      })
    }
  }
  assert.equal((await ask('/health/alive', { rules: [] })).status, 200)
})

test('Annex B 25: without rules readiness is 503 with Oathkeeper’s code inside', async () => {
  const reply = await ask('/health/ready', { rules: [] })
  assert.equal(reply.status, 503)
  assert.deepEqual(JSON.parse(reply.body), {
    error: {
      code: 500,
      status: 'Internal Server Error',
      reason: 'no valid access rule is loaded',
      details: { access_rules: 'no valid access rule is loaded' },
      message: 'The requested resource could not be found',
    },
  })
})

test('readiness says which source was never good and which store cannot be used', async () => {
  const stores: PingableStore[] = [
    { kind: 'redis', ping: () => Promise.reject(new Error('connect 10.0.0.1:6379 secret')) },
    {
      kind: 'redis',
      ping: () => {
        throw new Error('closed')
      },
    },
  ]
  for (const store of stores) {
    const reply = await ask('/health/ready', { pendingSources: ['file://rules.yaml'], store })
    assert.equal(reply.status, 503)
    assert.deepEqual(JSON.parse(reply.body).error.details, {
      rule_sources: 'not loaded yet: file://rules.yaml',
      session_store: 'the session store (redis) cannot be used: the log says why',
    })
    assert.equal(JSON.parse(reply.body).error.code, 503)
  }
  assert.equal((await ask('/health/ready', { store: { kind: 'memory', ping() {} } })).status, 200)
})

const many = Array.from({ length: 600 }, (_, i) => makeRule({ id: `r${i}` }))

test('rules come in pages', async () => {
  const idsOf = async (query: string): Promise<string[]> =>
    JSON.parse((await ask(`/rules${query}`, { rules: many })).body).map(({ id }: { id: string }) => id)
  assert.equal((await idsOf('')).length, 50)
  assert.deepEqual(await idsOf('?limit=2&offset=3'), ['r3', 'r4'])
  assert.equal((await idsOf('?limit=9999')).length, 500)
  assert.equal((await idsOf('?limit=x&offset=1e2')).length, 50)
  for (const none of ['?limit=0', '?limit=-1', '?offset=1000']) assert.deepEqual(await idsOf(none), [])
  assert.equal((await idsOf('?offset=-5'))[0], 'r0')
})

test('a rule has all its fields, null for what is not set', async () => {
  const rule = makeRule({
    id: 'a/b',
    mutators: [{ handler: 'header', config: { headers: { 'X-A': '<{{ .Subject }}>' } } }],
  })
  const reply = await ask('/rules/a%2Fb', { rules: [rule, makeRule({ id: 'a/b', url: 'http://second' })] })
  assert.equal(
    reply.body,
    '{"id":"a/b","version":"","description":"","match":{"methods":["GET","POST"],"url":"http://app.example/"},"authenticators":[{"handler":"anonymous","config":null}],"authorizer":{"handler":"allow","config":null},"mutators":[{"handler":"header","config":{"headers":{"X-A":"\\u003c{{ .Subject }}\\u003e"}}}],"errors":null,"upstream":{"preserve_host":false,"strip_path":"","url":"http://upstream.example"}}\n',
  )
})

test('a rule that does not exist is a 404 document', async () => {
  const reply = await ask('/rules/nope')
  assert.equal(reply.status, 404)
  assert.equal(JSON.parse(reply.body).error.message, 'The requested resource could not be found')
})

test('public keys are given, and where nothing signs that is a 500', async () => {
  const keys = [{ kty: 'RSA', kid: 'a' }]
  assert.deepEqual(JSON.parse((await ask('/.well-known/jwks.json', { keys })).body), { keys })
  const none = await ask('/.well-known/jwks.json')
  assert.equal(none.status, 500)
  assert.match(none.body, /None of the provided URLs returned a valid JSON Web Key Set\./)
})

test('everything else is the 404 page, also a wrong method', async () => {
  const paths = [
    '/',
    '/nope',
    '/metrics',
    '/version',
    '/rules/',
    '/rules/a/b',
    '/health',
    '/decisionsfoo',
    '/health/alive/',
  ]
  for (const path of paths) assert.equal((await ask(path)).status, 404, path)
  for (const method of ['DELETE', 'POST', 'PUT', 'OPTIONS']) {
    const reply = await ask('/rules/rule', { method })
    assert.equal(reply.status, 404)
    assert.equal(contentType(reply), 'text/html; charset=utf-8')
  }
})

test('the 404 page is HTML, text or JSON as the client wants', async () => {
  const typeFor = async (accept: string | undefined): Promise<string | undefined> =>
    contentType(await ask('/nope', accept === undefined ? {} : { accept }))?.split(';')[0]
  assert.equal(await typeFor(undefined), 'text/html')
  assert.equal(await typeFor('*/*'), 'text/html')
  assert.equal(await typeFor('application/json'), 'application/json')
  assert.equal(await typeFor('application/*'), 'application/json')
  assert.equal(await typeFor('text/html;q=0.5, text/plain'), 'text/plain')
  assert.equal(await typeFor('text/html, application/json'), 'text/html')
  assert.equal(await typeFor('image/png'), 'text/html')
  assert.equal(await typeFor('text/html;q=0, text/*'), 'text/html')
  assert.deepEqual(JSON.parse((await ask('/nope', { accept: 'application/json' })).body), {
    error: {
      code: 404,
      message: 'Not Found',
      reason: 'The requested route does not exist. Make sure you are using the right path, domain, and port.',
    },
  })
})

test('an unclean path is redirected to the clean one, on this site', async () => {
  const locationOf = async (target: string): Promise<string | undefined> => {
    const { status, headers } = await ask(target)
    assert.equal(status, 307)
    return headers.find(([name]) => name === 'Location')?.[1]
  }
  assert.equal(await locationOf('//rules'), '/rules')
  assert.equal(await locationOf('/rules/../health/./alive?a=//b'), '/health/alive?a=//b')
  assert.equal(await locationOf('/rules//'), '/rules/')
  assert.equal(await locationOf('//evil.example/x'), '/evil.example/x')
  assert.equal(await locationOf('/\\evil.example//x'), '/%5Cevil.example/x')
  assert.equal((await ask('/rules/%2e%2e')).status, 404)
})
