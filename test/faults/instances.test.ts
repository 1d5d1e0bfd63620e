// Several instances with one store, and an instance that is killed: real processes.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { SCRIPT } from '../support/fault-scene.ts'
import { logIn, signInWithoutCallback, startProduct, type Product } from '../support/product.ts'
import { tellRecovery } from '../support/recovery.ts'
import { startRedisServer, type RedisServer } from '../support/redis-server.ts'
import { timed } from '../support/until.ts'
import { Visitor } from '../support/visitor.ts'

describe('instances', () => {
  let redis: RedisServer
  before(async () => {
    redis = await startRedisServer()
  })
  after(() => redis.close())

  for (const enabled of [true, false]) {
    test(`FM-25, E-08: two instances share logins, sessions and logouts at once (near cache: ${enabled})`, async () => {
      await using product = await startProduct({
        instances: 2,
        config: { session_store: { type: 'redis', redis: { addr: redis.addr }, near_cache: { enabled } } },
      })
      const { door } = product
      // Begins on one, comes back on the other.
      const ada = new Visitor()
      const signIn = await ada.follow(`${door}/reports?sort=amount`)
      toSecond(product, ada)
      const arrival = await ada.submit(signIn.url, { person: 'ada' })
      assert.deepEqual([arrival.status, arrival.url], [200, `${door}/reports?sort=amount`])

      // Used on both, so that both know it.
      const there = ada.copy()
      there.route(new URL(door).host, new URL(door).host)
      assert.equal((await there.go(`${door}/me`)).status, 200)
      assert.equal((await ada.go(`${door}/me`)).status, 200)

      // Ended on one, over on the other.
      const copy = there.copy()
      await ada.submit(`${door}/.oathkeeper/logout`, {})
      const { ms } = await timed(() =>
        eventually(
          () => copy.go(`${door}/me`, SCRIPT),
          ({ status }) => status === 401,
          1000,
        ),
      )
      tellRecovery('FM-25', ms, `(near cache: ${enabled}, until the other refuses what one has ended)`)
    })
  }

  test('FM-26: an instance is killed at 200 requests a second: the other goes on, no session is lost, no state is taken twice', async (t) => {
    await using product = await startProduct({
      instances: 2,
      config: { session_store: { type: 'redis', redis: { addr: redis.addr } } },
    })
    const { door, provider } = product
    const ada = new Visitor()
    assert.equal((await logIn(ada, `${door}/me`)).status, 200)
    const late = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const visitor = new Visitor()
        const signIn = await visitor.follow(`${door}/me`)
        return { visitor, callback: await signInWithoutCallback(visitor, signIn.url) }
      }),
    )
    const tokensBefore = provider.requests.filter((request) => request === 'POST /token').length

    const answered: Record<string, number> = {}
    const load = Array.from({ length: 200 }, async (_, i) => {
      await sleep(i * 5)
      const status = await ada
        .copy()
        .go(`${door}/me`, SCRIPT)
        .then((answer) => answer.status)
        .catch(() => 'cut')
      answered[status] = (answered[status] ?? 0) + 1
    })
    await sleep(500)
    const callbacks = late.map(async ({ visitor, callback }) => {
      await visitor.go(callback).catch(() => undefined)
    })
    await sleep(15)
    product.instances[0]?.kill('SIGKILL')
    const killedAt = performance.now()
    const elsewhere = ada.copy()
    toSecond(product, elsewhere)
    assert.equal((await elsewhere.go(`${door}/me`)).status, 200, 'the other instance goes on')
    tellRecovery('FM-26', performance.now() - killedAt, '(at the other instance)')
    await Promise.all([...load, ...callbacks])
    t.diagnostic(JSON.stringify(answered))
    assert.deepEqual(Object.keys(answered).toSorted(), ['200', 'cut'])

    // Whose callback was cut off comes again, at the other instance.
    for (const { visitor, callback } of late) {
      toSecond(product, visitor)
      const answer = await visitor.go(callback)
      if (answer.status < 400) continue
      assert.equal(answer.status, 400)
      assert.match(answer.text, /This sign-in cannot be finished.*Start again/s)
    }
    const spent = provider.requests.filter((request) => request === 'POST /token').length - tokensBefore
    assert.ok(spent <= late.length, `${spent} codes were spent by ${late.length} logins`)
    for (const { visitor } of late) {
      assert.equal((await visitor.follow(`${door}/me`)).status, 200, 'the provider knows the person still')
    }

    const { ms } = await timed(() => product.restart(0))
    assert.equal((await ada.go(`${door}/me`)).status, 200, 'the same cookie at the instance that was killed')
    tellRecovery('FM-26', ms, '(until the killed instance is ready again)')
  })
})

/** As a load balancer does it. */
function toSecond({ door, instances }: Product, visitor: Visitor): void {
  visitor.route(new URL(door).host, `127.0.0.1:${instances[1]?.ports.proxy ?? 0}`)
}
