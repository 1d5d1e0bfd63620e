import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { GrpcClient } from '../support/ext-authz.ts'
import { choosePorts, startOathkeeper } from '../support/oathkeeper.ts'
import { until } from '../support/until.ts'

const ON = { enabled: true }
const HANDLERS = {
  authenticators: { anonymous: ON, unauthorized: ON },
  authorizers: { allow: ON, deny: ON },
  mutators: { noop: ON, header: { enabled: true, config: { headers: { 'X-User': '{{ print .Subject }}' } } } },
}

function rule(id: string, match: object, more: object = {}): Record<string, unknown> {
  return {
    id,
    match,
    authenticators: [{ handler: 'anonymous' }],
    authorizer: { handler: 'allow' },
    mutators: [{ handler: 'header' }],
    ...more,
  }
}

const GRPC = [['content-type', 'application/grpc']] as const

test('the product answers Envoy’s checks, for HTTP and for RPC methods', async () => {
  await using oathkeeper = await startOathkeeper({
    config: { ...HANDLERS, serve: { grpc: { enabled: true } } },
    rules: [
      rule('http', { url: 'http://app.example/<[a-z]+>', methods: ['GET', 'POST'] }),
      rule(
        'rpc',
        { authority: 'app.example', full_method: 'shop.Cart/<Add|Show>' },
        { mutators: [{ handler: 'noop' }] },
      ),
      rule('closed', { authority: 'app.example', full_method: 'shop.Cart/Close' }, { authorizer: { handler: 'deny' } }),
      rule('get', { authority: 'app.example', full_method: 'shop.Cart/List', allow_http_get: true }),
      rule('either', { url: 'http://app.example/shop.Both/<.*>', methods: ['POST'] }),
      rule('or', { authority: 'app.example', full_method: 'shop.Both/<.*>' }),
    ],
  })
  using client = new GrpcClient(oathkeeper.ports.grpc)
  const http = await client.check({ path: '/page?x=1', headers: [['x-user', 'evil']] })
  assert.deepEqual(http.ok, { set: { 'x-user': 'anonymous' }, remove: [] })
  assert.equal((await client.check({ path: '/1' })).denied?.status, 404)

  const rpc = async (path: string, headers: readonly (readonly [string, string])[] = GRPC, method = 'POST') => {
    const { ok, denied } = await client.check({ method, path, headers })
    return ok === undefined ? denied?.status : 200
  }
  assert.equal(await rpc('/shop.Cart/Add'), 200)
  assert.equal(await rpc('/shop.Cart/Close'), 403)
  assert.equal(await rpc('/shop.Cart/Other'), 404)
  assert.equal(await rpc('/shop.Cart/Add', []), 404)
  assert.equal(await rpc('/shop.Cart/Add', [['content-type', 'text/plain']]), 404)
  assert.equal(await rpc('/shop.Cart/Add?connect=v1', [], 'GET'), 404)
  assert.equal(await rpc('/shop.Cart/List?connect=v1', [], 'GET'), 200)
  assert.equal(await rpc('/page'), 200)
  // Rules of both kinds: which of them decides must not be the client's choice.
  assert.equal(await rpc('/shop.Both/Any'), 500)
  assert.equal(await rpc('/shop.Both/Any', []), 200)

  const decisions = async (headers: Record<string, string>): Promise<number> =>
    (await fetch(`${oathkeeper.apiUrl}/decisions/shop.Cart/Add`, { method: 'POST', headers })).status
  assert.equal(await decisions({ 'x-forwarded-host': 'app.example', 'x-forwarded-proto': 'rpc' }), 404)
  assert.equal(await decisions({ 'x-forwarded-host': 'app.example', 'content-type': 'application/grpc' }), 404)

  const health = await client.call('/grpc.health.v1.Health/Check', Buffer.alloc(0))
  assert.deepEqual(health.message, Buffer.from([8, 1]))
})

test('it is not there unless it is enabled, and a change of it waits for a restart', async () => {
  const ports = await choosePorts()
  const setup = { ports, rules: [rule('a', { url: 'http://h/', methods: ['GET'] })] }
  await using off = await startOathkeeper({ ...setup, config: { ...HANDLERS, serve: { grpc: {} } } })
  using client = new GrpcClient(ports.grpc)
  await assert.rejects(client.check({}))
  const changed = JSON.parse(readFileSync(off.configFile, 'utf8'))
  changed.serve.grpc.enabled = true
  writeFileSync(off.configFile, JSON.stringify(changed))
  await until(10_000, () => assert.match(off.log(), /a change of serve takes effect at the next start/))
})

test('rules of a reload count at once, also on connections that are there already', async () => {
  await using oathkeeper = await startOathkeeper({
    config: { ...HANDLERS, serve: { grpc: { enabled: true } } },
    rules: [rule('a', { authority: 'app.example', full_method: 'a.B/C' })],
  })
  using client = new GrpcClient(oathkeeper.ports.grpc)
  const check = { method: 'POST', path: '/a.B/D', headers: GRPC }
  assert.equal((await client.check(check)).denied?.status, 404)
  writeFileSync(
    oathkeeper.rulesFile,
    JSON.stringify([rule('a', { authority: 'app.example', full_method: 'a.B/<.*>' })]),
  )
  await until(10_000, async () => assert.ok((await client.check(check)).ok))
  const stopped = oathkeeper.stop()
  assert.equal(await stopped, 0)
})

test('a gateway that serve.grpc.trusted_proxies does not name is told no, and the log says why', async () => {
  await using oathkeeper = await startOathkeeper({
    config: { ...HANDLERS, serve: { grpc: { enabled: true, trusted_proxies: ['192.0.2.0/24'] } } },
    rules: [rule('a', { url: 'http://app.example/', methods: ['GET'] })],
  })
  using client = new GrpcClient(oathkeeper.ports.grpc)
  assert.equal((await client.check({})).denied?.status, 403)
  assert.match(oathkeeper.log(), /serve\.grpc\.trusted_proxies/)
})
