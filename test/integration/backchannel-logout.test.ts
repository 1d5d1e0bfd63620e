import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { logIn, type Product, startProduct } from '../support/product.ts'
import { confirmLogout } from '../support/real-provider.ts'
import { startRedisServer, type RedisServer } from '../support/redis-server.ts'
import { Visitor } from '../support/visitor.ts'

const SCRIPT = { headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' } }

/** Who is signed in: 200 or 401, never a redirect. */
async function statusAt(product: Product, visitor: Visitor, instance: number): Promise<number> {
  const copy = visitor.copy()
  copy.route(new URL(product.door).host, `127.0.0.1:${product.instances[instance]?.ports.proxy ?? 0}`)
  return (await copy.go(`${product.door}/me`, SCRIPT)).status
}

async function logOutAtProvider(product: Product, visitor: Visitor): Promise<void> {
  await confirmLogout(visitor, await visitor.follow(`${product.provider.issuer}/session/end`))
}

function post(product: Product, path: string, body: string, headers: Record<string, string> = {}) {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  return new Visitor().go(`${product.door}${path}`, { method: 'POST', body, headers: { ...form, ...headers } })
}

describe('back-channel logout', () => {
  let redis: RedisServer
  before(async () => {
    redis = await startRedisServer()
  })
  after(() => redis.close())

  test('C-14, E-08: oidc-provider tells one instance, and the session is over at both; the person’s other one goes on', async () => {
    const config = { session_store: { type: 'redis', redis: { addr: redis.addr } } }
    await using product = await startProduct({ config, instances: 2, tellsLogouts: true })
    const [laptop, phone] = [new Visitor(), new Visitor()]
    for (const visitor of [laptop, phone]) await logIn(visitor, `${product.door}/me`)
    for (const instance of [0, 1]) assert.equal(await statusAt(product, laptop, instance), 200)

    await logOutAtProvider(product, laptop)
    assert.equal(await statusAt(product, laptop, 0), 401)
    await eventually(
      () => statusAt(product, laptop, 1),
      (status) => status === 401,
      1_000,
    )
    for (const instance of [0, 1]) assert.equal(await statusAt(product, phone, instance), 200)
    await eventually(
      () => product.instances[0]?.log() ?? '',
      (log) => log.includes('back-channel logout completed') && log.includes('reason=backchannel'),
      5_000,
    )
    const metrics = await fetch(`http://127.0.0.1:${product.instances[0]?.ports.metrics ?? 0}/metrics`)
    assert.match(await metrics.text(), /backchannel_logouts_total\{provider="people",outcome="completed"\} 1\n/)
  })

  test('C-15: while Redis is stopped the provider is not told that it is done; it is done when Redis is back', async (t) => {
    const own = await startRedisServer()
    t.after(() => own.close())
    const config = { session_store: { type: 'redis', redis: { addr: own.addr } } }
    await using product = await startProduct({ config, instances: 2, tellsLogouts: true })
    const ada = new Visitor()
    await logIn(ada, `${product.door}/me`)
    for (const instance of [0, 1]) assert.equal(await statusAt(product, ada, instance), 200)
    own.pause()
    await logOutAtProvider(product, ada)
    await eventually(
      () => product.instances[0]?.log() ?? '',
      (log) => log.includes('a back-channel logout failed'),
      5_000,
    )
    assert.equal(await statusAt(product, ada, 0), 401)
    own.resume()
    await eventually(
      () => statusAt(product, ada, 1),
      (status) => status === 401,
      15_000,
    )
  })

  test('C-16: with the memory store: no rule, no CORS and no cookie stands in the way; bodies are bounded', async () => {
    const cors = { enabled: true, allowed_origins: ['https://good.example'], allowed_methods: ['GET'] }
    const config = { serve: { proxy: { cors } } }
    await using product = await startProduct({ config, tellsLogouts: true })
    const ada = new Visitor()
    await logIn(ada, `${product.door}/me`)
    const path = '/.oathkeeper/backchannel-logout/people'
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    const refused = await post(product, path, 'logout_token=x', foreign)
    assert.deepEqual([refused.status, JSON.parse(refused.text).error], [400, 'invalid_request'])
    assert.equal((await post(product, path, `logout_token=${'x'.repeat(2_000_000)}`)).status, 413)
    assert.equal((await new Visitor().go(product.door + path)).status, 405)
    assert.equal((await post(product, `${path}-other`, 'logout_token=x')).status, 404)
    assert.equal(await statusAt(product, ada, 0), 200)
    await logOutAtProvider(product, ada)
    assert.equal(await statusAt(product, ada, 0), 401)
  })

  test('C-17, C-18: there is no front-channel logout: nothing ends, and the provider hears of nothing', async () => {
    await using product = await startProduct()
    const ada = new Visitor()
    await logIn(ada, `${product.door}/me`)
    const asked = product.provider.requests.length
    for (const path of ['frontchannel-logout', 'frontchannel-logout/people', 'backchannel-logout/people']) {
      const { status } = await ada.go(`${product.door}/.oathkeeper/${path}?iss=${product.provider.issuer}&sid=x`)
      assert.ok(status === 404 || status === 405, path)
    }
    assert.equal(product.provider.requests.length, asked)
    assert.equal(await statusAt(product, ada, 0), 200)
  })
})
