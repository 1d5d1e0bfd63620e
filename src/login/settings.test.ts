import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProblemsError } from '../kernel/problem.ts'
import { Secret } from '../lib/secret.ts'
import { loginOptions } from '../../test/support/login-rig.ts'
import type { LoginOptions, ProviderOptions } from './options.ts'
import { compileSettings } from './settings.ts'

function problemPaths(changes: Partial<LoginOptions>): string[] {
  try {
    compileSettings(loginOptions(changes))
    return []
  } catch (error) {
    assert.ok(error instanceof ProblemsError, String(error))
    assert.doesNotMatch(error.message, /s3cret/)
    return error.problems.map(({ path }) => path)
  }
}

const { cookie, providers } = loginOptions()
const withCookie = (changes: Partial<LoginOptions['cookie']>, baseUrl = 'https://app.example') => ({
  baseUrls: [baseUrl],
  cookie: { ...cookie, ...changes },
})
const withProvider = (changes: Partial<ProviderOptions>) => ({ providers: [{ ...providers[0]!, ...changes }] })

const wrong: [title: string, path: string, changes: Partial<LoginOptions>][] = [
  ['no base URL', 'login.base_url', { baseUrls: [] }],
  ['a base URL with a path', 'login.base_url', { baseUrls: ['https://app.example/app'] }],
  ['a base URL with a user', 'login.base_url', { baseUrls: ['https://a@app.example'] }],
  ['a base URL of another scheme', 'login.base_url', { baseUrls: ['ftp://app.example'] }],
  ['a base URL that is none', 'login.base_url', { baseUrls: ['app.example'] }],
  ['http and https', 'login.base_url', { baseUrls: ['https://a.example', 'http://b.example'] }],
  ['a return origin with a path', 'login.allowed_return_origins[0]', { allowedReturnOrigins: ['https://a.example/x'] }],
  ['a return origin with a wildcard', 'login.allowed_return_origins[0]', { allowedReturnOrigins: ['*.example'] }],
  ['a base path with a slash at the end', 'login.base_path', { basePath: '/x/' }],
  ['a base path of dots', 'login.base_path', { basePath: '/..' }],
  ['an empty base path', 'login.base_path', { basePath: '' }],
  ['a foreign after_login', 'login.after_login', { afterLogin: 'https://evil.test/' }],
  ['an after_login that is a host', 'login.after_login', { afterLogin: '//evil.test' }],
  ['an after_logout that logs out', 'login.after_logout', { afterLogout: '/.oathkeeper/logout' }],
  ['no provider', 'login.providers', { providers: [] }],
  ['one id twice', 'login.providers[1].id', { providers: [providers[0]!, providers[0]!] }],
  ['an id with a slash', 'login.providers[0].id', withProvider({ id: 'a/b' })],
  ['A-18: an issuer on plain http', 'login.providers[0].issuer', withProvider({ issuer: 'http://10.0.0.1' })],
  ['an issuer with a query', 'login.providers[0].issuer', withProvider({ issuer: 'https://id.example/?a' })],
  ['no client id', 'login.providers[0].client_id', withProvider({ clientId: '' })],
  ['an empty secret', 'login.providers[0].client_secret', withProvider({ clientSecret: new Secret('') })],
  ['a method without its secret', 'login.providers[0].auth_method', withProvider({ authMethod: 'client_secret_post' })],
  [
    'a secret that is not used',
    'login.providers[0].auth_method',
    withProvider({ authMethod: 'none', clientSecret: new Secret('s3cret') }),
  ],
  ...[
    'state',
    'nonce',
    'redirect_uri',
    'scope',
    'code_challenge',
    'code_challenge_method',
    'request',
    'response_mode',
  ].map((name): [string, string, Partial<LoginOptions>] => [
    `A-31: the protocol's own ${name}`,
    `login.providers[0].authorization_params.${name}`,
    withProvider({ authorizationParams: { [name]: 'x' } }),
  ]),
  [
    'a max_age that is no number',
    'login.providers[0].authorization_params.max_age',
    withProvider({ authorizationParams: { max_age: 'soon' } }),
  ],
  ['a scope with a space', 'login.providers[0].scopes', withProvider({ scopes: ['a b'] })],
  [
    'B-06: a secret too short for its algorithm',
    'login.providers[0].id_token_signed_response_alg',
    withProvider({ idTokenAlgorithm: 'HS256', clientSecret: new Secret('s3cret') }),
  ],
  ['V-099: a cookie name with a semicolon', 'session.cookie.name', withCookie({ name: 'a;b' })],
  ['V-099: a cookie name with a line end', 'session.cookie.name', withCookie({ name: 'a\r\nb' })],
  ['V-099: a cookie path with a semicolon', 'session.cookie.path', withCookie({ path: '/;Domain=evil.test' })],
  ['V-099: a cookie domain with a semicolon', 'session.cookie.domain', withCookie({ domain: 'app.example;x' })],
  ['D-05: __Host- with a domain', 'session.cookie.name', withCookie({ name: '__Host-x', domain: 'app.example' })],
  ['D-05: __Host- with a path', 'session.cookie.name', withCookie({ name: '__host-x', path: '/x' })],
  ['D-05: __Host- on http', 'session.cookie.name', withCookie({ name: '__Host-x' }, 'http://localhost')],
  ['D-05: __Secure- on http', 'session.cookie.name', withCookie({ name: '__Secure-x' }, 'http://localhost')],
  ['SameSite=None on http', 'session.cookie.same_site', withCookie({ sameSite: 'none' }, 'http://localhost')],
  ['a domain that browsers would refuse', 'session.cookie.domain', withCookie({ domain: 'other.example' })],
  ['V-013: a domain that only ends alike', 'session.cookie.domain', withCookie({ domain: 'pp.example' })],
]
for (const [title, path, changes] of wrong) {
  test(`${title} is refused`, () => assert.deepEqual(problemPaths(changes), [path]))
}

test('all mistakes are told at once', () => {
  assert.equal(problemPaths({ basePath: '', providers: [], baseUrls: ['x'] }).length, 3)
})

for (const basePath of ['/.oathkeeper', '/auth', '/a/b.c-d_e~f', '/..a']) {
  test(`${basePath} is a base path`, () => assert.deepEqual(problemPaths({ basePath }), []))
}

const nameOf = (changes: Partial<LoginOptions>) => compileSettings(loginOptions(changes)).cookieName

test('the name of the cookie follows from where it lives', () => {
  assert.equal(nameOf(withCookie({})), '__Host-oathkeeper')
  assert.equal(nameOf(withCookie({ domain: 'app.example' })), 'oathkeeper')
  assert.equal(nameOf(withCookie({ path: '/x' })), 'oathkeeper')
  assert.equal(nameOf(withCookie({}, 'http://localhost:4455')), 'oathkeeper')
  assert.equal(nameOf(withCookie({ name: 'mine' })), 'mine')
})
