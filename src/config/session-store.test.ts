import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { accept, refuse } from '../../test/support/config.ts'
import { storeOf, redisOf, refusedRedis, at } from '../../test/support/store-config.ts'

const MEMORY = { type: 'memory', memory: { maxSessions: 100_000, maxStates: 10_000 } }

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

test('a section redis without the type is probably a slip: a warning says so', (t) => {
  const { warnings } = accept(t, 'session_store:\n  redis: { addr: "a:1" }\n')
  assert.deepEqual(
    warnings.map(({ path, line }) => [path, line]),
    [['session_store.redis', 2]],
  )
})
