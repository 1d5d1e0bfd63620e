import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { accept, refuse } from '../../test/support/config.ts'

const PROVIDER = '{ id: demo, issuer: https://id.example, client_id: demo }'

function loginOf(t: TestContext, keys: string, provider = PROVIDER) {
  return accept(t, `login: { base_url: https://app.example, providers: [ ${provider} ], ${keys} }`).config
}

function refusedLogin(t: TestContext, keys: string, provider = PROVIDER): string {
  return refuse(t, `login: { base_url: https://app.example, providers: [ ${provider} ], ${keys} }`).join('\n')
}

function refusedProvider(t: TestContext, keys: string): string {
  return refusedLogin(t, '', `{ id: demo, client_id: demo, ${keys} }`)
}

test('what is left out has its default', (t) => {
  const { login, session } = loginOf(t, '')
  assert.deepEqual(login, {
    baseUrls: ['https://app.example'],
    basePath: '/.oathkeeper',
    providers: [
      {
        id: 'demo',
        issuer: 'https://id.example',
        clientId: 'demo',
        clientSecret: undefined,
        authMethod: 'none',
        scopes: ['openid', 'profile', 'email'],
        authorizationParams: {},
        userinfo: false,
        idTokenAlgorithm: undefined,
        session: { lifetimeMs: undefined, idleTimeout: undefined, ceilingFrom: ['claims.session_expiry'] },
        caFile: undefined,
      },
    ],
    stateTtlMs: 600_000,
    timeoutMs: 10_000,
    allowedReturnOrigins: [],
    afterLogin: '/',
    afterLogout: '/',
  })
  assert.deepEqual(session, {
    lifetimeMs: 86_400_000,
    idleTimeoutMs: undefined,
    rememberMe: { enabled: false, asks: false, lifetimeMs: 2_592_000_000, idleTimeout: 'off' },
    cookie: {
      name: '__Host-oathkeeper',
      domain: undefined,
      path: '/',
      sameSite: 'lax',
      persistent: false,
      secure: true,
    },
    subjectFrom: 'sub',
    refreshBeforeMs: 60_000,
    userinfoEveryMs: undefined,
    onRefreshFailure: 'keep',
  })
})

test('with providers the authenticator session and the error handler login are on, and the fallback asks login first', (t) => {
  const { handlers, errorFallback } = loginOf(t, '')
  assert.deepEqual(handlers.authenticators['session'], { enabled: true, config: undefined })
  assert.deepEqual(handlers.errors['login'], { enabled: true, config: undefined })
  assert.deepEqual(errorFallback, ['login', 'json'])
})

test('they stay off when they are switched off by name, and a fallback that is set stays', (t) => {
  const { config } = accept(
    t,
    `login: { base_url: https://app.example, providers: [ ${PROVIDER} ] }
authenticators: { session: { enabled: false } }
errors: { fallback: [json], handlers: { login: { enabled: false } } }
`,
  )
  assert.equal(config.handlers.authenticators['session']?.enabled, false)
  assert.equal(config.handlers.errors['login']?.enabled, false)
  assert.deepEqual(config.errorFallback, ['json'])
})

test('a configuration of theirs without a switch leaves them on', (t) => {
  const { config } = accept(
    t,
    `login: { base_url: https://app.example, providers: [ ${PROVIDER} ] }
authenticators: { session: { config: { provider: demo } } }
`,
  )
  assert.deepEqual(config.handlers.authenticators['session'], { enabled: true, config: { provider: 'demo' } })
})

test('without login everything is as in Oathkeeper', (t) => {
  const { config } = accept(t, '{}')
  assert.equal(config.login, undefined)
  assert.deepEqual(config.handlers, {
    authenticators: {},
    authorizers: {},
    mutators: {},
    errors: { json: { enabled: true, config: undefined } },
  })
  assert.deepEqual(config.errorFallback, ['json'])
})

test('base_url is an origin, or a list of them', (t) => {
  const { config } = accept(
    t,
    `login: { base_url: [ "HTTPS://App.Example:443", "https://b.example:8443/" ], providers: [ ${PROVIDER} ] }`,
  )
  assert.deepEqual(config.login?.baseUrls, ['https://app.example', 'https://b.example:8443'])
  for (const url of [
    'app.example',
    'https://app.example/x',
    'https://app.example?x',
    'https://app.example#x',
    'https://u:p@app.example',
    'ftp://a',
    'https://',
    'https://a b',
    '//app.example',
    '',
  ]) {
    assert.match(
      refuse(t, `login: { base_url: "${url}", providers: [ ${PROVIDER} ] }`).join(),
      /login\.base_url: must be an origin/,
      url,
    )
  }
  assert.match(
    refuse(t, `login: { base_url: [ https://a.example, b ], providers: [ ${PROVIDER} ] }`).join(),
    /login\.base_url\[1\]: must be an origin/,
  )
  assert.match(
    refuse(t, `login: { base_url: [], providers: [ ${PROVIDER} ] }`).join(),
    /login\.base_url: must name at least one origin/,
  )
  assert.match(
    refuse(t, `login: { base_url: [ https://a.example, http://b.example ], providers: [ ${PROVIDER} ] }`).join(),
    /login\.base_url: must be all https or all http/,
  )
})

test('base_url and providers are required', (t) => {
  assert.deepEqual(refuse(t, 'login: {}\n'), [
    'config.yaml:1: login.base_url: is required: public origin (scheme, host, port) that browsers see; a list where several hosts are served',
    'config.yaml:1: login.providers: is required: OpenID Connect providers; the first is the default',
  ])
  assert.match(
    refuse(t, 'login: { base_url: https://a.example, providers: [] }').join(),
    /login\.providers: must name at least one provider/,
  )
})

test('base_path is a clean path', (t) => {
  assert.equal(loginOf(t, 'base_path: /auth/login').login?.basePath, '/auth/login')
  for (const path of ['', '/', 'auth', '/auth/', '//auth', '/a b', '/a%2fb', '/a/../b', '/./a', '/a?b']) {
    assert.match(refusedLogin(t, `base_path: "${path}"`), /login\.base_path: must/, path)
  }
})

test('A-18: an issuer is https, unless it is on this machine', (t) => {
  for (const issuer of [
    'https://id.example/realms/a',
    'http://127.0.0.1:9090',
    'http://localhost:9090',
    'http://[::1]:9090',
    'https://id.example/',
  ]) {
    assert.equal(loginOf(t, '', `{ id: a, client_id: a, issuer: "${issuer}" }`).login?.providers[0]?.issuer, issuer)
  }
  assert.match(refusedProvider(t, 'issuer: http://id.example'), /issuer: must be https/)
  assert.match(refusedProvider(t, 'issuer: http://127.0.0.1.evil.example'), /issuer: must be https/)
  for (const issuer of [
    'id.example',
    'https://id.example?x=1',
    'https://id.example/#x',
    'https://u:p@id.example',
    'ftp://id.example',
    '',
  ]) {
    assert.match(refusedProvider(t, `issuer: "${issuer}"`), /issuer: must be a URL/, issuer)
  }
})

test('provider ids are unique and made of few characters', (t) => {
  assert.match(
    refusedLogin(t, '', `${PROVIDER}, ${PROVIDER}`),
    /login\.providers\[1\]\.id: "demo" is the id of another provider already/,
  )
  for (const id of ['', 'Demo', 'a_b', 'a/b', '-a', 'a-', 'é']) {
    assert.match(
      refusedLogin(t, '', `{ id: "${id}", issuer: https://id.example, client_id: a }`),
      /\.id: must be made of/,
      id,
    )
  }
})

test('openid is added to scopes where it is missing', (t) => {
  const scopes = (list: string) =>
    loginOf(t, '', `{ id: a, issuer: https://a.example, client_id: a, scopes: ${list} }`).login?.providers[0]?.scopes
  assert.deepEqual(scopes('[ email ]'), ['openid', 'email'])
  assert.deepEqual(scopes('[ email, openid, offline_access ]'), ['email', 'openid', 'offline_access'])
  assert.match(refusedProvider(t, 'issuer: https://a.example, scopes: [ "a b" ]'), /scopes\[0\]: must be a scope/)
})

test('the way the client proves itself follows from its secret', (t) => {
  const method = (keys: string) =>
    loginOf(t, '', `{ id: a, issuer: https://a.example, client_id: a, ${keys} }`).login?.providers[0]?.authMethod
  assert.equal(method(''), 'none')
  assert.equal(method('client_secret: s'), 'client_secret_basic')
  assert.equal(method('client_secret: s, auth_method: client_secret_post'), 'client_secret_post')
  const refused = (keys: string) => refusedProvider(t, `issuer: https://a.example, ${keys}`)
  assert.match(refused('auth_method: client_secret_basic'), /auth_method: client_secret_basic needs client_secret/)
  assert.match(refused('client_secret: s, auth_method: none'), /auth_method: none is for public clients/)
  assert.match(refused('auth_method: private_key_jwt'), /auth_method: private_key_jwt is not supported yet/)
  assert.match(refused('auth_method: magic'), /auth_method: must be one of client_secret_basic/)
})

test('A-31: parameters that belong to the protocol cannot be fixed', (t) => {
  for (const name of [
    'state',
    'nonce',
    'redirect_uri',
    'code_challenge',
    'code_challenge_method',
    'client_id',
    'response_type',
    'scope',
    'response_mode',
    'request',
  ]) {
    assert.match(
      refusedProvider(t, `issuer: https://a.example, authorization_params: { ${name}: x }`),
      new RegExp(`authorization_params\\.${name}: belongs to the protocol`),
    )
  }
  const { login } = loginOf(
    t,
    '',
    '{ id: a, issuer: https://a.example, client_id: a, authorization_params: { prompt: login } }',
  )
  assert.deepEqual(login?.providers[0]?.authorizationParams, { prompt: 'login' })
})

test('ca_file is found from the folder of the file that names it', (t) => {
  const { config, files } = accept(
    t,
    'login: { base_url: https://a.example, providers: [ { id: a, issuer: https://a.example, client_id: a, ca_file: ca.pem } ] }',
  )
  assert.equal(config.login?.providers[0]?.caFile, join([...files.keys()][0] as string, '../ca.pem'))
})

test('targets of login and logout are paths of ours or web addresses', (t) => {
  assert.equal(loginOf(t, 'after_login: "/home?a=b#c"').login?.afterLogin, '/home?a=b#c')
  assert.equal(loginOf(t, 'after_logout: "https://www.example/bye"').login?.afterLogout, 'https://www.example/bye')
  for (const target of ['', 'home', '//evil.test', '/\\\\evil.test', 'javascript:alert(1)', '/a b']) {
    assert.match(refusedLogin(t, `after_login: "${target}"`), /login\.after_login: must be a path/, target)
  }
})

test('V-089: bounds of durations are kept', (t) => {
  assert.match(refusedLogin(t, 'state_ttl: 100000h'), /state_ttl: must be at most 24h/)
  assert.match(refusedLogin(t, 'state_ttl: 1s'), /state_ttl: must be at least 10s/)
  assert.match(refusedLogin(t, 'timeout: 1h'), /timeout: must be at most 5m/)
  for (const key of ['lifetime', 'idle_timeout']) {
    assert.match(refuse(t, `session: { ${key}: 100000h }`).join(), /must be (off or )?at most 400d, found "100000h"/)
    assert.match(refuse(t, `session: { ${key}: 0s }`).join(), /must be (off or )?at least 1s/)
  }
})

test('a plain http origin of another machine is told', (t) => {
  const { warnings } = accept(t, `login: { base_url: http://app.example, providers: [ ${PROVIDER} ] }`)
  assert.match(warnings.map(({ message }) => message).join(), /not https: session cookies travel unencrypted/)
  assert.deepEqual(accept(t, `login: { base_url: http://127.0.0.1:4455, providers: [ ${PROVIDER} ] }`).warnings, [])
})
