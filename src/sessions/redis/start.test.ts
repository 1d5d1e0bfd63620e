import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startFaultProxy } from '../../../test/support/fault-proxy.ts'
import { redisOptions, withPassword } from '../../../test/support/redis-options.ts'
import { CERT_FILE, KEY_FILE, startRedisServer, type RedisServer } from '../../../test/support/redis-server.ts'
import { createTestClock } from '../../../test/support/test-clock.ts'
import { timed } from '../../../test/support/until.ts'
import { silentLogger, type LogFields, type Logger } from '../../kernel/logger.ts'
import { createRedisStore, type RedisStoreOptions } from '../redis.ts'
import { PROBES } from './permissions.ts'

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
  assert.ok(ms > 400 && ms < 5000, `${ms} ms`)
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
  const options = redisOptions(
    { port: 6379 },
    { ...soon, servers: { kind: 'single', address: { host: 'no-such-host.invalid', port: 6379 }, key: 'addr' } },
  )
  const store = createRedisStore(options, createTestClock(), silentLogger)
  await assert.rejects(store.start(), /^Error: Redis at no-such-host\.invalid:6379: the host name cannot be resolved/)
  await store.close()
})

test('FM-02: wrong password, none where one is needed', async () => {
  assert.match(
    await problemOf(locked.port, { ...withPassword('wrong') }),
    /refused the password: ensure that session_store\.redis\.password/,
  )
  assert.match(await problemOf(locked.port), /requires a password and none is configured/)
  const store = createRedisStore(redisOptions(locked, { ...withPassword(PASSWORD) }), createTestClock(), silentLogger)
  await store.start()
  await store.close()
})

test('FM-02: a user of the ACL: wrong password, switched off, right', async (t) => {
  const server = await startRedisServer({ args: ['--user', 'oathkeeper', 'on', '>right', '~*', '+@all'] })
  t.after(() => server.close())
  const refused = /refused the password: ensure that session_store\.redis\.password and username are correct/
  assert.match(await problemOf(server.port, withPassword('wrong', 'oathkeeper')), refused)
  assert.match(await problemOf(server.port, withPassword('right', 'somebody')), refused)
  const store = createRedisStore(
    redisOptions(server, withPassword('right', 'oathkeeper')),
    createTestClock(),
    silentLogger,
  )
  t.after(() => store.close())
  await store.start()
  assert.match(String(await server.command('CLIENT', 'LIST')), /name=oathkeeper .*user=oathkeeper/)
  await server.command('ACL', 'SETUSER', 'oathkeeper', 'off')
  assert.match(await problemOf(server.port, withPassword('right', 'oathkeeper')), refused)
})

test('TLS: each way in which it can go wrong is told with the key that mends it', async (t) => {
  const [server, strict] = await Promise.all([
    startRedisServer({ tls: 'server' }),
    startRedisServer({ tls: 'required' }),
  ])
  t.after(() => Promise.all([server.close(), strict.close()]))
  const none = { caFile: undefined, certFile: undefined, keyFile: undefined, serverName: undefined }
  const trusting = { ...none, caFile: CERT_FILE }
  for (const [{ port }, tls, told] of [
    [server, undefined, /closed the connection without an answer: .* session_store\.redis\.tls is on/],
    [server, none, /signed by nobody who is trusted here: set session_store\.redis\.tls\.ca_file/],
    [server, { ...trusting, serverName: 'other.example' }, /certificate is for another name: .*tls\.server_name/],
    [server, { ...none, caFile: '/no/such/file' }, /tls\.ca_file cannot be read \(ENOENT\): \/no\/such\/file/],
    [server, { ...trusting, certFile: KEY_FILE, keyFile: CERT_FILE }, /is no PEM, or the key is not that/],
    [strict, trusting, /wants a client certificate: set session_store\.redis\.tls\.cert_file and key_file/],
    [open, trusting, /no connection within 300 ms: check that session_store\.redis\.addr speaks TLS/],
  ] as const) {
    assert.match(await problemOf(port, { tls, connectTimeoutMs: 300 }), told)
  }
  for (const [server_, tls] of [
    [server, { ...trusting, serverName: 'localhost' }],
    [strict, { ...trusting, certFile: CERT_FILE, keyFile: KEY_FILE }],
  ] as const) {
    const store = createRedisStore(redisOptions(server_, { tls }), createTestClock(), silentLogger)
    await store.start()
    await store.close()
  }
})

test('a server that is too old is told by its version', async (t) => {
  const proxy = await startFaultProxy(open.port)
  t.after(() => proxy.close())
  for (const [version, tooOld] of [
    ['5.0.14', true],
    ['6.0.16', true],
    ['6.2.14', false],
    ['8.1.10', false],
  ] as const) {
    proxy.rewrite = (reply) =>
      Buffer.from(reply.toString('latin1').replace(/\$\d+\r\n7\.\d+\.\d+\r\n/, `$6\r\n${version}\r\n`), 'latin1')
    if (tooOld)
      assert.match(await problemOf(proxy.port), new RegExp(`it is Redis ${version}: Redis 6\\.2 or later, or Valkey`))
    else await assert.rejects(problemOf(proxy.port), /it started/)
  }
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
    ['set', 'SET'],
    ['zadd', 'ZADD'],
    ['zrangebyscore', 'ZRANGEBYSCORE'],
    ['exists', 'EXISTS'],
  ] as const) {
    await server.command(...rules, `-${denied}`)
    const problem = await problemOf(server.port, { ...withPassword('secret') })
    assert.match(
      problem,
      new RegExp(`the user may not do what sessions need: check its ACL \\(it is denied the command ${told}\\)$`),
    )
    await startAgain(server)
  }
  await server.command(...rules)
  assert.match(
    await problemOf(server.port, { ...withPassword('secret'), statePrefix: 'other:' }),
    /denied keys with the configured prefixes/,
  )
  await server.close()
})

async function startAgain(server: RedisServer): Promise<void> {
  await server.stop()
  await server.start()
}

test('every command that a script of ours runs is tried at start', async () => {
  const scripts = await readFile(join(import.meta.dirname, 'scripts.ts'), 'utf8')
  const tried = PROBES.map(([command]) => command)
  const used = [...scripts.matchAll(/redis\.call\('(\w+)'/g)].map(([, command = '']) => command)
  assert.ok(used.length >= 9)
  assert.deepEqual(
    used.filter((command) => !tried.includes(command)),
    [],
  )
})

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
    assert.match(await problemOf(proxy.port, { ...withPassword(PASSWORD) }), sentence)
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
    const store = createRedisStore(redisOptions(server, { ...withPassword(PASSWORD) }), createTestClock(), logger)
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
  const [, rules = ''] = /^ {4}user oathkeeper (on .*)$/m.exec(documentation) ?? []
  await server.command('ACL', 'SETUSER', 'oathkeeper', ...rules.split(' '))
  const options = { ...withPassword('password', 'oathkeeper'), db: 3 }
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
