// A store that fails: never a session that is none, never one less, and the cause is told without its password.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startApp } from '../../src/app.ts'
import { rawRequest } from '../support/raw-client.ts'
import { startRawProduct } from '../support/raw-product.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { makeFolder } from '../support/config.ts'

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
