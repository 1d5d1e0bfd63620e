import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storeOf, redisOf, redisOnly, refusedRedis, at } from '../../test/support/store-config.ts'

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
