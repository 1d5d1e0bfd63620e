// A store that fails: never a session that is none, never one less, and the cause is told without its password.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startApp } from '../../src/app.ts'
import { eventually } from '../support/eventually.ts'
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.ts'
import { rawRequest, type RawResponse } from '../support/raw-client.ts'
import { type RawProduct, startRawProduct } from '../support/raw-product.ts'
import { startRedisServer, type RedisServer } from '../support/redis-server.ts'
import { makeFolder } from '../support/config.ts'

const PASSWORD = 'a-password-of-redis'

interface Scene {
  readonly product: RawProduct
  readonly redis: RedisServer
  readonly fault: FaultProxy
  readonly cookie: string
  ask(): Promise<RawResponse>
  ready(): Promise<RawResponse>
}

/** The store is asked at each request: what it cannot be asked then is not answered from memory either. */
async function startScene(t: TestContext): Promise<Scene> {
  const redis = await startRedisServer({ password: PASSWORD })
  t.after(() => redis.close())
  const fault = await startFaultProxy(redis.port)
  t.after(() => fault.close())
  const redisConfig = { addr: `127.0.0.1:${fault.port}`, password: PASSWORD }
  const product = await startRawProduct(t, {
    config: { session_store: { type: 'redis', near_cache: { enabled: false }, redis: redisConfig } },
  })
  const { cookie } = await product.signIn()
  const { host, proxyPort, apiPort } = product
  return {
    product,
    redis,
    fault,
    cookie,
    ask: () =>
      rawRequest(proxyPort, `GET /me HTTP/1.1\r\nHost: ${host}\r\nAccept: application/json\r\n${cookie}\r\n\r\n`),
    ready: () => rawRequest(apiPort, 'GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n'),
  }
}

/** Errors of a server to the commands that sessions are read and written by; the rest it answers as ever. */
const ANSWERS = [
  '-MOVED 1234 10.9.8.7:7000',
  '-MOVED length 127.0.0.1:1',
  '-ASK 1234 10.9.8.7:7000',
  '-CLUSTERDOWN Hash slot not served',
  '-TRYAGAIN Multiple keys request during rehashing of slot',
  '-READONLY You can not write against a read only replica.',
  '-LOADING Redis is loading the dataset in memory',
  '-MASTERDOWN Link with MASTER is down',
  '-NOAUTH Authentication required.',
  `-WRONGPASS invalid username-password pair ${PASSWORD}`,
  '-NOPERM this user has no permissions to run the command',
  '-OOM command not allowed when used memory > maxmemory',
  '-MISCONF Redis is configured to save RDB snapshots',
  '-BUSY Redis is busy running a script',
  '-ERR max number of clients reached',
  '-__proto__ constructor',
  '-ERR',
  '-',
]

test('FM-04 FM-11 V-134 V-136: whatever Redis objects to is 503 and logs nobody out, and the log names it', async (t) => {
  const { product, fault, ask } = await startScene(t)
  for (const answer of ANSWERS) {
    fault.answer = (request) => (/GETRANGE|EVALSHA|GETDEL|SET/.test(String(request)) ? `${answer}\r\n` : undefined)
    const before = product.upstream.requests.length
    const refused = await ask()
    assert.equal(refused.status, 503, answer)
    assert.equal(refused.header('retry-after'), '1')
    assert.equal(refused.header('set-cookie'), undefined)
    assert.equal(product.upstream.requests.length, before)
    assert.doesNotMatch(String(refused.body), /redis|MOVED|10\.9\.8\.7|password/i, answer)
    const login = await rawRequest(
      product.proxyPort,
      `GET /.oathkeeper/login HTTP/1.1\r\nHost: ${product.host}\r\n\r\n`,
    )
    assert.equal(login.status, 503, answer)
    assert.equal(login.header('location'), undefined)
    fault.answer = undefined
    await eventually(ask, ({ status }) => status === 200, 2_000)
  }
  const log = product.log()
  assert.match(log, /node of a Redis Cluster/)
  assert.match(log, /requires a password/)
  assert.match(log, /it refused the password/)
  assert.match(log, /read-only replica/)
  assert.match(log, /no memory left/)
  assert.ok(!log.includes(PASSWORD))
  assert.equal(Object.hasOwn(Object.prototype, 'length'), false)
})

test('FM-20 V-136: a password that is wrong after hours is told in log and health, without it, and mends itself', async (t) => {
  const { product, redis, fault, ask, ready } = await startScene(t)
  await redis.command('CONFIG', 'SET', 'requirepass', 'another-password')
  fault.resetAll()
  await eventually(ask, ({ status }) => status === 503, 2_000)
  const health = await ready()
  assert.equal(health.status, 503)
  assert.match(String(health.body), /the session store \(redis\) cannot be used/)
  await eventually(product.log, (log) => log.includes('it refused the password'), 2_000)
  for (const text of [product.log(), String(health.body), String((await ask()).body)]) {
    assert.ok(!text.includes(PASSWORD) && !text.includes('another-password'))
  }
})

test('V-136: a Redis in cluster mode is refused at the start by its name', async (t) => {
  const redis = await startRedisServer({ args: ['--cluster-enabled', 'yes'] })
  t.after(() => redis.close())
  const folder = makeFolder(t, {
    'c.json': JSON.stringify({
      session_store: { type: 'redis', redis: { addr: redis.addr, start_timeout: '0s' } },
      serve: { proxy: { port: 0 }, api: { port: 0 } },
    }),
  })
  await assert.rejects(
    startApp({ configFiles: [`${folder}/c.json`], env: {}, logSink: { write() {}, flushSync() {} } }),
    {
      name: 'StartError',
      message: /^session_store: Redis at 127\.0\.0\.1:\d+: it is a node of a Redis Cluster/,
    },
  )
})

test('FM-22 V-093: a record that somebody changed is no session, stays as it is, and crashes nothing', async (t) => {
  const { product, redis, ask } = await startScene(t)
  const key =
    ((await redis.command('KEYS', 'session:*')) as string[]).find((name) => !/subject|sid|lease/.test(name)) ?? ''
  const dump = (): Promise<unknown> => redis.command('GET', key)
  const length = Number(await redis.command('STRLEN', key))
  assert.ok(length > 200)
  assert.equal((await ask()).status, 200)
  for (const at of [0, 1, 5, 14, 30, 100, 112, 116, 120, 150, Math.floor(length / 2), length - 20, length - 1]) {
    const before = await redis.command('GETRANGE', key, String(at), String(at))
    for (const octet of ['X', '\u0000', '{']) {
      if (octet === before) continue
      await redis.command('SETRANGE', key, String(at), octet)
      const changed = await dump()
      const { status } = await ask()
      assert.ok(status === 401 || status === 200, `octet ${at}: ${status}`)
      // What stands in the open and is bound to nothing may change: the version, and an end that is checked against the seal.
      if (status === 200) assert.ok(at < 112, `octet ${at} is not protected`)
      assert.equal(await dump(), changed, 'and it is left as it is')
    }
    await redis.command('SETRANGE', key, String(at), String(before))
  }
  for (const value of ['', '1', '{}', 'null', '[', '{"__proto__":{"subject":"root"}}', 'x'.repeat(5_000_000)]) {
    await redis.command('SET', key, value)
    assert.equal((await ask()).status, 401, value.slice(0, 20))
    assert.equal(await redis.command('STRLEN', key), value.length)
  }
  await redis.command('DEL', key)
  await redis.command('LPUSH', key, 'a')
  assert.equal((await ask()).status, 401)
  assert.equal(await redis.command('TYPE', key), 'list')
  assert.equal((await rawRequest(product.apiPort, 'GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n')).status, 200)
})

test('E-12 V-084: one person’s record under another’s key opens for neither', async (t) => {
  const redis = await startRedisServer()
  t.after(() => redis.close())
  const config = { config: { session_store: { type: 'redis', redis: { addr: redis.addr } } } }
  const product = await startRawProduct(t, config)
  const own = async (sub: string): Promise<{ cookie: string; key: string }> => {
    product.provider.sub = sub
    const before = new Set((await redis.command('KEYS', 'session:*')) as string[])
    const { cookie } = await product.signIn()
    const keys = (await redis.command('KEYS', 'session:*')) as string[]
    return { cookie, key: keys.find((name) => !before.has(name) && !/subject|sid|lease/.test(name)) ?? '' }
  }
  const [alice, mallory] = [await own('alice'), await own('mallory')]
  await redis.command('COPY', alice.key, mallory.key, 'REPLACE')
  const another = await startRawProduct(t, config)
  for (const { proxyPort, host, upstream } of [product, another]) {
    const before = upstream.requests.length
    const raw = `GET /me HTTP/1.1\r\nHost: ${host}\r\nAccept: application/json\r\n${mallory.cookie}\r\n\r\n`
    const { status } = await rawRequest(proxyPort, raw)
    // Who has opened the record before may know it by its version, and then as it was.
    if (proxyPort === another.proxyPort) assert.equal(status, 401)
    for (const request of upstream.requests.slice(before)) assert.equal(request.header('x-user'), 'mallory')
  }
})

test('E-14: how long sessions live, and how many a person may have, is documented', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/session-store.md'), 'utf8')
  for (const key of ['session.lifetime', 'session.idle_timeout', 'session_store.redis.ttl', 'login.state_ttl']) {
    assert.match(text, new RegExp(`\\| \`${key.replaceAll('.', '\\.')}\` \\|`), key)
  }
  assert.match(text, /any number of sessions at once/)
})
