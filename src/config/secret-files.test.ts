import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { test } from 'node:test'
import { accept, refuse } from '../../test/support/config.ts'

const redis = (keys: string) => `session_store: { type: redis, redis: { addr: "a:1", ${keys} } }`

test('a secret can stand in a file beside the configuration; one line end behind it does not count', (t) => {
  const contents = {
    'hunter2\n': 'hunter2',
    'hunter2\r\n': 'hunter2',
    'hunter2\n\n': 'hunter2\n',
    ' hunter2 ': ' hunter2 ',
    '': undefined,
  }
  for (const [content, secret] of Object.entries(contents)) {
    const { config, files } = accept(t, redis('password_file: secrets/redis'), { files: { 'secrets/redis': content } })
    assert.ok(config.sessionStore.type === 'redis')
    assert.equal(config.sessionStore.redis.credentials.password?.reveal(), secret, JSON.stringify(content))
    assert.deepEqual(
      [...files.keys()].map((file) => basename(file)),
      ['config.yaml', 'redis'],
    )
  }
})

test('every secret has such a key', (t) => {
  const { config } = accept(
    t,
    `login: { base_url: https://a.example, providers: [ { id: a, issuer: https://a.example, client_id: a, client_secret_file: a } ] }
tracing: { providers: { otlp: { authorization_header_file: b } } }
serve: { api: { tls: { key: { base64_file: c }, cert: { path: d } } } }
`,
    { files: { a: 'one', b: 'two', c: 'dGhyZWU=\n' } },
  )
  assert.equal(config.login?.providers[0]?.clientSecret?.reveal(), 'one')
  assert.equal(config.tracing.otlp.authorizationHeader?.reveal(), 'two')
  assert.equal(config.serve.api.tls?.key.base64?.reveal(), 'dGhyZWU=')
})

test('a secret and its file together are refused, as is a file that cannot be read', (t) => {
  assert.deepEqual(refuse(t, redis('password: hunter2, password_file: x')), [
    'config.yaml:1: session_store.redis.password_file: is given together with password; remove one of them',
  ])
  assert.deepEqual(refuse(t, redis('password_file: nowhere')), [
    'config.yaml:1: session_store.redis.password_file: names a file that cannot be read: nowhere (no such file)',
  ])
  assert.match(refuse(t, redis('password_file: ""')).join(), /password_file: must be the path of a file/)
  assert.match(refuse(t, redis('password_file: 7')).join(), /password_file: must be the path of a file/)
  assert.match(refuse(t, redis('addr_file: x')).join(), /addr_file: is not a key here/)
})

test('a later file may replace a secret by a file, or a file by a secret', (t) => {
  const password = (load: string[]) => {
    const { sessionStore } = accept(t, redis('password: one'), {
      files: {
        'b.yaml': 'session_store: { redis: { password_file: two } }',
        two: 'two',
        'c.yaml': 'session_store: { redis: { password: three } }',
      },
      load,
    }).config
    return sessionStore.type === 'redis' && sessionStore.redis.credentials.password?.reveal()
  }
  assert.equal(password(['config.yaml', 'b.yaml']), 'two')
  assert.equal(password(['config.yaml', 'b.yaml', 'c.yaml']), 'three')
})
