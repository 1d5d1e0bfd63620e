// The store answers, but not as it should: cut, twice, in another order, with an error, or without room for more.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  assertOthersUnaffected,
  assertOutage,
  assertRecovered,
  assertRefused,
  assertWaits,
  assertWorks,
  MODES,
  PATIENT,
  patiently,
  SCRIPT,
  startFaultScene,
  WITHIN_MS,
} from '../support/fault-scene.ts'
import { rawRequest } from '../support/raw-client.ts'
import { tellRecovery } from '../support/recovery.ts'
import { until } from '../support/until.ts'
import { Visitor } from '../support/visitor.ts'

/** Scripts, and the commands that write. */
const WRITES = /EVALSHA|EVAL|\r\nSET\r\n|GETDEL/

/** Errors of a server to the commands that sessions are read and written by, and what the log then says; the rest it answers as ever. */
const ANSWERS: readonly (readonly [answer: string, said?: string])[] = [
  ['-MOVED 1234 10.9.8.7:7000', 'node of a Redis Cluster'],
  ['-MOVED length 127.0.0.1:1'],
  ['-ASK 1234 10.9.8.7:7000'],
  ['-CLUSTERDOWN Hash slot not served'],
  ['-TRYAGAIN Multiple keys request during rehashing of slot'],
  ['-READONLY You can not write against a read only replica.', 'read-only replica'],
  ['-LOADING Redis is loading the dataset in memory'],
  ['-MASTERDOWN Link with MASTER is down'],
  ['-NOAUTH Authentication required.', 'requires a password'],
  ['-WRONGPASS invalid username-password pair a-password-of-redis', 'it refused the password'],
  ['-NOPERM this user has no permissions to run the command'],
  ['-OOM command not allowed when used memory > maxmemory', 'no memory left'],
  ['-MISCONF Redis is configured to save RDB snapshots'],
  ['-BUSY Redis is busy running a script'],
  ['-ERR max number of clients reached'],
  ['-__proto__ constructor'],
  ['-ERR'],
  ['-'],
]

for (const mode of MODES) {
  const members = mode === 'near cache' ? 'go on' : 'wait'

  test(`FM-15: a reply is cut in the middle: an error, and what follows is no answer (${mode})`, async (t) => {
    const scene = await startFaultScene(t, { ...PATIENT, mode })
    const { proxy } = scene
    for (const bytes of [0, 1, 5, 100, 700]) {
      await scene.touch()
      const { accepted } = proxy
      proxy.cutAfterBytes = bytes
      const answer = await scene.ask('/strict')
      assertRefused(answer)
      const begun = performance.now()
      await assertWorks(scene)
      assert.ok(proxy.accepted > accepted, 'another connection')
      tellRecovery('FM-15', performance.now() - begun, `(${mode}, after ${bytes} bytes)`)
    }
  })

  test(`FM-16: replies that nobody asked for, or of another kind: never a session of somebody else (${mode})`, async (t) => {
    const scene = await startFaultScene(t, { mode })
    const { proxy, product } = scene
    product.provider.sub = 'mallory'
    const mallory = new Visitor()
    await patiently(async () => assert.equal((await product.logIn(mallory)).status, 200))
    product.provider.sub = 'alice'
    const spoils: ((reply: Buffer) => Buffer)[] = [
      (reply) => Buffer.concat([reply, reply]),
      () => Buffer.from('$536870912\r\n'),
      () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
      () => Buffer.from('+PONG\r\n'),
      () => Buffer.from('*0\r\n'),
    ]
    for (const spoil of spoils) {
      await scene.touch()
      const before = product.upstream.requests.length
      proxy.rewrite = spoil
      const twins = Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? scene.ada : mallory))
      const answers = await Promise.all(
        twins.map(async (visitor, i) => await visitor.go(`${product.door}/page-${i}`, SCRIPT)),
      )
      proxy.rewrite = undefined
      const begun = performance.now()
      for (const { status, setCookies } of answers) {
        assert.ok(status === 200 || status === 503, `${status}`)
        assert.deepEqual(setCookies, [])
      }
      for (const request of product.upstream.requests.slice(before)) {
        const isAda = Number(request.target.slice('/page-'.length)) % 2 === 0
        assert.equal(request.header('x-user'), isAda ? 'alice' : 'mallory')
      }
      await assertWorks(scene)
      tellRecovery('FM-16', performance.now() - begun, `(${mode})`)
    }
  })

  test(`FM-17: Redis is full and drops nothing: logins wait, sessions are read and ended (${mode})`, async (t) => {
    const scene = await startFaultScene(t, { ...PATIENT, mode, redis: { args: ['--maxmemory-policy', 'noeviction'] } })
    const { product, redis } = scene
    const leaving = (await patiently(() => product.signIn())).visitor
    await redis.command('CONFIG', 'SET', 'maxmemory', '1')
    const login = await new Visitor().go(`${product.door}/.oathkeeper/login?return_to=/me`)
    assertWaits(login, 'Signing in has to wait a moment')
    await assertWorks(scene)
    const copy = leaving.copy()
    const left = await leaving.submit(`${product.door}/.oathkeeper/logout`, {})
    assert.ok(left.status < 400, `the logout was ${left.status}`)
    assert.equal((await copy.go(`${product.door}/me`, SCRIPT)).status, 401)
    assert.match(product.log(), /no memory left/)
    assert.ok((await scene.metric('session_store_operation_failures_total{operation="put_state"}')) >= 1)
    await redis.command('CONFIG', 'SET', 'maxmemory', '0')
    await assertRecovered(scene, 'FM-17', performance.now())
  })

  test(`FM-19: Redis runs a script that does not end (BUSY) (${mode})`, async (t) => {
    const scene = await startFaultScene(t, { ...PATIENT, mode, redis: { args: ['--busy-reply-threshold', '20'] } })
    await scene.touch()
    const busy = scene.redis.command('EVAL', 'while true do end', '0').catch(() => undefined)
    await until(WITHIN_MS, async () => await assert.rejects(scene.redis.command('PING'), /BUSY/))
    await until(WITHIN_MS, async () => assertRefused(await scene.ask('/strict')))
    // What is known here and vouched for goes on; the connection itself never broke.
    await assertOthersUnaffected(scene)
    assertWaits(
      await new Visitor().go(`${scene.product.door}/.oathkeeper/login?return_to=/me`),
      'Signing in has to wait a moment',
    )
    await scene.redis.command('SCRIPT', 'KILL')
    const begun = performance.now()
    await busy
    await assertRecovered(scene, 'FM-19', begun, 'BUSY')
  })

  test(`FM-19: Redis loads its data after a restart (LOADING) (${mode})`, async (t) => {
    const scene = await startFaultScene(t, { ...PATIENT, mode })
    const { proxy, product } = scene
    proxy.answer = () => '-LOADING Redis is loading the dataset in memory\r\n'
    proxy.resetAll()
    await assertOutage(scene, members)
    assert.match(product.log(), /loads its data|loading/i)
    proxy.answer = undefined
    await assertRecovered(scene, 'FM-19', performance.now(), 'LOADING')
  })

  test(`FM-19: Redis cannot save and takes no writes (MISCONF): who is signed in notices nothing (${mode})`, async (t) => {
    const scene = await startFaultScene(t, { ...PATIENT, mode })
    const { proxy, product } = scene
    proxy.answer = (request) =>
      WRITES.test(String(request)) ? '-MISCONF Redis is configured to save RDB snapshots\r\n' : undefined
    const login = await new Visitor().go(`${product.door}/.oathkeeper/login?return_to=/me`)
    assertWaits(login, 'Signing in has to wait a moment')
    await assertWorks(scene)
    proxy.answer = undefined
    await assertRecovered(scene, 'FM-19', performance.now(), 'MISCONF')
  })
}

test('FM-04, FM-11, FM-19, V-134, V-136: whatever Redis objects to is 503 and logs nobody out, and the log names it', async (t) => {
  const scene = await startFaultScene(t, { mode: 'no near cache' })
  const { product, proxy } = scene
  let slowest = 0
  for (const [answer, said = 'a login route failed'] of ANSWERS) {
    proxy.answer = (request) => (/GETRANGE|EVALSHA|GETDEL|SET/.test(String(request)) ? `${answer}\r\n` : undefined)
    const before = product.upstream.requests.length
    // A connection that the one before has cost may be on its way still.
    await until(WITHIN_MS, async () => {
      assertRefused(await scene.ask('/me'))
      assertWaits(await new Visitor().go(`${product.door}/.oathkeeper/login`), 'Signing in has to wait a moment')
      assert.ok(product.log().includes(said), `${answer}: the log does not say ${said}`)
    })
    assert.equal(product.upstream.requests.length, before)
    proxy.answer = undefined
    const ms = await until(WITHIN_MS, async () => assert.equal((await scene.ask('/me')).status, 200, answer))
    slowest = Math.max(slowest, ms)
  }
  tellRecovery('FM-19', slowest, `(no near cache, the slowest of ${ANSWERS.length} errors)`)
  assert.ok(!product.log().includes('a-password-of-redis'))
  assert.equal(Object.hasOwn(Object.prototype, 'length'), false)
})

test('FM-16, V-129: with replies late by up to twice the deadline nobody is given the session of somebody else', async (t) => {
  const scene = await startFaultScene(t, { mode: 'no near cache' })
  const { product, proxy } = scene
  const people: Visitor[] = []
  for (let i = 0; i < 20; i++) {
    product.provider.sub = `user-${i}`
    const visitor = new Visitor()
    await patiently(async () => assert.equal((await product.logIn(visitor, `/user-${i}`)).status, 200))
    people.push(visitor)
  }
  product.provider.sub = 'alice'
  const before = product.upstream.requests.length
  proxy.delayMs = () => (Math.random() < 0.95 ? Math.random() * 20 : Math.random() * 500)
  const counts: Record<number, number> = {}
  const end = performance.now() + 2_000
  await Promise.all(
    people.map(async (visitor, i) => {
      while (performance.now() < end) {
        const cookie = `Cookie: ${visitor.cookieHeader(new URL(product.door))}`
        const head = `GET /user-${i} HTTP/1.1\r\nHost: ${product.host}\r\nAccept: application/json\r\n${cookie}`
        const { status } = await rawRequest(product.proxyPort, `${head}\r\n\r\n`)
        counts[status] = (counts[status] ?? 0) + 1
        await sleep(Math.random() * 20)
      }
    }),
  )
  for (const request of product.upstream.requests.slice(before)) {
    assert.equal(request.header('x-user'), request.target.slice(1))
  }
  t.diagnostic(JSON.stringify(counts))
  assert.deepEqual(Object.keys(counts), ['200', '503'])
  proxy.delayMs = 0
  await assertRecovered(scene, 'FM-16', performance.now(), 'late replies')
})
