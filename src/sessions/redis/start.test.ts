import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startFaultProxy } from '../../../test/support/fault-proxy.ts'
import { redisOptions } from '../../../test/support/redis-options.ts'
import { startRedisServer, type RedisServer } from '../../../test/support/redis-server.ts'
import { createTestClock } from '../../../test/support/test-clock.ts'
import { timed } from '../../../test/support/until.ts'
import { silentLogger, type LogFields, type Logger } from '../../kernel/logger.ts'
import { Secret } from '../../lib/secret.ts'
import { createRedisStore, type RedisStoreOptions } from '../redis.ts'

const PASSWORD = 'pass-Word %s'
const soon: Partial<RedisStoreOptions> = { startTimeoutMs: 0 }

let open: RedisServer
let locked: RedisServer

before(async () => {
  ;[open, locked] = await Promise.all([
    startRedisServer({ databases: 4 }),
    startRedisServer({ password: PASSWORD, args: ['--user', 'limited', 'on', '>x', '~*', '+@all'] }),
  ])
})
after(() => Promise.all([open.close(), locked.close()]))

/** The sentence with which a start fails. */
async function problemOf(port: number, changes: Partial<RedisStoreOptions> = {}): Promise<string> {
  const store = createRedisStore(redisOptions({ port }, { ...soon, ...changes }), createTestClock(), silentLogger)
  try {
    await store.start()
  } catch (cause) {
    assert.ok(cause instanceof Error)
    assert.equal(cause.cause, undefined)
    assert.ok(cause.message.startsWith(`Redis at 127.0.0.1:${port}: `), cause.message)
    assert.equal(`${cause.stack} ${JSON.stringify(cause)}`.includes(PASSWORD), false)
    return cause.message
  } finally {
    await store.close()
  }
  throw new Error('it started')
}

test('FM-01: nothing listens: tried again for start_timeout, then a sentence with host and port', async () => {
  const gone = await startRedisServer()
  await gone.close()
  const { ms, value } = await timed(() => problemOf(gone.port, { startTimeoutMs: 700 }))
  assert.match(value ?? '', /connection refused: verify that the server is running/)
  assert.ok(ms > 400 && ms < 1500, `${ms} ms`)
})

test('FM-01: a server that comes up within start_timeout is waited for', async (t) => {
  const late = await startRedisServer()
  t.after(() => late.close())
  await late.stop()
  const warned: LogFields[] = []
  const logger: Logger = { ...silentLogger, warn: (fields) => void (warned.push(fields) === 1 && late.start()) }
  const store = createRedisStore(redisOptions(late), createTestClock(), logger)
  t.after(() => store.close())
  await store.start()
  await store.ping()
  assert.match(String(warned[0]?.['detail']), /connection refused/)
})

test('FM-01: a host name that does not exist', async () => {
  const options = redisOptions({ port: 6379 }, { ...soon, address: { host: 'no-such-host.invalid', port: 6379 } })
  const store = createRedisStore(options, createTestClock(), silentLogger)
  await assert.rejects(store.start(), /^Error: Redis at no-such-host\.invalid:6379: the host name cannot be resolved/)
  await store.close()
})

test('FM-02: wrong password, none where one is needed', async () => {
  assert.match(
    await problemOf(locked.port, { password: new Secret('wrong') }),
    /refused the password: ensure that session_store\.redis\.password/,
  )
  assert.match(await problemOf(locked.port), /requires a password and none is configured/)
  const store = createRedisStore(
    redisOptions(locked, { password: new Secret(PASSWORD) }),
    createTestClock(),
    silentLogger,
  )
  await store.start()
  await store.close()
})

test('FM-03: a database that the server does not have', async () => {
  assert.match(await problemOf(open.port, { db: 9 }), /has no database 9: check session_store\.redis\.db/)
})

test('FM-03: a command or a key that the ACL denies', async (t) => {
  const server = await startRedisServer()
  t.after(() => server.close())
  const rules = ['ACL', 'SETUSER', 'default', 'on', '>secret', 'resetkeys', '~session:*', '~state:*', '+@all']
  for (const [denied, told] of [
    ['getdel', 'GETDEL'],
    ['evalsha', 'EVALSHA'],
    ['set', 'a script uses'],
    ['zadd', 'a script uses'],
  ] as const) {
    await server.command(...rules, `-${denied}`)
    const problem = await problemOf(server.port, { password: new Secret('secret') })
    assert.match(problem, new RegExp(`the user may not do what sessions need: check its ACL .*${told}`))
    await startAgain(server)
  }
  await server.command(...rules)
  assert.match(
    await problemOf(server.port, { password: new Secret('secret'), statePrefix: 'other:' }),
    /denied keys with the configured prefixes/,
  )
  await server.close()
})

async function startAgain(server: RedisServer): Promise<void> {
  await server.stop()
  await server.start()
}

test('FM-11: a node of a cluster', async (t) => {
  const server = await startRedisServer({ args: ['--cluster-enabled', 'yes'] })
  t.after(() => server.close())
  assert.match(await problemOf(server.port), /is a node of a Redis Cluster/)
  assert.match(await problemOf(server.port, { db: 1 }), /is a node of a Redis Cluster/)
})

test('a read-only replica', async (t) => {
  const server = await startRedisServer({ args: ['--replicaof', '127.0.0.1', String(open.port)] })
  t.after(() => server.close())
  assert.match(await problemOf(server.port), /is a read-only replica: set session_store\.redis\.addr to the master/)
})

test('FM-19: a server that loads its data, cannot save, or is busy', async (t) => {
  const proxy = await startFaultProxy(open.port)
  t.after(() => proxy.close())
  for (const [reply, sentence] of [
    ['-LOADING Redis is loading the dataset in memory', /still loading its data/],
    ['-MISCONF Redis is configured to save RDB snapshots', /cannot save to disk/],
    ['-BUSY Redis is busy running a script', /busy with a script/],
    ['-OOM command not allowed when used memory', /no memory left/],
    ['-DENIED Redis is running in protected mode', /protected mode/],
    ['-ERR max number of clients reached', /maximum number of clients/],
    [
      "-ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'default' 'pass-Word %s'",
      /Redis 6\.2 or later/,
    ],
    ["-ERR something else 'pass-Word %s'", /it answered ERR$/],
  ] as const) {
    proxy.answer = () => `${reply}\r\n`
    assert.match(await problemOf(proxy.port, { password: new Secret(PASSWORD) }), sentence)
  }
})

test('something that is not a Redis at all', async () => {
  const web = createServer((_, response) => void response.end('hello')).listen(0, '127.0.0.1')
  await once(web, 'listening')
  const { port } = web.address() as { port: number }
  assert.match(await problemOf(port), /does not speak the Redis protocol|closed the connection without an answer/)
  web.closeAllConnections()
  web.close()
})

test('FM-13: a server that accepts and says nothing costs its deadlines, and not a connection', async (t) => {
  const proxy = await startFaultProxy(open.port)
  t.after(() => proxy.close())
  proxy.blackHole = true
  const { ms, value } = await timed(() => problemOf(proxy.port))
  assert.match(value ?? '', /no answer within 500 ms: check whether the server is overloaded or hangs/)
  assert.ok(ms < 1200, `${ms} ms`)
})

test('FM-18: an eviction policy that can drop sessions is warned of, noeviction is not', async () => {
  const warned: [LogFields, string][] = []
  const logger: Logger = { ...silentLogger, warn: (fields, message) => void warned.push([fields, message]) }
  for (const policy of ['allkeys-lru', 'volatile-ttl', 'noeviction']) {
    await open.command('CONFIG', 'SET', 'maxmemory-policy', policy)
    const store = createRedisStore(redisOptions(open), createTestClock(), logger)
    await store.start()
    await store.close()
  }
  assert.deepEqual(
    warned.map(([fields]) => fields['policy']),
    ['allkeys-lru', 'volatile-ttl'],
  )
  assert.match(warned[0]?.[1] ?? '', /set maxmemory-policy to noeviction/)
})

test('a password for a server that asks for none is warned of', async (t) => {
  const warned: string[] = []
  const logger: Logger = { ...silentLogger, warn: (_, message) => void warned.push(message) }
  for (const server of [open, locked]) {
    const store = createRedisStore(redisOptions(server, { password: new Secret(PASSWORD) }), createTestClock(), logger)
    t.after(() => store.close())
    await store.start()
  }
  assert.equal(warned.length, 1)
  assert.match(warned[0] ?? '', /lets everybody in/)
})

test('the permissions that docs/redis.md gives are enough', async (t) => {
  const server = await startRedisServer()
  t.after(() => server.close())
  const documentation = await readFile(join(import.meta.dirname, '../../../docs/redis.md'), 'utf8')
  const [, rules = ''] = /^ {4}user default (on .*)$/m.exec(documentation) ?? []
  await server.command('ACL', 'SETUSER', 'default', ...rules.split(' '))
  const options = { password: new Secret('password'), db: 3 }
  const warned: string[] = []
  const logger: Logger = {
    ...silentLogger,
    warn: (_, message) => void warned.push(message),
    debug: (_, message) => void warned.push(message),
  }
  const store = createRedisStore(redisOptions(server, options), createTestClock(), logger)
  t.after(() => store.close())
  await store.start()
  assert.deepEqual(warned, [])
})

test('the self-test leaves nothing behind', async () => {
  assert.equal(await open.command('DBSIZE'), 0)
})
