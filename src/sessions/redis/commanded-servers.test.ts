import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { redisOptions, sentinelServers } from '../../../test/support/redis-options.ts'
import { startRedisServer, type RedisServer } from '../../../test/support/redis-server.ts'
import { startRedisCluster, startSentinelSet } from '../../../test/support/redis-topology.ts'
import { createTestClock } from '../../../test/support/test-clock.ts'
import { timed, until } from '../../../test/support/until.ts'
import { silentLogger, type LogFields, type Logger } from '../../kernel/logger.ts'
import { createRedisStore, type RedisStoreOptions } from '../redis.ts'

const IN_USE = 'the changed credentials of the session store are in use'
const NOT_HAD = 'new credentials for the session store could not be had; those from before stay in use'

/** A program that prints what the test says, and counts how often. */
function printer(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'credentials-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [script, output, runs] = ['script', 'output', 'runs'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(script, 'echo >> "$2"\ncat "$1"\n')
  writeFileSync(runs, '')
  return {
    argv: ['/bin/sh', script, output, runs] as const,
    print: (text: string) => writeFileSync(output, text),
    printJson: (username: string, password: string) =>
      writeFileSync(output, JSON.stringify({ username, password, expires_in: 900 })),
    fail: () => rmSync(output),
    runs: () => readFileSync(runs, 'utf8').length,
  }
}

type Printer = ReturnType<typeof printer>

function startStore(t: TestContext, argv: Printer['argv'], changes: Partial<RedisStoreOptions>) {
  const clock = createTestClock()
  const logged: [string, LogFields][] = []
  const log = (fields: LogFields, message: string): void => void logged.push([message, fields])
  const logger: Logger = { debug: log, info: log, warn: log, error: log }
  const credentialsCommand = { argv, username: undefined, refreshMs: 600_000, timeoutMs: 10_000 }
  const store = createRedisStore(redisOptions({ port: 0 }, { credentialsCommand, ...changes }), clock, logger)
  t.after(() => store.close())
  return { store, clock, logged, count: (message: string) => logged.filter(([told]) => told === message).length }
}

async function startServer(t: TestContext): Promise<RedisServer> {
  const server = await startRedisServer({ args: ['--user', 'app', 'on', '>one', '~*', '+@all'] })
  t.after(() => server.close())
  return server
}

function at({ port }: { readonly port: number }): Pick<RedisStoreOptions, 'servers'> {
  return { servers: { kind: 'single', address: { host: '127.0.0.1', port }, key: 'addr' } }
}

test('what a program prints is who we are, to the next connection and to those that are open', async (t) => {
  const server = await startServer(t)
  const program = printer(t)
  program.printJson('app', 'one')
  const { store, clock, count } = startStore(t, program.argv, at(server))
  await store.start()
  assert.match(String(await server.command('CLIENT', 'LIST')), /name=oathkeeper .*user=app/)

  await server.command('ACL', 'SETUSER', 'second', 'on', '>two', '~*', '+@all')
  program.printJson('second', 'two')
  clock.advance(900_000 * 0.69)
  assert.equal(program.runs(), 1)
  clock.advance(900_000 * 0.12)
  await until(5000, () => assert.equal(count(IN_USE), 1))
  assert.equal(program.runs(), 2)
  assert.match(String(await server.command('CLIENT', 'LIST')), /name=oathkeeper .*user=second/)
  await server.command('ACL', 'DELUSER', 'app')
  await server.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  await until(5000, () => store.ping())
})

test('without a word about its end the program is run again after credentials_refresh, at most', async (t) => {
  const server = await startServer(t)
  const program = printer(t)
  program.print('app\none\n')
  const { store, clock, count } = startStore(t, program.argv, at(server))
  await store.start()
  for (let run = 1; run <= 3; run++) {
    clock.advance(600_000)
    await until(5000, () => assert.equal(count(IN_USE), run))
  }
  assert.equal(program.runs(), 4)
})

test('a program that fails later leaves everything as it is, is told of without a word of its output, and run again', async (t) => {
  const server = await startServer(t)
  const program = printer(t)
  program.printJson('app', 'one')
  const { store, clock, logged, count } = startStore(t, program.argv, at(server))
  await store.start()
  program.print('a-secret\nanother\nand another\n')
  clock.advance(900_000 * 0.81)
  await until(5000, () => assert.equal(count(NOT_HAD), 1))
  program.fail()
  clock.advance(1000)
  await until(5000, () => assert.equal(count(NOT_HAD), 2))
  await store.ping()
  program.printJson('app', 'one')
  clock.advance(2000)
  await until(5000, () => assert.equal(count(IN_USE), 1))
  const details = logged.filter(([message]) => message === NOT_HAD).map(([, { detail }]) => detail)
  assert.deepEqual(details, [
    'session_store.redis.credentials_command prints nothing that can be used: JSON with "password", or user and password, is expected',
    'session_store.redis.credentials_command ended with exit code 1',
  ])
  assert.doesNotMatch(JSON.stringify(logged), /a-secret|another/)
})

test('FM-20: credentials that are refused before their time are asked for anew, and not at every refusal', async (t) => {
  const server = await startServer(t)
  const program = printer(t)
  program.printJson('app', 'one')
  const { store, clock, count } = startStore(t, program.argv, at(server))
  await store.start()
  await server.command('ACL', 'SETUSER', 'app', 'resetpass', '>two')
  await server.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  await until(5000, () => assert.equal(count('session store is still down'), 1))
  clock.advance(4_900)
  assert.equal(program.runs(), 1)
  clock.advance(100)
  await until(5000, () => assert.equal(program.runs(), 2))
  // Of those that are refused again, each time, one is heard.
  const refused = async () =>
    Number(/WRONGPASS:count=(\d+)/.exec(String(await server.command('INFO', 'errorstats')))?.[1])
  const before = await refused()
  await until(5000, async () => assert.ok((await refused()) > before + 3))
  clock.advance(9_000)
  assert.equal(program.runs(), 2)
  program.printJson('app', 'two')
  clock.advance(1_000)
  await until(5000, () => store.ping())
  assert.equal(program.runs(), 3)
})

test('a start without credentials ends with one sentence, without a word of what was printed', async (t) => {
  const program = printer(t)
  program.print('{"password":"a-secret","expires_at":"2020-01-01T00:00:00Z"}')
  const hang = ['/bin/sh', '-c', 'echo a-secret; sleep 60'] as const
  for (const [argv, told] of [
    [['/no/such/program'], 'could not be run (ENOENT)'],
    [['/bin/sh', '-c', 'echo a-secret; exit 3'], 'ended with exit code 3'],
    [hang, 'did not end within 500 ms'],
    [['/bin/sh', '-c', 'yes a-secret'], 'prints more than 65536 bytes'],
    [['/bin/echo', ' '], /^prints nothing that can be used/],
    [program.argv, 'prints credentials that have ended already: check the clock'],
  ] as const) {
    const credentialsCommand = {
      argv,
      username: undefined,
      refreshMs: 600_000,
      timeoutMs: argv === hang ? 500 : 10_000,
    }
    const { store, logged } = startStore(t, program.argv, { credentialsCommand, startTimeoutMs: 0 })
    const { ms, error } = await timed(() => store.start())
    assert.ok(error instanceof Error)
    const [, sentence = ''] = error.message.split('session_store.redis.credentials_command ')
    if (typeof told === 'string') assert.equal(sentence, told)
    else assert.match(sentence, told)
    assert.ok(ms < 5000)
    assert.doesNotMatch(`${error.stack}${JSON.stringify(logged)}`, /a-secret/)
  }
})

test('a program that gives nothing yet is run again for start_timeout, once a second', async (t) => {
  const server = await startServer(t)
  const program = printer(t)
  const credentialsCommand = { argv: program.argv, username: undefined, refreshMs: 600_000, timeoutMs: 10_000 }
  const clock = { ...createTestClock(), now: () => Date.now() }
  const logger: Logger = { ...silentLogger, warn: () => program.print('app\none') }
  const store = createRedisStore(redisOptions(server, { credentialsCommand }), clock, logger)
  t.after(() => store.close())
  await store.start()
  assert.equal(program.runs(), 2)
})

test('in a cluster, and where Sentinels name the master, every server is told', async (t) => {
  const user = { args: ['--user', 'app', 'on', '>one', '~*', '&*', '+@all'] }
  const [cluster, set] = await Promise.all([startRedisCluster(0, user), startSentinelSet()])
  t.after(() => Promise.all([cluster.close(), set.close()]))
  for (const server of set.servers) await server.command('ACL', 'SETUSER', 'app', 'on', '>one', '~*', '&*', '+@all')
  for (const [servers, nodes] of [
    [{ kind: 'cluster', addresses: cluster.addresses }, cluster.masters],
    [sentinelServers(set), [await set.master()]],
  ] as const) {
    const program = printer(t)
    program.printJson('app', 'one')
    const { store, clock, count } = startStore(t, program.argv, { servers, commandTimeoutMs: 5000 })
    await store.start()
    for (const node of nodes) {
      assert.match(String(await node.command('CLIENT', 'LIST')), /name=oathkeeper .*user=app/)
      await node.command('ACL', 'SETUSER', 'second', 'on', '>two', '~*', '&*', '+@all')
    }
    program.printJson('second', 'two')
    clock.advance(900_000)
    await until(5000, () => assert.equal(count(IN_USE), nodes.length))
    for (const node of nodes) {
      assert.match(String(await node.command('CLIENT', 'LIST')), /name=oathkeeper .*user=second/)
    }
  }
})
