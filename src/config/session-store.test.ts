import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { accept, refuse } from '../../test/support/config.ts'
import type { SessionStoreConfig } from './schema/session-store.ts'

const MEMORY = { type: 'memory', memory: { maxSessions: 100_000, maxStates: 10_000 } }

function storeOf(t: TestContext, text: string, env: Record<string, string> = {}): SessionStoreConfig {
  return accept(t, text, { env }).config.sessionStore
}

function redisOf(t: TestContext, keys: string, env: Record<string, string> = {}) {
  const store = storeOf(t, `session_store: { type: redis, redis: { addr: "127.0.0.1:6379", ${keys} } }`, env)
  assert.ok(store.type === 'redis')
  return store.redis
}

/** Without `addr`. */
function redisOnly(t: TestContext, keys: string) {
  const store = storeOf(t, `session_store: { type: redis, redis: { ${keys} } }`)
  assert.ok(store.type === 'redis')
  return store.redis
}

function refusedRedis(t: TestContext, keys: string): string {
  return refuse(t, `session_store: { type: redis, redis: { ${keys} } }`).join('\n')
}

/** As it comes out of `addr`. */
function at(address: { host: string; port: number }) {
  return { kind: 'single', address, key: 'addr' }
}

test('without the section, or with type memory, sessions are in memory', (t) => {
  assert.deepEqual(storeOf(t, '# No session_store configuration needed - defaults to memory\n'), MEMORY)
  assert.deepEqual(storeOf(t, 'session_store:\n  type: memory\n'), MEMORY)
  assert.deepEqual(storeOf(t, 'session_store: {}\n'), MEMORY)
})

test('the example with every key works as written', (t) => {
  const store = storeOf(
    t,
    `session_store:
  type: redis
  redis:
    addr: "127.0.0.1:6379"           # Redis server address
    password: "your-password"         # Optional: Redis password
    db: 0                            # Redis database number (0-15)
    session_prefix: "session:"       # Prefix for session keys
    state_prefix: "state:"           # Prefix for state keys (CSRF)
    ttl: "24h"                       # Time to live for session data
`,
  )
  assert.ok(store.type === 'redis')
  const { credentials, ...redis } = store.redis
  assert.equal(credentials.password?.reveal(), 'your-password')
  assert.deepEqual(redis, {
    servers: { kind: 'single', address: { host: '127.0.0.1', port: 6379 }, key: 'addr' },
    tls: undefined,
    db: 0,
    migrateForkSessions: false,
    sessionPrefix: 'session:',
    statePrefix: 'state:',
    ttlMs: 86_400_000,
    connectTimeoutMs: 2_000,
    commandTimeoutMs: 250,
    startTimeoutMs: 10_000,
    tracking: true,
  })
})

test('the basic, the authenticated and the production example work as written', (t) => {
  const basic = storeOf(t, 'session_store:\n  type: redis\n  redis:\n    addr: "localhost:6379"\n    ttl: "1h"\n')
  assert.ok(basic.type === 'redis')
  assert.deepEqual([basic.redis.servers, basic.redis.ttlMs], [at({ host: 'localhost', port: 6379 }), 3_600_000])

  const authenticated = storeOf(
    t,
    `session_store:
  type: redis
  redis:
    addr: "redis.example.com:6379"
    password: "secure-password"
    db: 1
    session_prefix: "myapp:session:"
    state_prefix: "myapp:state:"
    ttl: "8h"
`,
  )
  assert.ok(authenticated.type === 'redis')
  assert.equal(authenticated.redis.credentials.password?.reveal(), 'secure-password')
  assert.deepEqual(
    [
      authenticated.redis.db,
      authenticated.redis.sessionPrefix,
      authenticated.redis.statePrefix,
      authenticated.redis.ttlMs,
    ],
    [1, 'myapp:session:', 'myapp:state:', 28_800_000],
  )

  const production = storeOf(
    t,
    `session_store:
  type: redis
  redis:
    addr: "redis-cluster.internal:6379"
    password: "\${REDIS_PASSWORD}"  # Use environment variable
    db: 0
    session_prefix: "oathkeeper:prod:session:"
    state_prefix: "oathkeeper:prod:state:"
    ttl: "24h"
`,
    { REDIS_PASSWORD: 'from: {the} $environment' },
  )
  assert.ok(production.type === 'redis')
  assert.equal(production.redis.credentials.password?.reveal(), 'from: {the} $environment')
})

test('what is left out has its default', (t) => {
  const { servers: _, ...redis } = redisOf(t, '')
  assert.deepEqual(redis, {
    credentials: { username: undefined, password: undefined },
    tls: undefined,
    db: 0,
    migrateForkSessions: false,
    sessionPrefix: 'session:',
    statePrefix: 'state:',
    ttlMs: 86_400_000,
    connectTimeoutMs: 2_000,
    commandTimeoutMs: 250,
    startTimeoutMs: 10_000,
    tracking: true,
  })
})

test('a program for the credentials: a list, run every ten minutes where it does not say how long they last', (t) => {
  const argv = ['/usr/local/bin/redis-token', '--region', 'eu-west-1']
  const { credentials, credentialsCommand } = redisOf(t, `username: app, credentials_command: ${JSON.stringify(argv)}`)
  assert.deepEqual(credentials, { username: undefined, password: undefined })
  assert.deepEqual(credentialsCommand, { argv, username: 'app', refreshMs: 600_000, timeoutMs: 10_000 })
  const { credentialsCommand: asText } = redisOf(t, `username: app, credentials_command: "${argv.join('  ')}"`)
  assert.deepEqual(asText, credentialsCommand)
  const others = 'credentials_command: [x], credentials_refresh: 30m, timeout: { credentials: 3s }'
  assert.deepEqual(redisOf(t, others).credentialsCommand, {
    argv: ['x'],
    username: undefined,
    refreshMs: 1_800_000,
    timeoutMs: 3_000,
  })
})

test('a program for the credentials that is none, or given beside a password, is refused', (t) => {
  for (const [keys, told] of [
    ['addr: "a:1", credentials_command: 7', /credentials_command: /],
    ['addr: "a:1", credentials_command: " "', /credentials_command: must begin with the path of a program/],
    ['addr: "a:1", credentials_command: []', /credentials_command: must name a program/],
    ['addr: "a:1", credentials_command: ["", x]', /credentials_command: must begin with the path of a program/],
    [
      'addr: "a:1", credentials_command: [x], password: y',
      /credentials_command: is given together with password; remove one/,
    ],
    [
      'url: "redis://:y@a:1", credentials_command: [x]',
      /credentials_command: is given together with url, which has a password/,
    ],
    ['addr: "a:1", credentials_refresh: 1m', /credentials_refresh: has no effect without credentials_command/],
    ['addr: "a:1", credentials_command: [x], credentials_refresh: 0s', /credentials_refresh: /],
  ] as const) {
    assert.match(refusedRedis(t, keys), told)
  }
})

test('an empty password is none', (t) => {
  assert.equal(redisOf(t, 'password: ""').credentials.password, undefined)
  assert.equal(redisOf(t, 'password: "${UNSET:-}"').credentials.password, undefined)
})

test('ttl takes the units of its pattern, and days', (t) => {
  const units = {
    '30m': 1_800_000,
    '1h': 3_600_000,
    '7d': 604_800_000,
    '90s': 90_000,
    '1500ms': 1_500,
    '1500000us': 1_500,
    '1000000000ns': 1_000,
  }
  for (const [ttl, ms] of Object.entries(units)) assert.equal(redisOf(t, `ttl: ${ttl}`).ttlMs, ms, ttl)
})

test('V-089: a ttl that is no duration, too long, or rounds to nothing is refused', (t) => {
  for (const ttl of ['""', '24', '"24"', '1h30m', '-1h', '1.5h', '1w', '24H', '" 1h"']) {
    assert.match(refusedRedis(t, `addr: "a:1", ttl: ${ttl}`), /redis\.ttl: must be a duration such as .*7d, found/, ttl)
  }
  for (const ttl of ['100000h', '401d', '99999999999999999999h', '9223372036854775807ns']) {
    assert.match(refusedRedis(t, `addr: "a:1", ttl: "${ttl}"`), /redis\.ttl: must be at most 400d/, ttl)
  }
  for (const ttl of ['0s', '999us', '1ns']) {
    assert.match(refusedRedis(t, `addr: "a:1", ttl: "${ttl}"`), /redis\.ttl: must be at least 1ms/, ttl)
  }
})

test('db is 0 to 15', (t) => {
  assert.deepEqual(
    [0, 1, 15].map((db) => redisOf(t, `db: ${db}`).db),
    [0, 1, 15],
  )
  for (const db of [-1, 16])
    assert.match(refusedRedis(t, `addr: "a:1", db: ${db}`), /redis\.db: must be 0 to 15, found -?1/)
  for (const db of ['"1"', '1.5', 'x', 'true'])
    assert.match(refusedRedis(t, `addr: "a:1", db: ${db}`), /redis\.db: must be a/)
})

test('addr is required, and only with type redis', (t) => {
  assert.match(
    refusedRedis(t, 'db: 1'),
    /^config\.yaml:1: session_store\.redis\.addr: is required with session_store\.type: redis/,
  )
  assert.equal(refuse(t, 'session_store:\n  type: redis\n').length, 1)
  assert.equal(storeOf(t, 'session_store: { type: memory, redis: { db: 1 } }').type, 'memory')
})

test('addr is host:port, with an IPv6 address in brackets', (t) => {
  const addresses = {
    'redis.example.com:6379': { host: 'redis.example.com', port: 6379 },
    '10.0.0.1:1': { host: '10.0.0.1', port: 1 },
    '[::1]:6379': { host: '::1', port: 6379 },
    'my_redis-0:65535': { host: 'my_redis-0', port: 65_535 },
  }
  for (const [addr, address] of Object.entries(addresses)) {
    const store = storeOf(t, `session_store: { type: redis, redis: { addr: "${addr}" } }`)
    assert.ok(store.type === 'redis')
    assert.deepEqual(store.redis.servers, at(address))
  }
  for (const addr of [
    '',
    'localhost',
    ':6379',
    'a:0',
    'a:65536',
    'a:x',
    '::1:6379',
    '[::1]',
    '[x]:1',
    'redis://a:1',
    'a:1/2',
    'u@a:1',
    'a b:1',
  ]) {
    assert.match(refusedRedis(t, `addr: "${addr}"`), /redis\.addr: must be host:port/, addr)
  }
})

test('a password in addr is refused and not shown', (t) => {
  const problem = refusedRedis(t, 'addr: "redis://:hunter2@redis.example.com:6379"')
  assert.match(problem, /found "redis:\/\/…@redis\.example\.com:6379"/)
  assert.doesNotMatch(problem, /hunter2/)
})

test('url says addr, user, password, database and TLS at once', (t) => {
  const read = (url: string) => {
    const store = storeOf(t, `session_store: { type: redis, redis: { url: "${url}" } }`)
    assert.ok(store.type === 'redis')
    const { servers, credentials, tls, db } = store.redis
    assert.ok(servers.kind === 'single' && servers.key === 'url')
    return [servers.address, credentials.username, credentials.password?.reveal(), tls !== undefined, db]
  }
  const host = 'redis.example.com'
  assert.deepEqual(read('redis://redis.example.com'), [{ host, port: 6379 }, undefined, undefined, false, 0])
  assert.deepEqual(read('redis://redis.example.com:7000/'), [{ host, port: 7000 }, undefined, undefined, false, 0])
  assert.deepEqual(read('redis://:pass%20w%25rd@redis.example.com/15'), [
    { host, port: 6379 },
    undefined,
    'pass w%rd',
    false,
    15,
  ])
  assert.deepEqual(read('rediss://ok%40user:p%2Fq@[::1]:6380/2'), [
    { host: '::1', port: 6380 },
    'ok@user',
    'p/q',
    true,
    2,
  ])
})

test('url: what is no URL of a Redis, or says something twice, is refused and not shown', (t) => {
  for (const url of [
    '',
    'redis://',
    'http://a',
    'a:6379',
    'redis://a/16',
    'redis://a/x',
    'redis://a/1/2',
    'redis://a?db=1',
  ]) {
    assert.match(refusedRedis(t, `url: "${url}"`), /redis\.url: must /, url)
  }
  for (const url of [
    'redis://hunter2@a',
    'redis://u:hunter2%zz@a',
    'redis://u:hunter2@a/99',
    'redis://u:hunter2@a#x',
  ]) {
    const problem = refusedRedis(t, `url: "${url}"`)
    assert.match(problem, /redis\.url: must /, url)
    assert.doesNotMatch(problem, /hunter2/)
  }
  for (const key of ['username: u', 'password: p', 'db: 1']) {
    assert.match(refusedRedis(t, `url: "redis://a", ${key}`), /is given together with url, which says it already/)
  }
})

test('username needs a password, and both are kept', (t) => {
  const { credentials } = redisOf(t, 'username: oathkeeper, password: x')
  assert.deepEqual([credentials.username, credentials.password?.reveal()], ['oathkeeper', 'x'])
  for (const password of ['', ', password: ""']) {
    assert.match(refusedRedis(t, `addr: "a:1", username: u${password}`), /username: needs a password beside it/)
  }
})

test('tls is off by default; its files are found from the folder of the configuration', (t) => {
  assert.equal(redisOf(t, 'tls: {}').tls, undefined)
  assert.equal(redisOf(t, 'tls: { enabled: false, ca_file: a.pem }').tls, undefined)
  const tls = redisOf(
    t,
    'tls: { enabled: true, ca_file: ca.pem, cert_file: c.pem, key_file: /k.pem, server_name: r.example }',
  ).tls
  assert.deepEqual([tls?.caFile?.endsWith('/ca.pem'), tls?.keyFile, tls?.serverName], [true, '/k.pem', 'r.example'])
  assert.deepEqual(Object.values(redisOf(t, 'tls: { enabled: true }').tls ?? {}), [
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})

test('tls that would not be what was meant is refused', (t) => {
  for (const [keys, told] of [
    ['addr: "a:1", tls: { ca_file: x }', /tls\.ca_file: has no effect without enabled: true beside it/],
    ['addr: "a:1", tls: { enabled: true, cert_file: x }', /tls\.cert_file: needs cert_file and key_file, both/],
    ['url: "redis://a", tls: { enabled: true }', /tls\.enabled: contradicts url, which begins with redis:\/\//],
    ['url: "rediss://a", tls: { enabled: false }', /tls\.enabled: contradicts url, which begins with rediss:\/\//],
  ] as const) {
    assert.match(refusedRedis(t, keys), told)
  }
})

test('prefixes that could give one key to a session and a state are refused', (t) => {
  for (const [session, state] of [
    ['a:', 'a:'],
    ['a:', 'a:b:'],
    ['a:b:', 'a:'],
  ]) {
    assert.match(
      refusedRedis(t, `addr: "a:1", session_prefix: "${session}", state_prefix: "${state}"`),
      /state_prefix: "\S+" begins as session_prefix/,
    )
  }
  assert.match(refusedRedis(t, 'addr: "a:1", session_prefix: ""'), /session_prefix: must not be empty/)
})

test('type may be the path of a module, found from the folder of the file that names it', (t) => {
  const { config, files } = accept(t, 'session_store: { type: ./stores/mine.js, config: { any: [thing] } }')
  const folder = join([...files.keys()][0] as string, '..')
  assert.deepEqual(config.sessionStore, {
    type: 'module',
    module: join(folder, 'stores/mine.js'),
    options: { any: ['thing'] },
    nearCache: { maxSessions: 50_000, maxAgeMs: 60_000, outageGraceMs: 30_000 },
  })
})

test('near_cache is on with Redis, bounded in number and age, and can be switched off', (t) => {
  const read = (keys: string) => {
    const store = storeOf(t, `session_store: { type: redis, redis: { addr: "a:1" }, near_cache: ${keys} }`)
    assert.ok(store.type === 'redis')
    return [store.nearCache, store.redis.tracking]
  }
  assert.deepEqual(read('{}'), [{ maxSessions: 50_000, maxAgeMs: 60_000, outageGraceMs: 30_000 }, true])
  assert.deepEqual(read('{ max_sessions: 10, max_age: 5s }'), [
    { maxSessions: 10, maxAgeMs: 5_000, outageGraceMs: 30_000 },
    true,
  ])
  assert.deepEqual(read('{ enabled: false }'), [undefined, false])
  for (const keys of ['max_sessions: 0', 'max_age: 0s', 'max_age: 2h', 'enabled: 1'])
    assert.equal(refuse(t, `session_store: { near_cache: { ${keys} } }`).length, 1, keys)
})

test('outage.grace is 30 s unless it is set; without a near cache it has no effect, which is told', (t) => {
  const read = (keys: string) => accept(t, `session_store: { type: redis, redis: { addr: "a:1" }, ${keys} }`)
  const graceOf = (grace: string) => {
    const { sessionStore } = read(`outage: { grace: ${grace} }`).config
    assert.ok(sessionStore.type === 'redis')
    return sessionStore.nearCache?.outageGraceMs
  }
  assert.deepEqual([graceOf('0s'), graceOf('5m')], [0, 300_000])
  assert.equal(refuse(t, 'session_store: { outage: { grace: 2d } }').length, 1)
  const { warnings } = read('near_cache: { enabled: false }, outage: { grace: 1m }')
  assert.deepEqual(
    warnings.map(({ path, message }) => [path, message]),
    [['session_store.outage', 'has no effect without session_store.near_cache, from which sessions go on']],
  )
  assert.deepEqual(read('near_cache: { enabled: false }, outage: { grace: 0s }').warnings, [])
})

test('another type is refused, with what was probably meant', (t) => {
  assert.deepEqual(refuse(t, 'session_store:\n  type: rediss\n'), [
    'config.yaml:2: session_store.type: must be memory, redis, or the path of a module, which begins with ./, ../ or /, found "rediss"; did you mean redis?',
  ])
})

test('of addr, url, sentinel and cluster one says where Redis is', (t) => {
  const places = [
    'addr: "a:1"',
    'url: "redis://a"',
    'sentinel: { master: m, addrs: ["a:1"] }',
    'cluster: { addrs: ["a:1"] }',
  ]
  for (const [i, place] of places.entries()) {
    const { servers } = redisOnly(t, place)
    assert.equal(servers.kind, ['single', 'single', 'sentinel', 'cluster'][i])
    for (const other of places.slice(i + 1))
      assert.match(refusedRedis(t, `${place}, ${other}`), /is given together with \w+: one of them says where Redis is/)
  }
})

test('sentinel: its own credentials and TLS; the database is that of redis.db', (t) => {
  const { servers, db, tls } = redisOnly(
    t,
    'sentinel: { master: sessions, addrs: ["s1:26379", "[::1]:26379"], username: u, password: p }, db: 5, tls: { enabled: true, server_name: r }',
  )
  assert.ok(servers.kind === 'sentinel')
  assert.deepEqual([servers.master, servers.addresses.map(({ host }) => host), db], ['sessions', ['s1', '::1'], 5])
  assert.deepEqual([servers.credentials.username, servers.credentials.password?.reveal()], ['u', 'p'])
  assert.deepEqual([tls?.serverName, servers.tls?.serverName, servers.tls !== undefined], ['r', undefined, true])
  const open = redisOnly(
    t,
    'sentinel: { master: m, addrs: ["a:1"], tls: { enabled: false } }, tls: { enabled: true }',
  ).servers
  assert.ok(open.kind === 'sentinel')
  assert.equal(open.tls, undefined)
  for (const keys of [
    '{}',
    '{ master: m }',
    '{ addrs: ["a:1"] }',
    '{ master: m, addrs: [] }',
    '{ master: m, addrs: ["a"] }',
  ])
    assert.match(refusedRedis(t, `sentinel: ${keys}`), /sentinel/)
  assert.match(
    refusedRedis(t, 'sentinel: { master: m, addrs: ["a:1"], username: u }'),
    /sentinel\.username: needs a password/,
  )
})

test('cluster: any number of its nodes, database 0 only, prefixes without braces', (t) => {
  const { servers } = redisOnly(t, 'cluster: { addrs: ["a:1", "b:2"] }, db: 0')
  assert.ok(servers.kind === 'cluster')
  assert.equal(servers.addresses.length, 2)
  assert.match(
    refusedRedis(t, 'cluster: { addrs: ["a:1"] }, db: 1'),
    /redis\.db: must be 0 with a cluster, which has no other$/m,
  )
  for (const key of ['session_prefix', 'state_prefix'])
    assert.match(
      refusedRedis(t, `cluster: { addrs: ["a:1"] }, ${key}: "{x}:"`),
      new RegExp(`${key}: must have no braces`),
    )
})

test('a section redis without the type is probably a slip: a warning says so', (t) => {
  const { warnings } = accept(t, 'session_store:\n  redis: { addr: "a:1" }\n')
  assert.deepEqual(
    warnings.map(({ path, line }) => [path, line]),
    [['session_store.redis', 2]],
  )
})
