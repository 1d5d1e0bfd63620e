import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { accept, makeFolder, refuse } from '../../test/support/config.ts'
import { environmentNames } from './environment.ts'
import { configJsonSchema } from './json-schema.ts'

const LOGIN =
  'login: { base_url: https://a.example, providers: [ { id: a, issuer: https://a.example, client_id: a } ] }\n'

test('every key has a variable of its own', () => {
  const schema = configJsonSchema([])
  const names = environmentNames(schema)
  assert.deepEqual(names.get('SERVE_PROXY_PORT')?.path, ['serve', 'proxy', 'port'])
  assert.deepEqual(names.get('SESSION_STORE_REDIS_SESSION_PREFIX')?.path, ['session_store', 'redis', 'session_prefix'])
  assert.deepEqual(names.get('LOGIN_PROVIDERS_#_CLIENT_SECRET')?.path, ['login', 'providers', '#', 'client_secret'])
  assert.deepEqual(names.get('SESSION_STORE_REDIS_PASSWORD_FILE')?.path, ['session_store', 'redis', 'password_file'])
  assert.deepEqual(names.get('AUTHENTICATORS_OAUTH2_INTROSPECTION_ENABLED')?.path, [
    'authenticators',
    'oauth2_introspection',
    'enabled',
  ])
})

test('a variable goes before the files, in the type of its key', (t) => {
  const { config } = accept(
    t,
    `serve: { proxy: { port: 1, trust_forwarded_headers: true } }\nlog: { level: error }\n${LOGIN}`,
    {
      env: {
        SERVE_PROXY_PORT: '8080',
        SERVE_PROXY_TRUST_FORWARDED_HEADERS: 'false',
        LOG_LEVEL: 'debug',
        SERVE_PROXY_TIMEOUT_READ: '9s',
        SESSION_STORE_TYPE: 'redis',
        SESSION_STORE_REDIS_ADDR: '[::1]:6379',
        SESSION_STORE_REDIS_DB: '3',
        TRACING_PROVIDERS_OTLP_SAMPLING_SAMPLING_RATIO: '0.25',
      },
    },
  )
  assert.equal(config.serve.proxy.port, 8080)
  assert.deepEqual(config.serve.proxy.trustedProxies, [])
  assert.deepEqual([config.log.level, config.serve.proxy.timeouts.readMs], ['debug', 9_000])
  assert.ok(config.sessionStore.type === 'redis')
  assert.deepEqual(
    [config.sessionStore.redis.servers, config.sessionStore.redis.db],
    [{ kind: 'single', address: { host: '::1', port: 6379 }, key: 'addr' }, 3],
  )
  assert.equal(config.tracing.otlp.samplingRatio, 0.25)
})

test('a list is JSON, texts with commas between them, or its items one by one', (t) => {
  const repositories = (env: Record<string, string>) =>
    accept(t, 'access_rules: { repositories: [ "file:///a", "file:///b" ] }', { env }).config.accessRules.repositories
  assert.deepEqual(repositories({ ACCESS_RULES_REPOSITORIES: 'file:///c, https://d/' }), ['file:///c', 'https://d/'])
  assert.deepEqual(repositories({ ACCESS_RULES_REPOSITORIES: '["file:///c,d"]' }), ['file:///c,d'])
  assert.deepEqual(repositories({ ACCESS_RULES_REPOSITORIES: '' }), [])
  assert.deepEqual(repositories({ ACCESS_RULES_REPOSITORIES_0: 'file:///c' }), ['file:///c', 'file:///b'])
  assert.deepEqual(repositories({ ACCESS_RULES_REPOSITORIES_2: 'file:///c' }), ['file:///a', 'file:///b', 'file:///c'])
})

test('an item behind the end of its list is refused', (t) => {
  assert.deepEqual(refuse(t, '', { env: { ACCESS_RULES_REPOSITORIES_5: 'file:///c' } }), [
    'env:ACCESS_RULES_REPOSITORIES_5: access_rules.repositories[5]: names an item behind the end of its list',
  ])
})

test('a provider can be written in variables alone', (t) => {
  const env = {
    LOGIN_BASE_URL: 'https://a.example,https://b.example',
    LOGIN_PROVIDERS_0_ID: 'a',
    LOGIN_PROVIDERS_0_ISSUER: 'https://id.example',
    LOGIN_PROVIDERS_0_CLIENT_ID: 'c',
    LOGIN_PROVIDERS_0_CLIENT_SECRET: 's',
    LOGIN_PROVIDERS_0_SCOPES: 'openid,email',
    LOGIN_PROVIDERS_0_AUTHORIZATION_PARAMS: '{"prompt":"login"}',
    LOGIN_PROVIDERS_1: '{"id":"b","issuer":"https://b.example","client_id":"c"}',
  }
  const { login } = accept(t, '', { env }).config
  assert.deepEqual(login?.baseUrls, ['https://a.example', 'https://b.example'])
  assert.deepEqual(
    login?.providers.map(({ id }) => id),
    ['a', 'b'],
  )
  assert.deepEqual(login?.providers[0]?.authorizationParams, { prompt: 'login' })
  assert.equal(login?.providers[0]?.clientSecret?.reveal(), 's')
})

test('a section is JSON, and a variable of one of its keys goes before it', (t) => {
  const { log } = accept(t, 'log: { format: json }', {
    env: { LOG: '{"level":"debug","redaction_text":"x"}', LOG_REDACTION_TEXT: 'y' },
  }).config
  assert.deepEqual([log.level, log.format, log.redactionText], ['debug', 'text', 'y'])
})

test('names without prefix collide with other programs, as in Oathkeeper; the prefixed one goes before the plain one', (t) => {
  assert.deepEqual(refuse(t, '', { env: { LOG: 'x', VERSION: '1.0' } }), [
    'env:LOG: log: must be an object in JSON',
    'env:VERSION: version: must be a version such as v0.40.0, found "1.0"',
  ])
  const { config } = accept(t, '', {
    env: { LOG_LEVEL: 'loud', OATHKEEPER_LOG_LEVEL: 'debug', OATHKEEPER_NOTHING: 'x' },
  })
  assert.equal(config.log.level, 'debug')
})

test('a LOGIN or SESSION that another program set does not stop a configuration of Oathkeeper', (t) => {
  assert.equal(
    accept(t, '', { env: { LOGIN: 'root', SESSION: 'ubuntu', SESSION_STORE: '/tmp' } }).config.login,
    undefined,
  )
  assert.equal(accept(t, '', { env: { SESSION: '{"lifetime":"1h"}' } }).config.session.lifetimeMs, 3_600_000)
  assert.deepEqual(refuse(t, '', { env: { OATHKEEPER_LOGIN: 'root' } }), [
    'env:OATHKEEPER_LOGIN: login: must be an object in JSON',
  ])
})

test('what is not a boolean counts as false, as in Oathkeeper, and is told', (t) => {
  const { config, warnings } = accept(t, '', {
    env: { SERVE_PROXY_CORS_ENABLED: 'maybe', SERVE_API_CORS_ENABLED: 'T' },
  })
  assert.deepEqual([config.serve.proxy.cors.enabled, config.serve.api.cors.enabled], [false, true])
  assert.deepEqual(warnings, [
    {
      source: 'env:SERVE_PROXY_CORS_ENABLED',
      path: 'serve.proxy.cors.enabled',
      message: 'is neither true nor false and counts as false',
    },
  ])
})

test('what a variable holds is taken as it is: no variables in it, no YAML', (t) => {
  const { log } = accept(t, '', { env: { LOG_REDACTION_TEXT: '${HOME} $$ {a: b}' } }).config
  assert.equal(log.redactionText, '${HOME} $$ {a: b}')
})

test('the file that a variable names goes before a secret in a file; two variables contradict each other', (t) => {
  const folder = makeFolder(t)
  const file = join(folder, 'password')
  writeFileSync(file, 'from-file\n')
  const text = 'session_store: { type: redis, redis: { addr: "a:1", password: hunter2 } }'
  const { sessionStore } = accept(t, text, { env: { SESSION_STORE_REDIS_PASSWORD_FILE: file } }).config
  assert.equal(sessionStore.type === 'redis' && sessionStore.redis.credentials.password?.reveal(), 'from-file')
  assert.deepEqual(
    refuse(t, text, { env: { SESSION_STORE_REDIS_PASSWORD_FILE: file, SESSION_STORE_REDIS_PASSWORD: 'hunter2' } }),
    [
      'env:SESSION_STORE_REDIS_PASSWORD_FILE: session_store.redis.password_file: is given together with password; remove one of them',
    ],
  )
})
